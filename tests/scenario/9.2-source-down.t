# 9.2 Without a read there is nothing to compare with: nothing is done.
scenario no-faults, no-stops
directory
    user anna title=Clerk
run created=1
change
    set anna title=Chief
run plan keep writes=0
source down
run apply exit=3 writes=0
source up
run apply updated=1
