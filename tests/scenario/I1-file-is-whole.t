# I1 A file is whole by nature: who is not in it is gone at once.
source whole=yes
directory
    ou People
    user anna in=People
    user bert in=People manager=anna
    group staff in=People member=anna,bert
run created=3 members_added=2 updated=1
change
    delete bert
    user dora in=People
    member staff +dora
run full created=1 disabled=1 members_added=1 members_removed=1
expect
    bert active=false
    staff members=anna,dora
