# 6.3 An update of a list adds and removes elements of ours; those of others stay, whether or not they were read.
scenario loose
config
    user { map { aliases = 'otherMailbox' } }
directory
    user anna otherMailbox=a1@x.example|a2@x.example
    user bert otherMailbox=b1@x.example|b2@x.example
    user carl otherMailbox=c1@x.example
    user dora
run created=4
target
    edit anna aliases=a1@x.example|a2@x.example|theirs@x.example
    edit carl aliases=c1@x.example|theirs3@x.example
    edit dora aliases=theirs4@x.example
change
    set bert otherMailbox=b2@x.example|b3@x.example
    set carl otherMailbox=-
    set dora otherMailbox=d1@x.example
run updated=3
run full
target
    edit bert aliases=b2@x.example|b3@x.example|theirs2@x.example
run full
change
    set anna otherMailbox=a1@x.example|a3@x.example
    set bert otherMailbox=b3@x.example
run updated=2
expect
    anna aliases=a1@x.example|a3@x.example|theirs@x.example
    bert aliases=b3@x.example|theirs2@x.example
    carl aliases=theirs3@x.example
    dora aliases=d1@x.example|theirs4@x.example
target
    edit anna aliases=theirs@x.example
change
    set anna otherMailbox=a3@x.example
run full updated=1 drifted=1
expect
    anna aliases=a3@x.example|theirs@x.example
