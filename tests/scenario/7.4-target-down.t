# 7.4 A target that cannot be reached, or refuses the token, is one error of the run; the source is read all the same.
directory
    user anna
run created=1
change
    set anna title=Chief
target down
run exit=5
target up token=bad
run exit=5 code=token-refused
target token=good
run updated=1 read=0
expect
    anna title=Chief
