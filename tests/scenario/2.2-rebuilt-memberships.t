# 2.2 I7 What ended while the mirror was made anew: memberships and managers go, for the new mirror shows what is there.
directory
    user anna
    user bert manager=anna
    group g member=anna,bert
run created=3 updated=1 members_added=2
rebuild
change
    manager bert -
    member g -anna
run updated=1 members_removed=1
expect
    bert manager=-
    g members=bert
