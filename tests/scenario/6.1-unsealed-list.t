# 6.1 I1 Nothing is concluded from the absence in a list that is not proved complete; what was seen was seen.
scenario loose no-full
directory
    user anna title=Chief
    user bert
    user carl title=Clerk
    group staff member=anna,bert,carl
run created=4 members_added=3
target list_cut=1
    vanish staff
    edit carl title=Tea
run full updated=1 drifted=1
expect
    staff -
    carl title=Clerk
target list_cut=0
run full recreated=1 members_added=3 missing=1
expect
    staff members=anna,bert,carl
