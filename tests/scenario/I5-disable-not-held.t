# I5 8.3 A guard meant for mistakes in bulk does not hold up disables that were seen in the directory.
config
    guard { disable = "0"  delete = "0"  update = "0" }
directory
    users u 20
run created=20
change
    disable u1
    disable u2
    disable u3
    delete u4
run disabled=3 held=1 exit=4
expect
    u1 active=false
    u3 active=false
    u4 active=true
