# 7.1 A swap, a chain that ends in it, and a newcomer who gets what the chain frees.
directory
    user anna
    user bert
    user carl
run created=3
change
    set anna mail=bert@x.example
    set bert mail=anna@x.example
    set carl mail=carla@x.example
    user new mail=carl@x.example
run created=1 updated=3
expect
    anna userName=bert@x.example
    bert userName=anna@x.example
    carl userName=carla@x.example
    new userName=carl@x.example
