# 7.3 An operation whose outcome is never known ends as a failure of its object, not as a run without end.
scenario no-faults
directory
    user anna
    user bert
target
    refuse anna timeout kind=unknown op=create
run created=1 failed=1 exit=1
expect
    anna -
target
    accept anna
time +5m
run created=1
expect
    anna active=true
