# 7.1 A cycle of managers is no problem: references come after creates. So is one who is his own manager.
scenario quick
directory
    user anna manager=bert
    user bert manager=carl
    user carl manager=anna
    user dora manager=dora
run created=4 updated=4
expect
    anna manager=bert
    bert manager=carl
    carl manager=anna
    dora manager=dora
change
    manager anna carl
    manager bert -
    delete carl
run updated=1 disabled=1 members_removed=1
expect
    anna manager=-
    bert manager=-
