# 5.1 I7 A filter that reads a link sees it change, and its DN name somebody else.
config
    scope { filter = '(|(objectClass=group)(manager=CN=bert,DC=x))' }
directory
    user bert
    user carl
    user anna manager=bert
    user dora
    group g
run created=2
change
    manager anna carl
    manager dora bert
run created=1 disabled=1
expect
    anna active=false
    dora active=true
change
    rename bert bob
run disabled=1
change
    rename carl bert
run enabled=1
expect
    anna active=true
    dora active=false
