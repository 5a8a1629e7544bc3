# 3.3 Our state is lost: what bears our identity waits to be adopted; nothing is made twice.
directory
    user anna
    user bert
run created=2
lose
run held=2 exit=4
expect
    count users=2
release
run adopted=2
expect
    count users=2
