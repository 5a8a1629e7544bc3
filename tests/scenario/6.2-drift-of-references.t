# 6.2, 6.3 References that we put there and somebody took away or replaced come back; those of others are reported and
# left alone.
scenario loose no-full
directory
    user anna
    user bert  manager=anna
    user carl  manager=anna
    user dora
    users u 8
    group staff member=anna,bert,staff2
    group staff2 member=u1,u2,u3,u4,u5,u6,u7,u8
run created=14 updated=2 members_added=11
run full
target
    foreign user userName=other@x.example
    edit bert manager=-
    edit carl manager=dora
    edit dora manager=other@x.example
    edit staff members=-anna,-staff2,+dora,+other@x.example
    edit staff2 members=-
run full drifted=4 updated=2 members_added=10
expect
    bert manager=anna
    carl manager=anna
    dora manager=other@x.example
    staff members=anna,bert,staff2,dora,other@x.example
    staff2 members=u1,u2,u3,u4,u5,u6,u7,u8
run full writes=0
target
    edit staff members=-anna
run full drifted=1 members_added=1
expect
    staff members=anna,bert,staff2,dora,other@x.example
