# I7 Where deltas do not say all, everything is read a day after the last time, and again to confirm what was missing (I1).
scenario no-full
source tombstones=no missing_after=4h
directory
    user anna
    user bert
run created=2 kind=full
change
    delete bert
    set anna title=Chief
run updated=1 kind=delta
expect
    bert active=true
time +26h
run kind=full
expect
    bert active=true
    anna title=Chief
time +6h
run disabled=1 kind=full
expect
    bert active=false
run kind=delta
