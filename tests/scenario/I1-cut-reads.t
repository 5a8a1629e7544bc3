# I1 I4 A read that is cut, wrong in its counts, nonsense or unsealed changes nothing; the next one does.
scenario quick
directory
    user anna
    user bert
    group staff member=anna,bert
run created=3 members_added=2
change
    delete bert
    set anna title=Chief
fault cut 0
run exit=3
fault cut 1
run exit=3 code=connector-ended
fault half 1
run exit=3
fault counts
run exit=3 code=counts-differ
fault nonsense 1
run exit=3 code=bad-line
fault unsealed
run exit=3 code=unsealed
fault error
run exit=3 code=server-down
expect
    anna title=- active=true
    bert active=true
    staff members=anna,bert
run updated=1 disabled=1 members_removed=1
expect
    anna title=Chief
    bert active=false
    staff members=anna
