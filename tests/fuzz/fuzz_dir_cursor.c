/* A cursor comes back from our own state, which may be damaged or somebody else's. */
#include <stdlib.h>
#include <string.h>
#include "dir_cursor.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf out = { 0 };
	struct dir_cursor c, again;
	struct err e = { 0 };
	char *text = arena_strndup(a, (const char *)data, n);
	if (!dir_cursor_read(text, a, &c, &e)) {
		if (e.kind != ERR_RETRY || strcmp(e.code, "cursor-invalid") != 0)
			abort();
		return 0;
	}
	dir_cursor_write(&c, &out);
	if (!dir_cursor_read(buf_cstr(&out), a, &again, &e) || !str_eq(c.cookie, again.cookie) ||
		c.usn != again.usn || !dir_cursor_fits(&c, &again, &e))
		abort();
	return 0;
}
