# 3.2 Where the target is ours alone, what bears our identity is ours, whatever else has our address.
target exclusive=yes
    foreign group displayName=staff mail=other@x.example
directory
    group staff mail=staff@x.example
target
    foreign group of=staff displayName=old
run failed=1 exit=1
expect
    staff displayName=old
    count groups=2
