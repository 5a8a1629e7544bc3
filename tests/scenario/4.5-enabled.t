# 4.5 I5 userAccountControl disables and enables.
scenario quick
directory
    user anna
    user bert
    user carl userAccountControl=514
run created=3
expect
    carl active=false
change
    disable anna
    enable carl
run disabled=1 enabled=1
expect
    anna active=false
    bert active=true
    carl active=true
