# I1 A first read that was cut makes nobody; the next read makes everybody once.
directory
    users u 6
    group staff member=u1,u2,u3,u4,u5,u6
source links=2
fault cut 4
run exit=3
expect
    count users=0 groups=0
fault cut 8
run exit=3
run created=7 members_added=6
expect
    count users=6 groups=1
    staff member_count=6
