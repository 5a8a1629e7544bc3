/* What attrs.c and attrs_form.c share. */
#pragma once
#include "model/attrs.h"

/* The values of a (NULL allowed) sorted and each once into out, which has room for all; how many. */
size_t attr_sorted(const struct attr *a, struct str *out);
/* Appends an attribute of that many empty values; name is not copied, and must be a new one. */
struct attr *attrs_put(struct attrs *as, const char *name, size_t count);
