# I1 Not seen is not gone: only a second sealed full read, missing_after later, confirms it.
scenario no-full
source tombstones=no
directory
    user anna
    user bert
    user carl
run created=3
change
    delete bert
run full read>=1
expect
    bert active=true
time +30m
run full
expect
    bert active=true
time +40m
run full disabled=1
expect
    bert active=false
    carl active=true
