# I8 A rename is an update; a chain of them too. Groups' names follow, nobody is made anew.
config
    user { map { userName = 'mail'  displayName = 'cn' } }
directory
    ou People
    user anna in=People
    group staff in=People member=anna
run created=2 members_added=1
change
    rename anna "Anna A"
    rename anna "Anna B"
    rename anna "Anna C"
    rename staff "All staff"
run updated=2
expect
    anna  displayName="Anna C"
    staff displayName="All staff" members=anna
    count users=1 groups=1
change
    rename anna "Anna A"
    move anna root
    rename anna "Anna D"
run updated=1
expect
    anna displayName="Anna D"
