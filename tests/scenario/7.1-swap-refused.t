# 7.1 One half of a swap is refused for another reason: the other half gets its old name back, nobody stays parked.
scenario no-faults
directory
    user anna
    user bert
run created=2
target
    refuse bert strange
change
    set anna mail=bert@x.example title=Chief
    set bert mail=anna@x.example
run failed=2 exit=1
expect
    anna userName=anna@x.example emails.work=anna@x.example
    bert userName=bert@x.example
target
    accept bert
time +6h
run updated=2
expect
    anna userName=bert@x.example title=Chief
    bert userName=anna@x.example
