# 6.2 Drift is measured against what was seen after our write, so a service that normalizes shows none; one that
# shows nothing after a write is sent once more what is not there as it was sent, and measured from then on.
scenario no-full
target normalize seen=no
directory
    user anna title=" Chief " mail=Anna@X.Example
run created=1
time +3h
run full updated=1 drifted=1
time +3h
run full writes=0
target
    edit anna emails.work=somebody@x.example
run full updated=1 drifted=1
expect
    anna emails.work=anna@x.example title=Chief
time +3h
run full writes=0
