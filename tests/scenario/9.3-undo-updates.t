# 9.3 What a run changed is as before, later runs leave it alone, until what is wanted for it changes.
directory
    users u 5 title=Clerk department=Sales
    user boss
run created=6
change
    set u1 title=Chief department=-
    set u2 title=Chief
    set u3 title=Chief
    set u4 mail=other@x.example
    disable u5
    manager u1 boss
run mark updated=5 disabled=1
run undo updated=5 enabled=1
expect
    u1 title=Clerk department=Sales manager=-
    u2 title=Clerk
    u4 userName=u4@x.example
    u5 active=true
run full writes=0
change
    set u1 displayName=One
    set u2 title=Director
    set boss title=Boss
    manager u1 u2
run updated=4
expect
    u1 displayName=One title=Chief department=- manager=u2
    u2 title=Director
    u3 title=Clerk
    u5 active=true
unpin
run updated=2 disabled=1
expect
    u3 title=Chief
    u4 userName=other@x.example
    u5 active=false
run writes=0
