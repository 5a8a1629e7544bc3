# I1 A controller restored from a backup has another invocation id: full read, nothing is lost that it does not know.
scenario no-full
source full_tombstones=no
directory
    user anna
    user bert
    group staff member=anna,bert
run created=3 members_added=2
change
    set anna title=Chief
source controller=dc1-restored
run kind=full updated=1
change
    set anna title=-
run kind=delta updated=1
expect
    anna title=-
    staff members=anna,bert
