# 9.3 People who left scope by mistake are back, their memberships too; who really leaves afterwards, leaves.
config
    scope { filter = '(|(objectClass=group)(department=Sales))' }
    guard { disable = "-" }
directory
    users u 6 department=Sales
    group staff member=u1,u2,u3
run created=7 members_added=3
change
    set u1 department=-
    set u2 department=-
    set u5 department=-
run mark disabled=3 members_removed=2
run undo enabled=3 members_added=2
expect
    u1 active=true
    staff members=u1,u2,u3
run full writes=0
change
    disable u1
    delete u2
    member staff -u1
# That somebody is disabled or deleted, and that a membership ends, is news: their pins are over (I5).
run disabled=2 members_removed=2
expect
    u1 active=false
    u2 active=false
    staff members=u3
change
    set u5 department=Sales
run writes=0
change
    set u5 department=-
run disabled=1
expect
    u5 active=false
run writes=0
