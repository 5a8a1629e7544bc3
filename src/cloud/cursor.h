/* Cursors of RFC 9865: opaque, authenticated, bound to tenant and query. Hexadecimal. */
#pragma once
#include "cloud.h"
#define CURSOR_TEXT 65

/* bound: what the cursor is bound to beside the tenant, as one text */
void cursor_make(const struct cloud *c, int64_t tenant, struct str bound, int64_t rid,
	char text_r[CURSOR_TEXT]);
bool cursor_read(
	const struct cloud *c, int64_t tenant, struct str bound, const char *text, int64_t *rid_r);
