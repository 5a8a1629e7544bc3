# 9.3 A run of 500 wrong changes taken back by one command, and the next run does not do them again.
scenario no-faults, no-stops
target window=64 members=100
config
    scope { filter = '(!(department=Out))' }
    guard { disable = "-" }
directory
    users u 500 department=Sales
    group all
change
    members all + u 1 500
run created=501 members_added=500
config
    scope { filter = '(|(objectClass=group)(department=Out))' }
    guard { disable = "-" }
run mark disabled=500 members_removed=500
run undo enabled=500 members_added=500
run writes=0
run full writes=0
expect
    all member_count=500
    u250 active=true
config
    scope { filter = '(!(department=Out))' }
    guard { disable = "-" }
run writes=0
unpin
run writes=0
