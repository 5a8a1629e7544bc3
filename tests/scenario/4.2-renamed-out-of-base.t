# 4.2 8.3 A base that is renamed away is no base any more; whom it held would leave, and waits for consent.
config
    scope { base = {'OU=People,DC=x', 'OU=Other,DC=x'} }
directory
    ou People
    ou Other
    user anna in=People
    user bert in=Other
run created=2
change
    rename People Gone
run held=1 exit=4
expect
    anna active=true
    bert active=true
change
    rename People People
run
change
    rename People Gone
run held=1 exit=4
release
run disabled=1
expect
    anna active=false
change
    rename People People
run enabled=1
