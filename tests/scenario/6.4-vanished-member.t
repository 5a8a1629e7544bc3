# 6.4 7.3 A member that is missing there is refused by name: it alone fails, the others of its batch go on.
scenario loose no-stops no-faults no-full
directory
    user anna
    user bert
    user carl
    group staff
run created=4
target
    vanish anna
change
    member staff +anna +bert +carl
run members_added=2 failed=1 exit=1
expect
    staff members=bert,carl
change
    set carl title=Chief
run updated=1 failed=1 exit=1
