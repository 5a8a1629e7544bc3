/* The lines of a record gathered by attribute. */
#pragma once
#include "ldif.h"

/* What is to be done with an attribute: one struct for all spellings of its name. */
struct ldif_known {
	bool asked;      /* by the engine */
	bool structural; /* the entry message itself is made of it */
	bool link;
	bool kept; /* for the whole read, so that equal names have equal pointers */
};

struct ldif_group {
	const char *name; /* as first written */
	const struct ldif_known *known;
	struct str *values;
	size_t count;
	const char *why; /* "line 7: is a URL, ...": not usable; NULL = fine */
};

struct ldif_groups {
	struct ldif_group *list;
	size_t count;
	const char *why; /* the record is of no use at all */
};

typedef const struct ldif_known *(*ldif_knower)(void *ctx, const char *name, size_t n);

/* Only attributes that are asked for or structural are gathered and decoded. An attribute of ranges
 * ("member;range=0-1499") is only a part of its values: its base name then is not usable.
 * false: a line that is no attribute, or too many attributes (why). */
bool ldif_group(const struct ldif_record *r, ldif_knower know, void *ctx, struct arena *a,
	struct ldif_groups *g_r);
/* All lines of r as values of one attribute. */
void ldif_group_one(
	const struct ldif_record *r, const char *name, struct arena *a, struct ldif_group *g_r);
const struct ldif_group *ldif_group_find(const struct ldif_groups *g, const char *name); /* NULL */
