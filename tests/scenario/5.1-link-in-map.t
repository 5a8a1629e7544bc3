# 5.1 I7 Values made of links: their number, and the DN of the other end, moved with its container too.
config
    user { map { title = 'manager' } }
    group { map { displayName = 'cn .. " " .. CStr(Count(member))' } }
directory
    ou o
    user bert in=o
    user anna manager=bert
    group g
run created=3 updated=1
expect
    anna title="CN=bert,OU=o,DC=x" manager=bert
change
    member g +anna
run updated=1 members_added=1
expect
    named group "g 1"
change
    rename o p
run updated=1
expect
    anna title="CN=bert,OU=p,DC=x"
change
    rename bert bob
run updated=2
expect
    anna title="CN=bob,OU=p,DC=x"
change
    delete bert
run updated=1 disabled=1 members_removed=1
expect
    anna title=-
