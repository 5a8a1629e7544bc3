# 7.1 One manager after the other: a replacement, however the directory words it.
directory
    user anna
    user bert
    user carl manager=anna
run created=3 updated=1
change
    manager carl bert
run updated<=2 updated>=1
expect
    carl manager=bert
change
    manager carl -
run updated=1
expect
    carl manager=-
change
    manager carl anna
run updated=1
expect
    carl manager=anna
