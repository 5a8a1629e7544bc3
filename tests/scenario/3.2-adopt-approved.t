# 3.2 adopt = "yes": soft matches need no approval.
target adopt=yes
    foreign user userName=anna@x.example title=Old nickName=Annie
directory
    user anna title=Chief
run adopted=1
expect
    anna title=Chief nickName=Annie
    count users=1
