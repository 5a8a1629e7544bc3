# 9.2 A target that minds versions: no read before, but when ours is stale; then what is to be changed is compared.
scenario no-faults, no-stops
target versions=yes
directory
    users u 4 title=Clerk
    group staff
run created=5
change
    set u1 title=Chief
    set u2 title=Chief
    set u3 title=Chief
    rename staff Everybody
run plan keep writes=0
target
    edit u1 title=Mine
    edit u2 nickName=Mine
run once apply updated=3 failed=1 exit=1 calls=7
expect
    u1 title=Mine
    u2 title=Chief nickName=Mine
    u3 title=Chief
    staff displayName=Everybody
