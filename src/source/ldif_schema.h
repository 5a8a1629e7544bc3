/*
 * What LDIF does not say of an attribute: its syntax, and whether it holds one value. A table of the
 * well-known ones of RFC 4519, 4524, 2798 and Active Directory, with AD's answer where they differ
 * (mail holds one value). An attribute that is not here is a multi-valued string.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct ldif_attribute {
	const char *name;
	const char *syntax; /* of lockstep-connector(7) */
	bool multi;
};
const struct ldif_attribute *ldif_attribute_find(
	const char *name, size_t n); /* without case; NULL */
const struct ldif_attribute *ldif_attributes(size_t *count_r);
