# 6.2 3.1 Somebody gave our object another externalId: ours is set again.
directory
    user anna title=Chief
run created=1
target
    own anna other-tool
run full updated=1 drifted=1
expect
    anna title=Chief
    count users=1
