# 8.4 Protected accounts are never disabled or deleted without a release of their own.
config
    guard { protect = 'boss@x.example'  protect_group = 'CN=admins,DC=x' }
    user { leave = "delete" }
directory
    user boss
    user admin
    user anna
    group admins member=admin
run created=4 members_added=1
change
    disable boss
    delete anna
    disable admin
run deleted=1 held=2 exit=4
expect
    boss active=true
    admin active=true
    anna -
release
run disabled=2
expect
    boss active=false
    admin active=false
