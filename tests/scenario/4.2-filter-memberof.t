# 4.2 memberOf in a filter is computed from links, not read.
config
    scope { filter = '(|(memberOf=CN=hosted,DC=x)(objectClass=group))' }
directory
    user anna
    user bert
    group hosted member=anna
run created=2 members_added=1
change
    member hosted +bert -anna
run created=1 disabled=1 members_added=1 members_removed=1
expect
    anna active=false
    bert active=true
    hosted members=bert
