# I5 Nothing else that is wrong with an object holds its disable up.
directory
    user anna title=Clerk
    user bert
run created=2
change
    disable anna
    set anna title=Chief mail=bert@x.example
run disabled=1 failed=1 exit=1
expect
    anna active=false
change
    set anna mail=anna@x.example
run updated=1
expect
    anna title=Chief active=false
