/* Records of LDIF into messages of the protocol (lockstep-connector(7)), one by one, without state. */
#pragma once
#include "base/map.h"
#include "ldif.h"
#include "ldif_group.h"
#include "wire/serve.h"

struct ldif_send {
	struct serve *s;
	struct arena *arena;           /* of the record going on; reset by each */
	const char *file;              /* for texts */
	const char *const *classes;    /* NULL-ended; empty = all */
	const char *const *attributes; /* NULL-ended; empty = all */
	const char *const *ids;        /* NULL-ended: attributes of identity, first choice first */
	struct map *known; /* spelling of an attribute -> struct ldif_known, in known_arena */
	struct arena *known_arena;
	int64_t done;              /* records */
	int64_t entries, nameless; /* full entries, and those of them without an identity */
};

/* Sends what r says. false: the read cannot be sealed (e: what, with file and line), or the engine has gone. */
bool ldif_send_record(struct ldif_send *x, const struct ldif_record *r, struct err *e);
/* The identity as text (SEMANTICS 3.1): canonical UUID where it is one, else the value as it is; NULL: none. */
const char *ldif_identity(const char *attribute, struct str value, struct arena *a);
/* Those of its parts that stand in ldif_rename.c. */
struct dn;
bool ldif_send_rename(
	struct ldif_send *x, const struct ldif_record *r, const struct dn *dn, struct err *e);
bool ldif_send_malformed(struct ldif_send *x, const struct ldif_record *r, struct err *e);
bool ldif_send_bad(struct ldif_send *x, const char *id, const char *dn, const char *attribute,
	const char *why, struct err *e);
const struct ldif_known *ldif_send_known(void *x, const char *name, size_t n);
