# 6.2 What of our references is not there when they are read first is put there once more: somebody took it away. That
# a service does not show them at all is said, and is no reason to write.
scenario loose no-full
target seen=no
directory
    user anna
    user bert manager=anna
    group staff member=anna,bert
run created=3 updated=1 members_added=2
target
    edit bert manager=-
    edit staff members=-bert
run full drifted=2 updated=1 members_added=1
expect
    bert manager=anna
    staff members=anna,bert
run full writes=0
target refs=no
    edit staff members=-bert
run full writes=0
target refs=yes
run full drifted=1 members_added=1
