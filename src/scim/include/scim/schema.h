/*
 * The SCIM schemas (RFC 7643) that Lockstep speaks, as tables: core User and Group, the enterprise
 * User, and our own extensions of User and Group. Everything else - filter, path, PATCH, resource - reads
 * these tables; a new attribute is a new row.
 *
 * All of it is constant data; nothing to own or free. Attribute names and schema URNs are compared
 * without case (RFC 7643 2.1).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "base/str.h"

enum scim_kind {
	SCIM_STRING,
	SCIM_BOOLEAN,
	SCIM_DECIMAL,
	SCIM_INTEGER,
	SCIM_DATETIME,
	SCIM_BINARY,
	SCIM_REFERENCE,
	SCIM_COMPLEX,
};
enum scim_mutability { SCIM_READ_WRITE, SCIM_READ_ONLY, SCIM_IMMUTABLE, SCIM_WRITE_ONLY };
enum scim_returned { SCIM_DEFAULT, SCIM_ALWAYS, SCIM_NEVER, SCIM_REQUEST };

/* What a server can find a resource by without looking at all of them. */
enum scim_key {
	SCIM_KEY_NONE,
	SCIM_KEY_ID,
	SCIM_KEY_NAME,     /* userName; displayName of a group: unique without case */
	SCIM_KEY_EXTERNAL, /* externalId, with case */
	SCIM_KEY_EMAIL,    /* emails.value, without case */
	SCIM_KEY_ALIAS,    /* aliases of our extension, without case: one owner */
	SCIM_KEY_MEMBER,   /* members.value of a group: ids */
	SCIM_KEY_GROUP,    /* groups.value of a user: ids */
};

struct scim_attr {
	const char *name;
	enum scim_kind kind;
	bool multi, required, case_exact;
	bool unique; /* uniqueness "server" */
	bool rows; /* never part of a resource's text: kept by the server as rows (members, groups)
		    */
	enum scim_mutability mutability;
	enum scim_returned returned;
	enum scim_key key;
	const struct scim_attr *subs; /* of SCIM_COMPLEX */
	size_t n_subs;
	const char *help;
	const char *canonical; /* "work|home|other", or NULL; of a reference: its reference types */
};
#define SCIM_ATTRS_MAX 32 /* rows in one table of attributes */
#define SCIM_EXTS_MAX  2

struct scim_schema {
	const char *urn, *name, *help;
	const struct scim_attr *attrs;
	size_t n_attrs;
};

enum { SCIM_USER, SCIM_GROUP, SCIM_TYPES };
struct scim_type {
	const char *name;     /* "User" */
	const char *endpoint; /* "/Users" */
	const char *help;
	const struct scim_schema *core;
	const struct scim_schema *const *exts; /* at most SCIM_EXTS_MAX */
	size_t n_exts;
};
extern const struct scim_type scim_types[SCIM_TYPES];

#define SCIM_URN_USER           "urn:ietf:params:scim:schemas:core:2.0:User"
#define SCIM_URN_GROUP          "urn:ietf:params:scim:schemas:core:2.0:Group"
#define SCIM_URN_ENTERPRISE     "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define SCIM_URN_LOCKSTEP       "urn:lockstep:params:scim:schemas:extension:2.0:User"
#define SCIM_URN_LOCKSTEP_GROUP "urn:lockstep:params:scim:schemas:extension:2.0:Group"
#define SCIM_MSG                "urn:ietf:params:scim:api:messages:2.0:"

/* Attributes every resource has (RFC 7643 3.1): schemas, id, externalId, meta. */
extern const struct scim_schema scim_common;

/* NULL when there is none of that name. */
const struct scim_attr *scim_attr_find(const struct scim_attr *attrs, size_t n, struct str name);
const struct scim_attr *scim_sub_find(const struct scim_attr *attr, struct str name);
/* Core schema or extension of the type by URN; NULL when foreign. */
const struct scim_schema *scim_schema_find(const struct scim_type *type, struct str urn);
/* True for the core and the common schema: their attributes stand at the top of a resource. */
bool scim_schema_is_core(const struct scim_type *type, const struct scim_schema *schema);
