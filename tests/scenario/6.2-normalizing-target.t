# 6.2 A target that normalizes is no reason to write again.
target normalize
directory
    user anna title=" Chief " mail=Anna@X.Example
run created=1
time +1h
run full writes=0
change
    set anna title=" Boss "
run updated=1
expect
    anna title=Boss emails.work=anna@x.example
