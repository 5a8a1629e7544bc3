# 9.2 Updates and deletes: what somebody else has changed at the target since is left; disables are not held up (I5).
scenario no-faults, no-stops
config
    group { leave = "delete" }
directory
    users u 4 title=Clerk
    group staff member=u1
    group board
run created=6 members_added=1
change
    set u1 title=Chief
    set u2 title=Chief
    delete u3
    delete staff
    delete board
run plan keep writes=0
target
    edit u1 title=Mine
    edit u3 title=Mine
    edit staff displayName=Mine
run once apply updated=1 disabled=1 deleted=1 failed=2 exit=1
expect
    u1 title=Mine
    u2 title=Chief
    u3 active=false
    named group Mine members=u1
    board -
