# 5.1 I7 A membership ends in the same breath as the rules change, which makes everything looked at.
config
    user { map { title = '"a"' } }
directory
    user anna
    user bert
    group g member=anna,bert
run created=3 members_added=2
config
    user { map { title = '"b"' } }
change
    member g -anna
run updated=2 members_removed=1
expect
    g members=bert
