/* The engine's end against a target that says anything. */
#include <stdint.h>
#include <stdlib.h>
#include "wire/msg.h"

static bool
say(void *ctx, struct str line, struct buf *out)
{
	const struct str *input = ctx;

	(void)line;
	buf_add(out, input->p, input->n);
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = { size ? (const char *)data : "", size };
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_CONN struct conn *c = conn_open_memory(say, &input, NULL);
	struct wire_result r;
	struct wire_object o;
	struct err e;

	if (!wire_list(c, "user", &e))
		abort();
	while (wire_result_next(c, 0, a, &r, &e) == 1) {
		if (r.id > 0 && !r.ok && r.error.kind == ERR_NONE)
			abort();
		for (size_t i = 0; i < r.found_count; i++)
			if (!r.found[i].key)
				abort();
	}
	conn_close(&c);
	c = conn_open_memory(say, &input, NULL);
	if (!wire_list(c, "user", &e))
		abort();
	while (wire_object_next(c, a, &o, &e) && !o.end)
		if (!o.key)
			abort();
	return 0;
}
