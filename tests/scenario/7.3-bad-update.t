# 7.3 A refused update is tried again; what else is to be done about that object is done.
directory
    user anna title=Clerk
    group staff
run created=2
target
    refuse anna bad-value op=update
change
    set anna title=Chief
    member staff +anna
run members_added=1 failed=1 exit=1
expect
    anna title=Clerk
    staff members=anna
target
    accept anna
time +1h
run updated=1
expect
    anna title=Chief
