# 4.5 5.2 An account that expires at 17:00 is disabled at 17:00 without any change in the directory, though the directory's clock is not ours.
source skew=3600
directory
    user anna
    user bert
run created=2
change
    expire anna +2d
    expire bert never
run
expect
    anna active=true
time +1d
run writes=0
time +1d
run disabled=1
expect
    anna active=false
    bert active=true
change
    expire anna +30d
run enabled=1
expect
    anna active=true
