# 4.3 Kept users stay as they are, and are ours again when they come back.
config
    scope { filter = '(|(mail=*)(objectClass=group))' }
    user { leave = "keep" }
directory
    user anna
    user bert
    group staff member=anna,bert
run created=3 members_added=2
change
    set anna mail=- 
run members_removed=1
expect
    anna active=true
    staff members=bert
change
    set anna mail=anna@x.example title=Chief
run updated=1 members_added=1
expect
    anna title=Chief
