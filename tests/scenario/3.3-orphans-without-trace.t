# 3.3 Mirror and state are lost and nothing tells of the entry any more: only where the target is ours alone does it go
# with the other orphans.
source tombstones=no
directory
    user anna
    user bert
run created=2
rebuild
lose
change
    delete bert
run full held=1 orphans=1 exit=4
adopt exact
adopt orphans
run adopted=1
expect
    bert active=true
target exclusive=yes
run full orphans=1
adopt orphans
run adopted=1 disabled=1
expect
    anna active=true
    bert active=false
