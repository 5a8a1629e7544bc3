# 2.4 Two syncs, one target: who is in any stays, values come from the first in file order.
config
    scope { base = 'OU=People,DC=x' }
    user { map { title = 'title' } }
config second
    scope { filter = '(department=Sales)' }
    user { map { title = 'description' } }
directory
    ou People
    user anna in=People title=Chief description=Second department=Sales
    user bert title=Clerk description=Second department=Sales
    user carl
run created=2
expect
    anna title=Chief
    bert title=Second
    carl -
change
    move anna root
run updated=1
expect
    anna title=Second active=true
change
    set anna department=-
run disabled=1
expect
    anna active=false
