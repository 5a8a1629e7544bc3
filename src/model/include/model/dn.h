/*
 * Distinguished names (RFC 4514) through libldap's parser, and the identities of Active Directory.
 * A DN here is the text as the directory wrote it; its *key* is for comparing: attribute types
 * lower-case, values folded (utf8_fold), inner white space folded, one canonical escape.
 */
#pragma once
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct dn {
	size_t count; /* RDNs, the leaf first */
	char **rdn;   /* as written: "CN=Doe\, J" */
	char **key;   /* for comparing: "cn=doe\2c j" */
};

#define DN_LENGTH_MAX 8192
bool dn_parse(
	const char *text, struct arena *a, struct dn *dn_r, struct err *e); /* code "bad-dn" */
bool dn_equal(const struct dn *a, const struct dn *b);
bool dn_under(const struct dn *dn, const struct dn *base); /* base itself counts */
char *dn_text(const struct dn *dn, size_t from,
	struct arena *a);                           /* RDNs from index `from`, joined by "," */
char *dn_key(const struct dn *dn, struct arena *a); /* keys joined by "," */

/* objectGUID, 16 bytes as Windows shows it (3.1): first three fields little-endian. 36 characters and NUL, lower case. */
bool guid_from_bytes(struct str bytes, char out[37]);
bool guid_to_bytes(const char *text, unsigned char out[16]);
/* Canonical lower-case UUID text out of any usual writing ({...}, upper case); false if it is none. */
bool uuid_canonical(const char *text, char out[37]);
/* objectSid (MS-DTYP 2.4.2) to "S-1-5-21-..."; out in the arena; NULL when malformed. */
char *sid_from_bytes(struct str bytes, struct arena *a);
/* "S-1-5-21-a-b-c-RID" with another RID: for primaryGroupID. NULL when malformed. */
char *sid_with_rid(const char *sid, const char *rid, struct arena *a);
