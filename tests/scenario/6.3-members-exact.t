# 6.3 members = "exact": whoever others put into a group of ours is taken out by a full run, whether the object is ours
# or not; an undo brings them back, and they stay until it is ended.
scenario loose no-full
config
    members = "exact"
directory
    user anna
    user bert
    user carl
    group staff member=anna,bert
    group empty
run created=5 members_added=2
run full
target
    foreign user userName=other@x.example
    foreign group displayName=others
    edit staff members=+carl,+other@x.example,+others,-bert
    edit empty members=other@x.example
run
run full drifted=2 members_added=1 members_removed=4
expect
    staff members=anna,bert
    empty members=-
    named user other@x.example userName=other@x.example
run full writes=0
