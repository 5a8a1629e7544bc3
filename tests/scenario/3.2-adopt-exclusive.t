# 3.2 3.3 A target marked as ours alone: an object that bears our identity is ours without a question (lost state, say).
target exclusive=yes
directory
    user anna title=Chief
    user bert
    group staff member=anna
run created=3 members_added=1
lose
run adopted=3 members_added=1
expect
    anna title=Chief
    staff members=anna
    count users=2 groups=1
