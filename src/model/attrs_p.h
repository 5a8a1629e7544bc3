/* What attrs.c and attrs_form.c share. */
#pragma once
#include "model/attrs.h"

/* The values of a (NULL allowed) sorted and each once into out, which has room for all; how many. */
size_t attr_sorted(const struct attr *a, struct str *out);
