# I2 Only what we made or adopted is ever changed; of what is ours, only what we map (6.3).
target
    foreign user userName=carl@x.example title=Old
    foreign group displayName=theirs
directory
    user anna title=Chief
    user bert
    group staff member=anna
run created=3 members_added=1
target
    edit anna nickName=Annie
change
    set anna title=Boss
    delete bert
    delete staff
run updated=1 disabled=1 deleted=1
expect
    anna title=Boss nickName=Annie
    named user carl@x.example title=Old
    named group theirs member_count=0
    count users=3 groups=1
