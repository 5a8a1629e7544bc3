# I5 4.3 leave = keep keeps who leaves, not who is disabled; leave = delete that is held does not hold the disable.
config
    scope { base = 'OU=People,DC=x' }
    user { leave = "keep" }
config two
    scope { base = 'OU=Staff,DC=x' }
    user { leave = "delete" }
    guard { delete = "0" }
directory
    ou People
    ou Staff
    ou Out
    user anna in=People
    user bert in=People
    user carl in=Staff
run created=3
change
    move anna Out
    move bert Out
    disable anna
    move carl Out
    disable carl
run disabled=2 held=1 exit=4
expect
    anna active=false
    bert active=true
    carl active=false
change
    move anna People
    enable anna
run enabled=1 held=1 exit=4
