# 4.2 A filter over mirrored entries: who stops matching leaves, though no read was filtered by it (4.1).
config
    scope { filter = '(&(mail=*)(!(department=Temp)))' }
directory
    user anna department=Sales
    user bert department=Temp
    user carl mail=-
run created=1
change
    set anna department=Temp
    set bert department=Sales
    set carl mail=carl@x.example
run created=2 disabled=1
expect
    anna active=false
    bert active=true
    carl active=true
