# 9.3 Undone create = disable; of a group, which cannot be disabled, it is a removal. Members that were added go.
scenario quick
directory
    users u 3
    group staff member=u1
run created=4 members_added=1
change
    users v 3
    group wrong member=u1,v1
    member staff +v1
    manager u1 v2
run mark created=4 members_added=3 updated=1
run undo disabled=3 deleted=1 members_removed=2
expect
    v1 active=false
    v3 active=false
    wrong -
    staff members=u1
    u1 manager=-
run full writes=0
unpin
run enabled=3 created=1 members_added=3 updated=1
expect
    v1 active=true
    wrong members=u1,v1
    staff members=u1,v1
    u1 manager=v2
