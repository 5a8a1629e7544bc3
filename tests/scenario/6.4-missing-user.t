# 6.4 A user of ours that is missing there is a recreate, held by default.
scenario loose no-stops no-faults
directory
    user anna title=Clerk
    group staff member=anna
run created=2 members_added=1
target
    vanish anna
change
    set anna title=Chief
run held=1 exit=4
expect
    anna -
release
run recreated=1 members_added=1
expect
    anna title=Chief
    staff members=anna
