# 6.3, 9.3 What members = "exact" took out of a group comes back with an undo, and stays while that holds.
scenario loose no-full
config
    members = "exact"
directory
    user anna
    user bert
    group staff member=anna
run created=3 members_added=1
run full
target
    foreign user userName=other@x.example
    edit staff members=+bert,+other@x.example
run mark full drifted=1 members_removed=2
run undo members_added=2
expect
    staff members=anna,bert,other@x.example
run full
expect
    staff members=anna,bert,other@x.example
unpin
run members_removed=2
expect
    staff members=anna
