# I5 4.2 The scope's group is gone, which holds everybody; who is disabled in the directory is disabled.
config
    scope { group = 'CN=g,DC=x' }
directory
    users u 8
    group g member=u1,u2,u3,u4,u5,u6,u7,u8
run created=8
change
    delete g
run held=8 exit=4
change
    disable u1
run disabled=1 held=7 exit=4
expect
    u1 active=false
    u2 active=true
