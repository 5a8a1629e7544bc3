# 7.1 4.2 Groups in a cycle, a group in itself, and scope by one of them.
config
    scope { group = 'CN=a,DC=x' }
directory
    user anna
    user bert
    group a member=b
    group b member=c,anna
    group c member=a,c,bert
run created=4 members_added=4
expect
    b members=anna,c
    c members=bert,c
    a -
change
    member b -c
run deleted=1 disabled=1 members_removed=1
expect
    anna active=true
    bert active=false
    b members=anna
