# 6.4 A group of ours that is missing there is made again, with its members.
scenario loose
directory
    user anna
    user bert
    group staff member=anna,bert mail=old@x.example
run created=3 members_added=2
target
    vanish staff
change
    set staff mail=new@x.example
run recreated=1 members_added=2
expect
    staff members=anna,bert mail=new@x.example
    count groups=1
