# 7.3 Who asks for a retry gets one try for each object that failed, also where the run goes on in slices: else a long one
# would go round in what fails.
scenario no-stops no-faults
target window=4 call_ms=100 slice_ms=1000
directory
    user carl
target
    refuse carl strange
run failed=1 exit=1
change
    users u 40
run once retry created=40 failed=1 exit=1 writes=41
run once failed=1 exit=1 calls=0
expect
    count users=40
