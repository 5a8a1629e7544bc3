# I5 8.3 A disable seen in the directory does not wait behind the guard on leavers, nor does an expiry (N7).
config
    scope { base = 'OU=People,DC=x' }
directory
    ou People
    ou Out
    users u 20 in=People
run created=20
change
    move u1 Out
    move u2 Out
    move u3 Out
    move u4 Out
    move u5 Out
    move u6 Out
    move u7 Out
    move u8 Out
    move u9 Out
    disable u2
run disabled=1 held=8 exit=4
change
    disable u1
    expire u3 +3h
run disabled=1 held=7 exit=4
time +6h
run disabled=1 held=6 exit=4
expect
    u1 active=false
    u2 active=false
    u3 active=false
    u4 active=true
