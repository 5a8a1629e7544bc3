# 9.2 What was approved is done, and only that: what changed elsewhere since waits for the next run.
scenario quick
directory
    users u 4 title=Clerk
    group staff member=u1,u2
run created=5 members_added=2
change
    set u1 title=Chief
    delete u2
    member staff +u3
run plan keep writes=0
change
    set u4 title=Boss
    user anna
run apply updated=1 disabled=1 members_added=1 members_removed=1 waiting=2
expect
    u1 title=Chief
    u2 active=false
    u4 title=Clerk
    staff members=u1,u3
    anna -
run created=1 updated=1
expect
    u4 title=Boss
    anna active=true
