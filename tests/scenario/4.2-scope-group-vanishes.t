# 4.2 5.1 I7 The configuration's group is renamed or deleted: delta says the same as full.
config
    scope { group = 'CN=hosted,DC=x' }
directory
    user anna
    user bert
    group hosted member=anna,bert
run created=2
change
    rename hosted former
run disabled=2
expect
    anna active=false
change
    rename hosted hosted
run enabled=2
expect
    anna active=true
change
    delete hosted
run disabled=2
expect
    bert active=false
