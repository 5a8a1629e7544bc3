# 8.1 3.2 adopt = "yes" takes over no more than the limit in a day; what is above it waits.
scenario quick
config
    guard { adopt = "2" }
target adopt=yes
    foreign user userName=u1@x.example title=Old
    foreign user userName=u2@x.example title=Old
    foreign user userName=u3@x.example title=Old
    foreign user userName=u4@x.example title=Old
directory
    users u 5
run created=1 adopted=2 held=2 exit=4 once
expect
    count users=5
time +3h
change
    set u5 title=Chief
run updated=1 held=2 exit=4 once
release
run adopted=2
expect
    count users=5
    u3 active=true
    u4 active=true
