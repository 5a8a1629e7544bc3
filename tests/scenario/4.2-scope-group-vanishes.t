# 4.2 5.1 8.3 I7 The configuration's group is renamed or deleted: nobody leaves by that without consent, and
# what the directory itself says of people goes on. Delta says the same as full.
config
    scope { group = 'CN=hosted,DC=x' }
directory
    user anna
    user bert
    user carl
    group hosted member=anna,bert,carl
run created=3
change
    rename hosted former
    delete carl
run held=2 disabled=1 exit=4
expect
    anna active=true
    carl active=false
change
    rename hosted hosted
run
change
    delete hosted
run held=2 exit=4
release
run disabled=2
expect
    bert active=false
