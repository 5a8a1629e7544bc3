# 8, 9.3 The inverse goes through the guard; a release is performed by the next run; --release permits it at once.
config
    guard { disable = "1" create = "-" }
directory
    users u 6
run created=6
change
    users v 3
run mark created=3
run undo held=3 exit=4 writes=0
run held=3 exit=4 writes=0
release
run disabled=3
expect
    v1 active=false
change
    users w 2
run mark created=2
run undo release disabled=2
expect
    w1 active=false
    u1 active=true
run writes=0
