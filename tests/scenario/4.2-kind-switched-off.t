# 4.2 A kind that is switched off leaves as its policy says.
directory
    user anna
    group staff member=anna
run created=2 members_added=1
config
    group { enabled = "no" }
run deleted=1
expect
    staff -
    anna active=true
config
run created=1 members_added=1
expect
    staff members=anna
