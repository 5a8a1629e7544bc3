# A plan from the mirror alone: what a change of the configuration would do, nothing read, nothing done (9.1).
scenario quick no-full
config
    user { map { displayName = 'cn' title = 'title' } }
directory
    ou People
    user anna in=People title=Chief
    user bert in=People title=Clerk
run created=2
config
    user { map { displayName = 'cn' title = 'Upper(title)' } }
change
    set bert title=Boss
source down
run plan offline reads=0 writes=0
run plan offline reads=0 writes=0
source up
run updated=2
expect
    anna title=CHIEF
    bert title=BOSS
# what was never asked for cannot be told of
config
    user { map { displayName = 'cn' title = 'Upper(division)' } }
run plan offline reads=0 writes=0 exit=2 code=not-read
run updated=2 kind=full
