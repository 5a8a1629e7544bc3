# I5 7.3 A refused disable stays wanted though other values of the same object went through.
directory
    user anna
    user bert
run created=2
target
    refuse anna busy kind=retry op=disable
change
    set anna title=Chief
    disable anna
run updated=1 failed=1 exit=1
expect
    anna title=Chief active=true
target
    accept anna
time +5m
run disabled=1
expect
    anna active=false
