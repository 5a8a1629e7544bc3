# I6 I10 A run with nothing to do writes nothing; what changes and changes back is nothing.
directory
    user anna title=Chief
    group staff member=anna
run created=2 members_added=1
run calls=0
run full writes=0 calls=1           # the members of staff are read
change
    set anna title=Boss
    set anna title=Chief
    member staff -anna
    member staff +anna
run calls=0
