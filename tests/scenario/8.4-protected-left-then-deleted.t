# 8.4 Held when he leaves, held when the directory deletes him.
config
    user { leave = "delete" }
    guard { protect = 'boss@x.example' }
    scope { base = 'OU=P,DC=x' }
directory
    ou P
    user boss in=P
    user anna in=P
run created=2
change
    move boss root
run held=1 exit=4
change
    delete boss
run held=1 exit=4
expect
    boss active=true
