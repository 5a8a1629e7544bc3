# I1 What stays away from sealed full reads for missing_after is gone; the guard still holds so many (8.1).
scenario no-full
source full_tombstones=no
directory
    ou Sales
    user anna
    users s 8 in=Sales
run created=9
change
    deny Sales
run full
time +2h
run full held=8 exit=4
expect
    s1 active=true
    s8 active=true
release
run disabled=8
expect
    s8 active=false
    anna active=true
