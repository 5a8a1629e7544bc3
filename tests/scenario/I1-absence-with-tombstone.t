# I1 A tombstone is seen: acted on as soon as its read is sealed. 4.3 leaving disables users, deletes groups.
scenario quick
directory
    ou People
    user anna in=People
    user bert in=People
    group staff in=People member=anna,bert
    group other in=People member=anna
run created=4 members_added=3
change
    delete bert
    delete other
run disabled=1 deleted=1 members_removed=1
expect
    anna  active=true
    bert  active=false
    staff members=anna
    other -
