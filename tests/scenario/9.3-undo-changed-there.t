# 9.3 What somebody else has changed at the target since is left, and not pinned.
scenario no-faults, no-stops, no-full, loose
directory
    users u 2 title=Clerk
run created=2
change
    set u1 title=Chief
    set u2 title=Chief
run mark updated=2
target
    edit u1 title=Mine
run once undo updated=1 notes=1 exit=1
expect
    u1 title=Mine
    u2 title=Clerk
run writes=0
