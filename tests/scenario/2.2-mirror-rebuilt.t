# 2.2 I1 The source file can be rebuilt: it is read anew, and nothing changes at the target. Who went away
# meanwhile is not removed by that one read: it waits for a person's consent, or for the entry to show up.
scenario no-full
directory
    ou People
    user anna in=People manager=bert
    user bert in=People
    user carl in=People
    group staff in=People member=anna,bert,carl
run created=4 members_added=3 updated=1
rebuild
run kind=full writes=0
expect
    staff members=anna,bert,carl
change
    set anna title=Chief
    member staff -bert
run updated=1 members_removed=1
rebuild
change
    delete bert
    delete carl
    set anna title=Boss
run updated=1 held=2 exit=4
expect
    anna title=Boss
    bert active=true
    carl active=true
    staff members=anna,carl
change
    restore carl
run held=1 exit=4
release
run disabled=1 members_removed=1           # a manager who leaves is none
expect
    bert active=false
    carl active=true
    staff members=anna,carl
