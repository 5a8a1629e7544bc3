# 6.1 A target that cannot be listed is written to all the same.
scenario loose no-full
target list=no
directory
    user anna title=Chief
run full created=1
target
    edit anna title=Tea
run full writes=0
