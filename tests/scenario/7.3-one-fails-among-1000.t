# 7.3 One object that fails for ever never delays a thousand others.
scenario no-stops no-faults
target window=64
directory
    user bad
    users u 1000
    group staff member=bad
change
    members staff + u 1 1000
target
    refuse bad strange
run created=1001 members_added=1000 failed=1 exit=1
expect
    count users=1000 groups=1
    u1000 active=true
    bad -
    staff member_count=1000
change
    set u500 title=Chief
run updated=1 failed=1 exit=1 calls<=4
target
    accept bad
time +1h
run created=1 members_added=1
expect
    staff member_count=1001
