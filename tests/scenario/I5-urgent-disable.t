# I5 7.3 A disable during a long first run overtakes what is still to be created.
scenario no-stops no-faults
target window=4 call_ms=100 slice_ms=1000
directory
    user anna
run created=1
change
    users u 200
later 60
    disable anna
run created=200 disabled=1 reads>=3
expect
    anna active=false
    count users=201
