# I1 7.4 A cursor the directory does not know any more: everything is read, nothing is taken away.
scenario no-full
directory
    user anna
    user bert
run created=2
change
    set anna title=Chief
    delete bert
fault cursor-invalid
run kind=full updated=1 disabled=1
expect
    anna title=Chief
    bert active=false
