# I10 One member changed in a group of 5,000 costs what one in a group of ten does.
scenario no-stops no-faults no-full
target window=64 members=1000
directory
    users u 5000
    user anna
    group big
    group small member=u1
change
    members big + u 1 5000
run created=5003 members_added=5001
expect
    big member_count=5000
change
    member big +anna -u7
    member small +anna -u1
run members_added=2 members_removed=2 calls<=4 events<=24
expect
    big member_count=5000
    small members=anna
