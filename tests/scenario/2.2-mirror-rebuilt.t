# 2.2 I1 The source file can be rebuilt: it is read anew, and nothing changes at the target. Of who went away
# meanwhile nothing is known: he stays until a person looks.
scenario no-full
directory
    ou People
    user anna in=People manager=bert
    user bert in=People
    group staff in=People member=anna,bert
run created=3 members_added=2 updated=1
rebuild
run kind=full writes=0
expect
    staff members=anna,bert
change
    set anna title=Chief
    member staff -bert
run updated=1 members_removed=1
rebuild
change
    delete bert
    set anna title=Boss
run updated=1
expect
    anna title=Boss
    bert active=true
    staff members=anna
