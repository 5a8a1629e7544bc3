# 8.1 Members of one group: half of them at once is too many; other groups go on.
config
    guard { floor = "2" member_removal = "-" member_per_group = "50%" }
directory
    users u 10
    group g member=u1,u2,u3,u4,u5,u6
    group h member=u1,u2,u3,u4
run created=12 members_added=10
change
    member g -u1 -u2 -u3 -u4
    member h -u1
run members_removed=1 held=4 exit=4
expect
    g members=u1,u2,u3,u4,u5,u6
    h members=u2,u3,u4
release
run members_removed=4
expect
    g members=u5,u6
