# I1 5.1 While an absence is not confirmed, the entry keeps its place, its groups and its people.
scenario no-full
source full_tombstones=no
config
    scope { group = 'CN=staff,DC=x' }
directory
    user anna
    user bert manager=anna
    group staff member=anna,bert
    group team member=anna,bert
    group staffgroups member=team
change
    member staff +team
run created=3 members_added=2 updated=1
change
    deny staff
run full
change
    deny anna
    set bert title=Chief
run full updated=1
expect
    bert manager=anna title=Chief active=true
    team members=anna,bert
change
    allow staff
    allow anna
run full
