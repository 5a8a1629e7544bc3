# 7.1 Names in a circle: one of each circle steps aside for a moment, in one run, users and groups.
scenario quick
directory
    user anna
    user bert
    user carl title=Clerk
    user a
    user b
    user c
    group red
    group blue member=anna
run created=8 members_added=1
change
    set anna mail=bert@x.example
    set bert mail=anna@x.example title=Chief
    set a mail=b@x.example
    set b mail=c@x.example
    set c mail=a@x.example
    set red displayName=blue
    set blue displayName=red
run updated=7
expect
    anna userName=bert@x.example emails.work=bert@x.example
    bert userName=anna@x.example emails.work=anna@x.example title=Chief
    a userName=b@x.example
    b userName=c@x.example
    c userName=a@x.example
    blue displayName=red members=anna
    red displayName=blue
