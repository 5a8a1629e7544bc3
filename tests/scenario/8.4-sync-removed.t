# 2.4 A sync that is no longer configured: what it alone wanted leaves.
config
    scope { base = 'OU=A,DC=x' }
config second
    scope { base = 'OU=B,DC=x' }
directory
    ou A
    ou B
    user anna in=A
    user bert in=B
run created=2
config second
    none
run disabled=1
expect
    anna active=true
    bert active=false
