/* Names of attributes, private to rules/. */
#pragma once
#include "rules/rules.h"

/* A well-known attribute near a name that is not known, or NULL; with `builtin`, our own names too. */
const char *names_nearest(const char *name, bool builtin);
/* A whole number as directories write it: "-12"; false when it is none or does not fit. */
bool expr_number_parse(struct str s, int64_t *n_r);
