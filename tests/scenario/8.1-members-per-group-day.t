# 8.1 The limit on one group's members counts a day, not a run.
config
    guard { member_removal = "-" }
directory
    users u 20
    group g1
    group g2
change
    members g1 + u 1 20
run created=22 members_added=20
change
    members g1 - u 1 9
run members_removed=9
time +2h
change
    members g1 - u 10 14
run held=5 exit=4
time +25h
run members_removed=5
expect
    g1 member_count=6
