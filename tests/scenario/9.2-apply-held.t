# 8, 9.2 An approved plan does not lift the guard by itself; --release permits what the plan shows as held.
config
    guard { delete = "1" }
    user { leave = "delete" }
directory
    users u 6
run created=6
change
    delete u1
    delete u2
run plan keep held=2 exit=4 writes=0
run apply held=2 exit=4 writes=0
run apply release deleted=2
expect
    count users=4
    u1 -
    u2 -
