/*
 * One resource as text in its normal form: canonical names, schema order, no unknown, read-only,
 * write-only, null or empty attributes, booleans as booleans. Equal content gives equal bytes, so
 * that "nothing changed" is a comparison of two texts.
 *
 * Tolerated because clients send it: "True"/"False" for booleans, a bare string for a complex value
 * that has a `value` (manager, members, emails), one object where a list is meant and a list of one
 * where an object is.
 *
 * Errors: ERR_OBJECT, code invalidValue or invalidSyntax, text naming the attribute.
 */
#pragma once
#include "base/json.h"
#include "base/mem.h"
#include "scim/schema.h"

#define SCIM_KEY_BYTES 1024 /* userName, externalId, an address: longer ones are refused */

struct scim_address {
	const char *text;
	enum scim_key key; /* SCIM_KEY_EMAIL or SCIM_KEY_ALIAS */
};

/* What a server indexes; strings live in the input tree. */
struct scim_keys {
	const char *name;           /* userName or a group's displayName */
	const char *external;       /* NULL when absent */
	const struct json *members; /* the input's, perhaps []; NULL when absent or null */
	struct scim_address *addresses;
	size_t n_addresses;
};

/* {"schemas":[...],"externalId":...,...} appended to out. */
bool scim_resource_write(const struct scim_type *type, const struct json *in, struct arena *a,
	struct buf *out, struct scim_keys *keys_r, struct err *e);
