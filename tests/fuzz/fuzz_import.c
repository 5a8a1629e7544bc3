/* Any bytes as another tool's configuration: refused with a place, or a configuration of ours comes out. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "import.h"

static void
notes_check(const struct import_notes *notes, bool missed)
{
	for (size_t i = 0; i < notes->count; i++) {
		const struct import_note *n = &notes->list[i];

		if (n->line < 1 || !n->what || !n->what[0])
			abort();
		if (missed ? !n->why || !n->todo : !n->as)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf out = { 0 };
	struct import im;
	struct err e = { 0 };

	if (!import_read((struct str){ (const char *)data, size }, "fuzz.xml", a, &im, &out, &e)) {
		/* That it is no configuration of ours is found by import_read itself, and our mistake. */
		if (e.kind != ERR_CONFIG || strstr(e.text, "please report"))
			abort();
		return 0;
	}
	if (!utf8_valid(out.p, out.n))
		abort();
	notes_check(&im.taken, false);
	notes_check(&im.missed, true);
	return 0;
}
