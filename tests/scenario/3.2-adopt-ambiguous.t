# 3.2 Two objects fit: a person says which, even where adopting needs no approval.
target adopt=yes
    foreign group displayName=staff
    foreign group displayName=Staff mail=old@x.example
directory
    user anna
    group staff member=anna
run created=1 held=1 exit=4
expect
    staff -
adopt staff g2
run adopted=1 members_added=1
expect
    staff members=anna
    count groups=2
