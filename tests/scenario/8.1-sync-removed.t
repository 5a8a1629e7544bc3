# 8.1 A sync taken out of the configuration: whom it alone wanted leaves under the limits that apply where nothing is written.
config
    scope { filter = '(department=A)' }
config two
    scope { filter = '(department=B)' }
directory
    users a 3 department=A
    users u 40 department=B
run created=43
config two
    none
run held=40 exit=4
release
run disabled=40
expect
    a1 active=true
    u1 active=false
