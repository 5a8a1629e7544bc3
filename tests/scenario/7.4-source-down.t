# 7.4 5.2 The source is down: due times and retries run all the same.
directory
    user anna
    user bert
run created=2
change
    expire anna +1d
run
target
    refuse bert strange
change
    set bert title=Chief
run failed=1 exit=1
target
    accept bert
source down
time +2d
run disabled=1 updated=1 exit=3
expect
    anna active=false
    bert title=Chief
source up
run
