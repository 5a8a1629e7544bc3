# 7.3 A failing object is tried again after growing pauses, and at once when its entry changes.
directory
    user anna
    user bert
target
    refuse anna strange
run created=1 failed=1 exit=1
run once failed=1 exit=1 calls=0
time +61s
run once failed=1 exit=1 writes=1
time +61s
run once failed=1 exit=1 writes=0
time +61s
run once failed=1 exit=1 writes=1
# somebody wants it now
run once failed=1 exit=1 calls=0
run once retry failed=1 exit=1 writes=1
run once failed=1 exit=1 calls=0
change
    set anna title=Chief
run once failed=1 exit=1 writes=1
target
    accept anna
change
    set anna title=Boss
run created=1
expect
    anna title=Boss
