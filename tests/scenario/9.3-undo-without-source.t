# 9.3 What was done is taken back whether or not the directory can be asked; other changes wait.
directory
    users u 2 title=Clerk
run created=2
change
    set u1 title=Chief
run mark updated=1
change
    set u2 title=Chief
source down
run once undo updated=1
source up
run updated=1
expect
    u1 title=Clerk
    u2 title=Chief
