# 5.1 A changed configuration looks at everybody; only differences are written.
directory
    user anna title=Chief department=Sales
    user bert department=Board
    group staff member=anna,bert
run created=3 members_added=2
config
    user { map { title = 'department' } }
run updated=2 calls<=2
expect
    anna title=Sales
    bert title=Board
config
    user { map { title = '' } }
run updated=2
expect
    anna title=-
config
    scope { filter = '(|(department=Sales)(objectClass=group))' }
    user { map { title = '' } }
run disabled=1 members_removed=1
expect
    bert active=false
    staff members=anna
