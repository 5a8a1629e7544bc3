/*
 * Kinds of objects, as a table: a new kind is a row here (and its default map in rules/), not an `if`.
 * And the vocabulary between rules and targets: SCIM's names (RFC 7643), flattened so that an
 * administrator can write them: `name.givenName`, `emails.work`, `phoneNumbers.mobile`, `department`
 * (enterprise), `aliases` (our extension). Full URN names pass through as strings.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum leave { LEAVE_DISABLE, LEAVE_DELETE, LEAVE_GRACE, LEAVE_KEEP };
const char *leave_name(
	enum leave l); /* "disable", "delete", "grace" (disable, delete after grace), "keep" */
bool leave_parse(const char *s, enum leave *l_r);

enum kind_id { KIND_USER, KIND_GROUP, KIND_COUNT };

struct kind_ref { /* a reference to other objects, fed by a link attribute of the source */
	const char *attribute; /* at the target: "members", "manager" */
	const char *link;      /* in the directory: "member", "manager" */
	bool multi;
};

struct kind {
	const char *name; /* "user": in configuration, protocol, reports */
	const char *plural;
	const char *const
		*classes; /* objectClass values that make an entry this kind (any of), NULL-ended */
	const char *const *not_classes;
	const char *name_attribute;   /* the unique name at the target: "userName", "displayName" */
	const char *active_attribute; /* "active", or NULL when the kind cannot be disabled */
	enum leave leave;             /* default */
	struct kind_ref refs[3];      /* ended by attribute == NULL */
};
extern const struct kind kinds[KIND_COUNT];
const struct kind *kind_find(const char *name); /* NULL when unknown */

enum vocab_type { VOCAB_STRING, VOCAB_BOOL, VOCAB_REF };
struct vocab {
	const char *name;
	enum vocab_type type;
	bool multi;
	unsigned kinds; /* bit 1 << KIND_x */
};
const struct vocab *vocab_find(
	const char *name);            /* exact case; NULL when unknown (a URN is not here) */
const char *const *vocab_names(void); /* NULL-ended, for text_nearest */
