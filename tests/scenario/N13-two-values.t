# N13 1.4 An expression that finds two values where one is taken holds that attribute back, not the object.
config
    user { map { title = 'description' } }
directory
    user anna description=One
run created=1
change
    set anna description="One|Two" department=Sales
run updated=1
expect
    anna title=One department=Sales
change
    set anna description=Two
run updated=1
expect
    anna title=Two
