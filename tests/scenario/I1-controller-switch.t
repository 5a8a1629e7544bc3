# I1 Another controller means a full read, and an absence first noticed there is not confirmed by it alone.
scenario no-full
source full_tombstones=no missing_after=1h
directory
    user anna
    user bert
run created=2
change
    deny bert
source controller=dc2
run kind=full
expect
    bert active=true
time +2h
source controller=dc1
run kind=full
expect
    bert active=true
time +30m
run full
expect
    bert active=true
time +40m
run full disabled=1
expect
    bert active=false
