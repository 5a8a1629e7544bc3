# 6.2 6.3 Who is active is ours: switched off there, a user comes back; a leaver who was switched on goes off again.
config
    scope { base = 'OU=People,DC=x' }
directory
    ou People
    ou Out
    user anna in=People
    user bert in=People
run created=2
change
    move bert Out
run disabled=1
target
    edit anna active=false
    edit bert active=true title=Guest
run full enabled=1 disabled=1 drifted=2
expect
    anna active=true
    bert active=false title=Guest
