# 7.1 7.3 Two changes of the same attribute, one lost on its way: the last one stands.
scenario quick
directory
    user anna title=A
    user boss
    user chief
run created=3
change
    set anna title=B
    manager anna boss
run updated=2
change
    set anna title=C
    manager anna chief
run updated=2
expect
    anna title=C manager=chief
change
    set anna title=-
    manager anna -
run updated=2
expect
    anna title=- manager=-
