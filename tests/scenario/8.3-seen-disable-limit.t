# 8.3 Disables seen in the directory have their own, larger limit.
config
    guard { seen_disable = "4" disable = "1" }
directory
    users u 20
run created=20
change
    disable u1
    disable u2
    disable u3
run disabled=3
change
    disable u4
    disable u5
run held=2 exit=4
expect
    u3 active=false
    u4 active=true
release
run disabled=2
expect
    u5 active=false
