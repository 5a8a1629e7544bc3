# 4.3 Leaving disables, coming back re-enables the same object with all that changed meanwhile.
scenario quick
config
    scope { filter = '(mail=*)' }
directory
    user anna title=Clerk
    group staff member=anna mail=staff@x.example
run created=2 members_added=1
change
    set anna mail=-
run disabled=1 members_removed=1
expect
    anna active=false title=Clerk
    staff members=-
change
    set anna mail=anna@x.example title=Chief
run enabled=1 members_added=1
expect
    anna active=true title=Chief
    staff members=anna
    count users=1
