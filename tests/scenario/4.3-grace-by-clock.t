# 4.3 5.2 Deleted after grace, by the clock alone; who comes back before is kept.
config
    user { leave = "grace"  grace = "30d" }
directory
    user anna
    user bert
    user carl
run created=3
change
    delete anna
    delete bert
run disabled=2
expect
    anna active=false
time +29d
change
    restore bert
run enabled=1
expect
    anna active=false
    bert active=true
time +2d
run deleted=1
expect
    anna -
    bert active=true
    carl active=true
