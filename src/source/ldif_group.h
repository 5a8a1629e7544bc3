/* The lines of a record gathered by attribute. */
#pragma once
#include "source/ldif.h"

struct ldif_group {
	const char *name;    /* as first written */
	struct str *values;
	size_t count;
	const char *why;     /* "line 7: is a URL, ...": not usable; NULL = fine */
	bool link;           /* for the caller */
};

struct ldif_groups {
	struct ldif_group *list;
	size_t count;
	const char *why;     /* the record is of no use at all */
};

/* Only attributes for which wanted() says yes are gathered and decoded. An attribute of ranges
 * ("member;range=0-1499") is only a part of its values: its base name then is not usable.
 * false: a line that is no attribute, or too many attributes (why). */
bool ldif_group(const struct ldif_record *r, bool (*wanted)(void *ctx, const char *name, size_t n), void *ctx,
	struct arena *a, struct ldif_groups *g_r);
/* All lines of r as values of one attribute. */
void ldif_group_one(const struct ldif_record *r, const char *name, struct arena *a, struct ldif_group *g_r);
const struct ldif_group *ldif_group_find(const struct ldif_groups *g, const char *name); /* NULL */
