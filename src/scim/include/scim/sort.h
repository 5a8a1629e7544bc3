/*
 * Sorting (RFC 7644 3.4.2.3): what a resource is ordered by, as bytes that memcmp orders (a shorter key first where one
 * begins the other). Texts without case unless caseExact, by code point; numbers and times by value; of a list the
 * primary value, or else the first; resources without a value last.
 *
 * Keys are cut at SCIM_SORT_BYTES: longer texts that agree so far count as equal.
 */
#pragma once
#include "scim/filter.h"

#define SCIM_SORT_BYTES 256

/* by: a path as in a filter. attr is NULL when the type does not know it: no resource of it has a value then. Errors:
 * ERR_OBJECT, invalidValue, when it cannot be sorted by (complex, members, groups) or is no path. */
bool scim_sort_parse(const struct scim_type *type, const char *by, struct arena *a,
	struct scim_path *p_r, struct err *e);
/* Appends the key, at most SCIM_SORT_BYTES. */
void scim_sort_key(const struct scim_path *p, const struct json *resource, struct buf *key);
