# 6.3 In a list ours are the elements that we put there: one that somebody added is left, one that somebody took
# away comes back.
scenario loose no-full
config
    user { map { aliases = 'otherMailbox' } }
directory
    user anna otherMailbox=a1@x.example|a2@x.example
    user bert otherMailbox=b1@x.example|b2@x.example
run created=2
target
    edit anna aliases=a1@x.example|a2@x.example|theirs@x.example
    edit bert aliases=b2@x.example
run full updated=1 drifted=1
expect
    anna aliases=a1@x.example|a2@x.example|theirs@x.example
    bert aliases=b1@x.example|b2@x.example
