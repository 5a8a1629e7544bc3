# 7.1 A newcomer gets a name that an update of the same run frees.
directory
    user anna
run created=1
change
    set anna mail=married@x.example
    user new mail=anna@x.example
run created=1 updated=1
expect
    anna userName=married@x.example
    new userName=anna@x.example
