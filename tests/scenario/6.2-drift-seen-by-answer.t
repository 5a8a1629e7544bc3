# 6.2 The answer to a write of something else shows what somebody changed meanwhile: that is no state of ours.
scenario loose no-full
directory
    user anna title=Chief department=Sales
run created=1
target
    edit anna title=Clown
change
    set anna department=Board
run updated=1
run full updated=1 drifted=1
expect
    anna title=Chief department=Board
run full
