# 7.1 a gets b's name while b gets c's and c a new one: tried again as names become free.
scenario quick
directory
    user a
    user b
    user c
run created=3
change
    set a mail=b@x.example
    set b mail=c@x.example
    set c mail=d@x.example
run updated=3
expect
    a userName=b@x.example emails.work=b@x.example
    b userName=c@x.example
    c userName=d@x.example
