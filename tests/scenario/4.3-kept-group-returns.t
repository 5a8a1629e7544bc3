# 4.3 I7 A group that was kept while out of scope comes back with the members it has now.
config
    scope { base = {'OU=Mail,DC=x'} }
    group { leave = "keep" }
directory
    ou Mail
    ou Else
    user anna in=Mail
    user bert in=Mail
    group staff in=Mail member=anna,bert
run created=3 members_added=2
change
    move staff Else
run
change
    member staff -bert
run
expect
    staff members=anna,bert
change
    move staff Mail
run members_removed=1
expect
    staff members=anna
