# 4.3 Per kind: here users are deleted and groups are kept.
config
    user { leave = "delete" }
    group { leave = "keep" }
directory
    user anna
    user bert
    group staff member=anna,bert
run created=3 members_added=2
change
    delete anna
    delete staff
run deleted=1
expect
    anna -
    bert active=true
    count users=1 groups=1
