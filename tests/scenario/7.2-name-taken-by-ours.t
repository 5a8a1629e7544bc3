# 7.2 A newcomer gets the address of a leaver who keeps his object: named as a failure, done when it is free.
config
    scope { filter = '(|(mail=*)(objectClass=group))' }
directory
    user anna
    user bert
run created=2
change
    delete anna
    user new mail=anna@x.example
run disabled=1 failed=1 exit=1
expect
    new -
    anna active=false
change
    set new mail=new@x.example
run created=1
expect
    new userName=new@x.example
