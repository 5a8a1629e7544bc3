# 9.3 Undone delete: made anew with what it had, members and memberships too; what is lost is said.
config
    user { leave = "delete" }
    guard { delete = "-" }
directory
    users u 4 title=Clerk
    group staff member=u1,u2,u3
    group inner member=u4,staff
    group outer member=inner
run created=7 members_added=6
change
    delete u1
    delete u4
    delete inner
run mark deleted=3 members_removed=2
expect
    u1 -
    staff members=u2,u3
    outer member_count=0
run undo created=3 members_added=4 notes=3
expect
    u1 title=Clerk active=true
    staff members=u1,u2,u3
    inner members=u4,staff
    outer members=inner
run full writes=0
change
    restore u1
run writes=0
change
    set u1 title=Chief
run updated=1
expect
    u1 title=Chief
    u4 title=Clerk
    inner members=u4,staff
unpin
run deleted=2 members_removed=1
expect
    u4 -
    inner -
    staff members=u1,u2,u3
