# 7.3 4.4 A refused group does not hold up others' members.
directory
    user anna
    user bert
    group bad
    group good
run created=4
target
    refuse bad strange op=refs
change
    member bad +anna +bert
    member good +anna +bert
run members_added=2 failed=1 exit=1
expect
    good members=anna,bert
    bad members=-
target
    accept bad
time +1h
run members_added=2
expect
    bad members=anna,bert
