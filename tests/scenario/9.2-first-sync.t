# 9.2 A plan of everything: creates, references, and a name that one frees for another.
directory
    user anna manager=bert
    user bert
    group staff member=anna,bert
    group inner member=staff
run plan keep writes=0
run apply created=4 updated=1 members_added=3
expect
    anna manager=bert
    staff members=anna,bert
    inner members=staff
change
    set anna mail=a@x.example
    set bert mail=anna@x.example
run plan keep writes=0
run apply updated=2
expect
    anna userName=a@x.example
    bert userName=anna@x.example
