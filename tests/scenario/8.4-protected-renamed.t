# 8.4 Who was named is protected under another name as well, and when deleted in the directory.
scenario quick
config
    guard { protect = 'boss@x.example' }
directory
    user boss
    user anna
run created=2
change
    set boss mail=chief@x.example
run updated=1
change
    disable boss
run held=1 exit=4
change
    delete boss
run held=1 exit=4
expect
    named user chief@x.example active=true
release
run disabled=1
