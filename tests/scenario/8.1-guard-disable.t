# 8.1 8.3 8.4 Too many leave at once: held, all else goes on, released by a person.
scenario quick
config
    guard { disable = "10%" }
directory
    ou People
    ou Gone
    users u 30 in=People
    group staff in=People member=u1,u2,u3
config
    scope { base = 'OU=People,DC=x' }
    guard { disable = "10%"  floor = "2" }
run created=31 members_added=3
change
    move u1 Gone
    move u2 Gone
    move u3 Gone
    move u4 Gone
    set u5 title=Chief
run updated=1 held=4 exit=4
expect
    u1 active=true
    u5 title=Chief
    staff members=u1,u2,u3
release
run disabled=4 members_removed=3
expect
    u1 active=false
    u4 active=false
    staff members=-
