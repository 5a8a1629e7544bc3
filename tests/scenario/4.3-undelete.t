# 4.3 Undelete: the same identity, the same object, its groups too.
directory
    user anna manager=bert
    user bert
    group staff member=anna,bert
run created=3 updated=1 members_added=2
change
    delete anna
run disabled=1 members_removed=1
expect
    staff members=bert
change
    restore anna
run enabled=1 members_added=1
expect
    anna active=true manager=bert
    staff members=anna,bert
    count users=2
