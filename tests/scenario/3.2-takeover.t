# 3.2 Another tool made these: its externalId is replaced by ours when a person agrees.
target
    foreign user id=00u1 userName=ANNA@x.example title=Clerk nickName=Annie
    foreign user id=00u2 userName=carl@x.example
    foreign group id=00g1 displayName=staff
directory
    user anna title=Chief
    user bert
    group staff member=anna,bert
run created=1 held=2 exit=4
adopt exact
run adopted=2 members_added=2
expect
    anna title=Chief nickName=Annie
    staff members=anna,bert
    named user carl@x.example active=-
    count users=3 groups=1
