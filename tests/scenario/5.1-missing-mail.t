# 5.1 N13 Without a name an object cannot be: named as a problem, present as it was, until it is mended.
directory
    user anna mail=-
    user bert
run created=1 failed=1 exit=1
expect
    anna -
change
    set anna mail=anna@x.example
    set bert mail=- title=Chief
run created=1 failed=1 exit=1
expect
    bert active=true userName=bert@x.example title=-
change
    delete bert
run disabled=1
expect
    bert active=false
