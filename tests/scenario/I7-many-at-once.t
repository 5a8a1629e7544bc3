# I7 All sorts of changes in one delta, against the same by full reads.
scenario quick
config
    scope { base = 'OU=People,DC=x' }
directory
    ou People
    ou Out
    users u 10 in=People
    group g in=People member=u1,u2,u3
    group h in=People member=g
run created=12 members_added=4
change
    delete u1
    move u2 Out
    disable u3
    set u4 title=Chief
    rename u5 "U Five"
    user new in=People manager=u4
    member g +u6 +new -u3
    member h +u7 -g
    manager u8 u9
    user outer in=Out
run created=1 disabled=3 updated=4 members_added=3 members_removed=4
expect
    u1 active=false
    u2 active=false
    u3 active=false
    u5 displayName="U Five"
    g members=new,u6
    h members=u7
    u8 manager=u9
