# 6.3, 8.1 Members that others added are taken out within the guard's limit alone, and not at all when the
# configuration says otherwise by then.
scenario loose no-full
config
    members = "exact"
    guard { member_removal = "5" }
directory
    users u 10
    group staff
run created=11
target
    edit staff members=u1,u2,u3,u4,u5,u6,u7
run full drifted=1 held=7 exit=4
run held=7 exit=4
change
    member staff +u1
run held=6 exit=4
config
    members = "ours"
    guard { member_removal = "5" }
run
expect
    staff members=u1,u2,u3,u4,u5,u6,u7
change
    member staff -u1
run members_removed=1
expect
    staff members=u2,u3,u4,u5,u6,u7
config
    members = "exact"
    guard { member_removal = "-" member_per_group = "-" }
run full drifted=1 members_removed=6
expect
    staff members=-
