# I5 Who is disabled and loses the address at once is an object with a problem, and disabled all the same; by the clock too.
config
    scope { filter = '(objectClass=*)' }
directory
    user anna
    user bert
    user carl
run created=3
change
    disable anna
    set anna mail=- userPrincipalName=-
    expire bert +2d
    set bert mail=- userPrincipalName=-
run disabled=1 failed=2 exit=1
expect
    anna active=false
    bert active=true
time +3d
run disabled=1 failed=2 exit=1
expect
    bert active=false
run failed=2 exit=1 writes=0
change
    set anna mail=anna@x.example
    enable anna
    set bert mail=bert@x.example
run enabled=1
expect
    anna active=true
    bert active=false
