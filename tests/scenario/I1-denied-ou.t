# I1 An ACE that denies an OU gives result 0 with fewer entries: one read removes nobody, and when the right comes back, nothing has happened.
scenario no-full
source full_tombstones=no
directory
    ou People
    ou Sales
    user anna in=People
    users s 8 in=Sales
    group staff in=Sales member=s1,anna
run created=10 members_added=2
change
    deny Sales
run full
expect
    s1 active=true
    staff members=anna,s1
time +20m
run full
change
    allow Sales
run full
time +2h
run full
expect
    s8 active=true
    staff members=anna,s1
