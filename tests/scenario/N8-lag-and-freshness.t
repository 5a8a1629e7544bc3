# N8: how long changes took, how far behind we are, and the canary, by our own clock whatever the directory's says.
scenario quick no-stops no-faults
config
    canary = "anna@x.example"
source skew=7000
target slice_ms=1000000
directory
    ou People
    user anna in=People
    users u 3 in=People
run created=4 lag=0 canary=-1 behind=0 due=0
change
    set anna title=Chief
    set u1 title=Clerk
time +90s
run updated=2 lag=2 lag_max=90000 canary=90 behind=0
time +60s
run lag=0 canary=-1 behind=0 unchanged=4
# what fails is known: it does not count as waiting
change
    set u2 title=Clerk
target
    refuse u2 strange
time +10s
run failed=1 lag=0 behind=0 exit=1
target
    accept u2
time +2h
run updated=1 behind=0
# nothing is new that was not read
source down
change
    set anna title=Boss
time +1h
run exit=3 lag=0 behind=3600 once
source up
run updated=1 lag=1 lag_max=3600000 canary=3600 behind=0
# nor what was not brought about
target down
change
    set anna title=Chief
time +1h
run exit=5 lag=0 behind=3600 once
target up
run updated=1 behind=0
