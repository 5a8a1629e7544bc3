# 3.3 Our state is lost, and meanwhile some left: what bears their identity is listed by a full run, and leaves as
# everybody leaves once a person agrees.
config
    scope { base = 'OU=People,DC=x' }
directory
    ou People
    ou Out
    user anna in=People
    user bert in=People
    user carl in=People
    group old in=People
target
    foreign user id=00u-another userName=theirs@x.example
run created=4
lose
change
    delete bert
    move carl Out
    delete old
run full held=1 orphans=3 exit=4
expect
    bert active=true
    carl active=true
adopt exact
run full adopted=1 orphans=3
adopt orphans
time +3h
run adopted=3 disabled=2 deleted=1
expect
    anna active=true
    bert active=false
    carl active=false
    named user theirs@x.example active=-
    count users=4 groups=0
change
    move carl People
run enabled=1
