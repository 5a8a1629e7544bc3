# 6.4 A full run finds what is gone: groups are made again, users wait for a release, leavers are let go.
scenario loose
config
    scope { base = 'OU=People,DC=x' }
directory
    ou People
    ou Out
    user anna in=People
    user bert in=People
    user carl in=People
    group staff in=People member=anna,bert
run created=4 members_added=2
change
    move carl Out
run disabled=1
target
    vanish anna
    vanish carl
    vanish staff
run full held=1 recreated=1 members_added=1 missing=3 exit=4
expect
    anna -
    carl -
    staff members=bert
time +3h
run held=1 exit=4
release
run recreated=1 members_added=1
expect
    anna active=true
    carl -
    staff members=anna,bert
