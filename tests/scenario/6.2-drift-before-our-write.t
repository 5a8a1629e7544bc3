# 6.2 Somebody changes a title there; before anybody looks, we change something else. It is drift all the same.
scenario quick loose no-full
directory
    user anna title=Chief
    user bert
run created=2
target
    edit anna title=Mine
    edit bert title=Tea
change
    set anna department=Sales
    set bert department=Sales
run updated=2
run full once updated=2 drifted=2
expect
    anna title=Chief department=Sales
    bert title=- department=Sales
