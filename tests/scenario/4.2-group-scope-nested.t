# 4.2 5.1 Scope by group, nested: joining and leaving through a group in a group in a group.
config
    scope { group = 'CN=hosted,DC=x' }
directory
    user anna
    user bert
    user carl
    user dora
    group inner member=anna,bert
    group middle member=inner
    group hosted member=middle,carl
run created=5 members_added=3
expect
    anna active=true
    middle members=inner
    hosted -
    dora -
change
    member inner +dora -bert
run created=1 disabled=1 members_added=1 members_removed=1
expect
    dora active=true
    bert active=false
    inner members=anna,dora
change
    member hosted -middle
run disabled=2 deleted=2
expect
    anna active=false
    dora active=false
    carl active=true
    inner -
change
    member hosted +middle
run enabled=2 created=2 members_added=3
expect
    anna active=true
    inner members=anna,dora
