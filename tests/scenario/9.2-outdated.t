# 9.2 An object of the plan differs: it is named and nothing is done, not even to the others.
directory
    users u 3 title=Clerk
run created=3
change
    set u1 title=Chief
    set u2 title=Boss
run plan keep writes=0
change
    set u1 title=Director
run apply failed=0 exit=1 code=plan-outdated notes=1 writes=0
expect
    u1 title=Clerk
    u2 title=Clerk
run plan keep writes=0
run apply updated=2
expect
    u1 title=Director
    u2 title=Boss
