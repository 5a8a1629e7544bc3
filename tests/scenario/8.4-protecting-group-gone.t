# 8.4 A protecting group that is deleted protects those it protected.
config
    guard { protect_group = 'CN=admins,DC=x' }
directory
    user boss
    user maid
    user anna
    group admins member=boss,maid
run created=4 members_added=2
change
    delete admins
    disable boss
run held=1 deleted=1 exit=4
change
    delete maid
    delete anna
run held=2 disabled=1 exit=4
expect
    boss active=true
    maid active=true
    anna active=false
