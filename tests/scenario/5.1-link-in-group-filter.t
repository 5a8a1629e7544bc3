# 5.1 I7 4.2 Members in a filter over groups: one, any, and nested (1941).
config
    scope { filter = '(|(&(objectClass=group)(|(member=CN=bert,DC=x)(description=any)(member:1.2.840.113556.1.4.1941:=CN=anna,DC=x)))(objectClass=user))' }
config any
    scope { filter = '(&(cn=any)(member=*))' }
directory
    user anna
    user bert
    group g
    group inner
    group outer member=inner
    group any
run created=2
change
    member g +bert
    member inner +anna
    member any +bert
run created=4 members_added=4
change
    member g -bert
    member inner -anna
    member any -bert
run deleted=4
expect
    count users=2 groups=0
