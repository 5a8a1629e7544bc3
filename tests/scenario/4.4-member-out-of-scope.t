# 4.4 A member out of scope is a kept link, not an operation, until its object exists.
config
    scope { base = 'OU=People,DC=x' }
directory
    ou People
    ou Elsewhere
    user anna in=People
    user bert in=Elsewhere
    group staff in=People member=anna,bert
run created=2 members_added=1
expect
    staff members=anna
    bert -
change
    move bert People
run created=1 members_added=1
expect
    staff members=anna,bert
