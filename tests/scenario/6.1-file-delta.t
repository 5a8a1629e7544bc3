# I7 2.2 A history of files of changes, by DN: renames, moves and deletions in order.
source whole=yes
directory
    ou People
    ou Staff
    user anna in=People
    user bert in=People manager=anna
    group g in=People member=anna,bert
run created=3 members_added=2 updated=1
change
    rename anna "Anna A"
    set anna title=Chief
    move anna Staff
    rename People Crew
    user carl in=People
    member g +carl
    delete bert
run created=1 updated=1 disabled=1 members_added=1 members_removed=1 kind=delta
expect
    anna title=Chief displayName="Anna A"
    g members=anna,carl
    bert active=false
