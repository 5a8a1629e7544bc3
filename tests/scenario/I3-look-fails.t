# I3 7.3 What became of a delete is not known, and the look fails, too: that object alone waits, all else goes on.
scenario no-faults
config
    user { leave = "delete" }
    guard { delete = "-" }
directory
    user anna
    user bert
    user carl
run created=3
target
    refuse carl timeout kind=unknown op=delete
    refuse carl service-error kind=retry op=get
change
    delete carl
    set anna title=Chief
run failed=1 updated=1 exit=1
expect
    anna title=Chief
target
    accept carl
change
    set bert title=Clerk
time +5m
run deleted=1 updated=1
expect
    carl -
    bert title=Clerk
