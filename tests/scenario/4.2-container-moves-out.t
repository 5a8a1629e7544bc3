# 4.2 5.1 A container that moves takes everybody in it out of scope, and in again.
config
    scope { base = 'OU=People,DC=x' }
directory
    ou People
    ou Elsewhere
    ou Inner in=People
    ou Deep in=Inner
    user anna in=Deep
    user bert in=Inner
    user carl in=Elsewhere
    group staff in=People member=anna,bert,carl
run created=3 members_added=2
change
    move Inner Elsewhere
run disabled=2 members_removed=2
expect
    anna active=false
    bert active=false
    staff members=-
change
    move Inner People
run enabled=2 members_added=2
expect
    anna active=true
    staff members=anna,bert
    count users=2
