/*
 * PATCH (RFC 7644 3.5.2), in the RFC's form and in the forms that Entra and Okta send: operation
 * names in any case, operations without path, dotted and URN-qualified names as keys of their
 * values, "True"/"False" on booleans (mended by scim_resource_write), `remove` with a list of
 * values, and add or replace on x[type eq "t"].value that finds nothing and makes the element.
 *
 * scim_patch_parse turns a request body into a flat list of operations, each with a resolved path;
 * scim_patch_apply_one changes a tree. Operations on attributes that the server keeps as rows
 * (scim_attr.rows: members) are not for the tree; the caller carries them out itself.
 *
 * All or nothing is the caller's: it works on a copy and keeps the old text on an error. "No
 * change" shows when scim_resource_write gives the same text as before.
 *
 * Errors: kind ERR_OBJECT, code the scimType: invalidSyntax, invalidPath, invalidValue, noTarget,
 * mutability.
 */
#pragma once
#include "scim/filter.h"

#define SCIM_PATCH_OPS 1000

enum scim_patch_kind { SCIM_PATCH_ADD, SCIM_PATCH_REPLACE, SCIM_PATCH_REMOVE };

struct scim_patch_op {
	enum scim_patch_kind kind;
	struct scim_path path;
	const struct json *value; /* into the request's tree; NULL when absent or null */
};

struct scim_patch {
	struct scim_patch_op *ops;
	size_t n;
};

/* body: {"schemas": [...], "Operations": [...]}. Lives in the arena and points into body. */
bool scim_patch_parse(const struct scim_type *type, const struct json *body, struct arena *a,
	struct scim_patch *p_r, struct err *e);
bool scim_patch_apply_one(const struct scim_type *type, const struct scim_patch_op *op,
	struct json *resource, struct err *e);
