# 7.1 7.3 N2 Two want one name. When one of them gives it up, the other has it in the same run, whatever its back-off.
directory
    user anna
    user bert
run created=2
change
    set bert mail=anna@x.example
run failed=1 exit=1
change
    set anna mail=anna2@x.example
run updated=2
expect
    anna userName=anna2@x.example
    bert userName=anna@x.example
