# 8.4 A release permits exactly those pairs while they are still wanted; newcomers count afresh.
config
    guard { delete = "1" }
    user { leave = "delete" }
directory
    users u 9
run created=9
change
    delete u1
    delete u2
    delete u3
run held=3 exit=4
change
    restore u3
    delete u4
    delete u5
release
run deleted=2 held=2 exit=4
expect
    u1 -
    u2 -
    u3 active=true
    u4 active=true
    count users=7
release
run deleted=2
expect
    count users=5
