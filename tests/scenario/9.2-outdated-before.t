# 9.2 The same change from another value is another change.
directory
    users u 2 title=Clerk
run created=2
change
    set u1 title=Chief
run plan keep writes=0
change
    set u1 title=Director
run updated=1
change
    set u1 title=Chief
run apply exit=1 code=plan-outdated notes=1 writes=0
run updated=1
# What was wanted is there by another way: nothing is left of the plan, which is said too.
run apply exit=1 code=plan-outdated notes=1 writes=0
