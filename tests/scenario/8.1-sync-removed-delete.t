# 8.1 The same, and the other sync's leave = delete and its guard are not for them; protection stays (8.4).
config
    user { leave = "delete" }
    guard { delete = "-" disable = "-" }
    scope { filter = '(department=A)' }
config two
    scope { filter = '(department=B)' }
    guard { protect = 'u1@x.example' }
directory
    users a 3 department=A
    users u 4 department=B
run created=7
config two
    none
run disabled=3 held=1 exit=4
expect
    u1 active=true
    u2 active=false
    count users=7
