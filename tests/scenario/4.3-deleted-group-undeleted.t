# 4.3 A group that was deleted there is created anew with all its members when it is restored.
directory
    user anna
    group staff member=anna
    group all member=staff
run created=3 members_added=2
change
    delete staff
run deleted=1 members_removed=1
expect
    staff -
    all members=-
change
    restore staff
run created=1 members_added=2
expect
    staff members=anna
    all members=staff
