# 6.2 What somebody changed between our write and the first listing is no state of ours, even where the service showed
# nothing after the write (Bulk).
scenario no-full
target seen=no
directory
    user anna title=Chief
    user bert title=Clerk
run created=2
target
    edit anna title=Clown active=false
run full updated=0 enabled=1 drifted=1
expect
    anna title=Chief active=true
    bert title=Clerk
target
    edit anna title=Clown
run full updated=1 drifted=1
expect
    anna title=Chief active=true
time +3h
run full writes=0
