# 5.1 6.3 Members are mapped no more, and again.
directory
    user anna
    user bert manager=anna
    group staff member=anna,bert
run created=3 members_added=2 updated=1
config
    group { map { members = '' } }
    guard { member_removal = "-" }
run members_removed=2
expect
    staff members=-
    bert manager=anna
config
run members_added=2
expect
    staff members=anna,bert
