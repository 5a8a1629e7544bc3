# 3.1 I8 The identity is the directory's, never the name: a newcomer with a leaver's name and place is somebody else.
config
    user { leave = "delete" }
directory
    ou People
    user anna in=People
run created=1
change
    rename anna "Anna Old"
    set anna mail=old@x.example
    user anna2 in=People mail=anna@x.example
    rename anna2 anna
run created=1 updated=1
expect
    anna userName=old@x.example
    anna2 userName=anna@x.example
