# I3 3.2 Somebody of that address is there: adopting waits for a person, all else goes on.
scenario quick
target
    foreign user userName=Anna@X.example title=Old
directory
    user anna title=Chief
    user bert
    group staff member=anna,bert
run created=2 members_added=1 held=1 exit=4
expect
    anna -
    named user anna@x.example title=Old
    staff members=bert
release
run adopted=1 members_added=1
expect
    anna title=Chief
    staff members=anna,bert
    count users=2
