# I8 A container that is renamed is one row: nobody changes, scope by DN follows the identity of the base.
config
    scope { base = {'OU=People,DC=x', 'OU=Staff,DC=x'} }
directory
    ou People
    ou Inner in=People
    user anna in=People
    user bert in=Inner
    user carl
run created=2
change
    rename People Staff
run writes=0
expect
    anna active=true
    bert active=true
    carl -
