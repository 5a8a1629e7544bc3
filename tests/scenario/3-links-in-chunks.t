# 7.1 A group's members come in many lines, backwards, and go in many operations.
scenario quick
source links=3 reverse
target members=4 window=2
directory
    users u 11
    group g
    group h member=g
change
    members g + u 1 11
run created=13 members_added=12
expect
    g member_count=11
change
    members g - u 1 4
run members_removed=4
expect
    g member_count=7
