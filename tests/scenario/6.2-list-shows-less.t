# 6.2 A listing that shows less than the objects themselves is no reason to write.
scenario loose no-full
target list_lacks=title
directory
    user anna title=Chief
run created=1
run full writes=0
target
    edit anna title=Tea
run full updated=1 drifted=1
expect
    anna title=Chief
