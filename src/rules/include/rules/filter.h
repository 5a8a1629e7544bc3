/*
 * LDAP filters over mirrored entries (RFC 4515): evaluated by us, never sent to the source (SEMANTICS 4.1).
 * AD's matching rules 803 (bit and), 804 (bit or), 1941 (in chain), memberOf (computed from links),
 * objectCategory's short form, DN equality by identity. Three-valued as RFC 4511 4.5.1.7: undefined is not a match.
 */
#pragma once
#include "rules/rules.h"

struct filter;
#define FILTER_DEPTH_MAX 32
#define FILTER_LENGTH_MAX 16384
bool filter_parse(const char *text, struct arena *a, struct filter **f_r, struct err *e); /* text with column */
void filter_attributes(const struct filter *f, struct names *names);
void filter_resolve(struct filter *f, const struct world *w);   /* DNs in assertions to n */
bool filter_match(const struct filter *f, const struct world *w, const struct entry *en);
