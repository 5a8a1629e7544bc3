/*
 * Cursors of RFC 9865. A cursor is a place in an order, encrypted and authenticated (XChaCha20-Poly1305) with the
 * database's key together with the tenant and the query it belongs to: it says nothing to whoever holds it - a sort key
 * is personal data and must not stand in logs of URLs -, means nothing elsewhere, and grants nothing. The server keeps
 * none. It ends CURSOR_SECONDS after it was given out.
 *
 * As text: URL-safe base64 without padding, some 80 to 420 characters.
 */
#pragma once
#include "cloud.h"
#include "scim/sort.h"

#define CURSOR_SECONDS 86400 /* advertised as cursorTimeout */

/* By key, then by rid; without a sort the key is empty. */
struct place {
	int64_t rid;
	unsigned short n;
	unsigned char key[SCIM_SORT_BYTES];
};

/* bound: what the cursor is bound to beside the tenant, as one text. */
void cursor_make(const struct cloud *c, int64_t tenant, struct str bound, const struct place *p,
	struct buf *text);
/* Errors: ERR_OBJECT, invalidCursor, expiredCursor. */
bool cursor_read(const struct cloud *c, int64_t tenant, struct str bound, const char *text,
	struct place *p_r, struct err *e);
