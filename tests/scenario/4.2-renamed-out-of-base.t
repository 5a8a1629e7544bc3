# 4.2 A base that is renamed away is no base any more: whom it held leaves.
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
run disabled=1
expect
    anna active=false
    bert active=true
change
    rename People People
run enabled=1
