# 4.3 5.2 Grace ends by the clock for what was not disabled on leaving too: who was disabled already, and groups.
config
    user { leave = "grace"  grace = "30d" }
    group { leave = "grace"  grace = "10d" }
directory
    user anna
    user bert
    group staff member=bert
    group rest member=bert
run created=4 members_added=2
change
    disable anna
run disabled=1
change
    delete anna
    delete staff
run
expect
    anna active=false
    staff displayName=staff
time +11d
run deleted=1
expect
    staff -
    rest members=bert
    anna active=false
time +20d
run deleted=1
expect
    anna -
    bert active=true
