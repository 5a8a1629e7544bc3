# 8.1 Limits hold per 24 hours as well: not a few every minute.
config
    guard { delete = "3" }
    user { leave = "delete" }
directory
    users u 20
run created=20
change
    delete u1
    delete u2
run deleted=2
time +1h
change
    delete u3
    delete u4
run held=2 exit=4
time +1h
run held=2 exit=4
time +1d
run deleted=2
expect
    u4 -
    count users=16
