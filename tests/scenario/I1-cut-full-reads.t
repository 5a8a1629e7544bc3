# I1 The same for full reads: half of a directory is no directory.
source full_tombstones=no
directory
    users u 12
run created=12
fault cut 3
run full exit=3
time +2h
fault unsealed
run full exit=3
time +2h
fault counts
run full exit=3
time +2h
fault half 5
run full exit=3
run full
expect
    u1 active=true
    u12 active=true
