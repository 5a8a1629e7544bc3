# 5.1 I7 4.2 Rule 1941 along managers: who stands further down is looked at again.
config
    scope { filter = '(manager:1.2.840.113556.1.4.1941:=CN=bert,DC=x)' }
directory
    user bert
    user anna manager=bert
    user carl manager=anna
    user dora manager=carl
run created=3 updated=2
change
    manager anna -
run disabled=3
change
    manager carl bert
run enabled=2 members_removed=1
expect
    anna active=false
    carl active=true
    dora active=true manager=carl
