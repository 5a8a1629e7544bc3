# 2.4 Two kinds for one object are an error of that object; it counts as present.
directory
    user anna
    user bert
run created=2
change
    set anna objectClass=group
    set bert title=Chief
run updated=1 failed=1 exit=1
expect
    anna active=true
    count users=2 groups=0
change
    set anna objectClass=user
run
expect
    anna active=true
