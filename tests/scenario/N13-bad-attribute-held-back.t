# N13 I1 What the source cannot read of an entry is held back alone; what is known of it stays.
directory
    user anna title=Clerk department=Sales
    user bert title=Clerk
run created=2
change
    set anna title=Chief department=Board
    bad anna title
    set bert title=Chief
    bad bert entry
run updated=1
expect
    anna title=Clerk department=Board
    bert title=Clerk active=true
change
    bad anna -
    bad bert -
run full updated=2
expect
    anna title=Chief
    bert title=Chief
