# 2 A first sync makes users and groups with their members and managers; then changes arrive.
scenario quick

directory
    ou    People
    ou    Groups
    user  anna   in=People  displayName="Anna Adler"  title=Chief
    user  bert   in=People  manager=anna
    group staff  in=Groups  member=anna,bert

run created=3 members_added=2 updated=1 calls<=9
expect
    anna   active=true  displayName="Anna Adler"  title=Chief
    bert   manager=anna
    staff  members=anna,bert
    count  users=2 groups=1

change
    set   anna title="Managing Director"
    user  dora in=People
    member staff +dora -bert
run created=1 updated=1 members_added=1 members_removed=1
expect
    anna   title="Managing Director"
    staff  members=anna,dora
