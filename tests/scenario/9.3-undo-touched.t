# 9.3 What a later run has changed since is named and left.
directory
    users u 3 title=Clerk
    group staff member=u1,u2
run created=4 members_added=2
change
    set u1 title=Chief
    set u2 title=Chief
    member staff -u1 -u2
run mark updated=2 members_removed=2
change
    set u1 title=Director
    member staff +u1
run updated=1 members_added=1
run once undo updated=1 members_added=1 notes=2 exit=1
expect
    u1 title=Director
    u2 title=Clerk
    staff members=u1,u2
run writes=0
