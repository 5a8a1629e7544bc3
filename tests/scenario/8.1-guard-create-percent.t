# 8.1 8.2 Creates may be limited too, but not in a first run, and never below the floor.
config
    guard { create = "10%"  floor = "2" }
directory
    users u 20
run created=20
change
    users v 2
run created=2
time +2d
change
    users w 3
run held=3 exit=4
release
run created=3
expect
    count users=25
