# 9.1 A plan may move mirror and cursor, never what is at the target; the run after it does what was planned.
directory
    user anna
    user bert
    group staff member=anna
run plan writes=0
expect
    count users=0 groups=0
run created=3 members_added=1
change
    set anna title=Chief
    delete bert
run plan writes=0
expect
    anna title=-
    bert active=true
run updated=1 disabled=1
