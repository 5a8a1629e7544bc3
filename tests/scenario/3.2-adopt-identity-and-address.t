# 3.2 One bears our identity and another one our address: only a person can say.
directory
    user anna
    user bert
target
    foreign user of=anna userName=anna.old@x.example
    foreign user userName=anna@x.example
    foreign user userName=bert@x.example
run held=2 exit=4
adopt exact
run adopted=1 held=1 exit=4
expect
    bert userName=bert@x.example
    anna userName=anna.old@x.example
adopt anna u1
run failed=1 exit=1
expect
    anna userName=anna.old@x.example
