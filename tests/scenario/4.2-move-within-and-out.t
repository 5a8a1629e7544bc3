# 4.2 I8 A move within scope is nothing; out of it is leaving; back again is the same object.
config
    scope { base = 'OU=People,DC=x'  not_base = 'OU=Left,OU=People,DC=x' }
directory
    ou People
    ou East in=People
    ou West in=People
    ou Left in=People
    user anna in=East
    user bert in=East
run created=2
change
    move anna West
run writes=0
change
    move anna Left
    move bert root
run disabled=2
expect
    anna active=false
    bert active=false
change
    move anna East
    move bert West
run enabled=2
expect
    anna active=true
    bert active=true
    count users=2
