# 4.2 8.3 What is to be left out cannot be found: nobody comes by that without consent.
config
    scope { not_base = 'OU=Secret,DC=x' }
directory
    ou Secret
    user anna in=Secret
    user bert
run created=1
change
    rename Secret Hidden
run held=1 exit=4
expect
    anna -
    bert active=true
change
    rename Secret Secret
run
change
    move anna root
run created=1
