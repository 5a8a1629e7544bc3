# 8.4 Protected by a group, and deleted; out of the group first is protected no more.
config
    guard { protect_group = 'CN=admins,DC=x' }
directory
    user boss
    user maid
    user anna
    group staff member=maid
    group admins member=boss,staff
run created=5 members_added=3
change
    delete boss
    member staff -maid
    delete maid
run held=2 exit=4
change
    restore maid
run members_removed=1 held=1 exit=4
change
    disable maid
run disabled=1 held=1 exit=4
expect
    boss active=true
    maid active=false
