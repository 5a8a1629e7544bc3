# 6.2 6.3 What is ours and was changed there is reported and set again; what is not mapped is reported and left.
scenario quick loose no-full
directory
    user anna title=Chief department=Sales
    user bert
    group staff member=anna mail=staff@x.example
run created=3 members_added=1
target
    edit anna title=Tea nickName=Annie
    edit staff mail=other@x.example
run updated=0
expect
    anna title=Tea
run full updated=2 drifted=2
expect
    anna title=Chief nickName=Annie department=Sales
    staff mail=staff@x.example members=anna
time +3h
run full writes=0
target
    edit bert title=Guest
run full updated=1 drifted=1
expect
    bert title=-
