# I3 A creation whose outcome was never known, and which came about after we had looked: it is ours, and waits for nobody.
scenario no-faults
directory
    user anna title=Chief
    user bert
target
    refuse anna timeout kind=unknown op=create
run created=1 failed=1 exit=1
target
    accept anna
    foreign user of=anna userName=anna@x.example
time +5m
run adopted=1
expect
    anna active=true title=Chief
    count users=2
run
