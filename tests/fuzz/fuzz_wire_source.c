/* The engine's end against a source that says anything: what is taken has what the header promises. */
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

static void
promised(const struct wire_source_msg *m)
{
	bool named = m->id || m->dn;

	if (m->type <= SRC_BAD && !named)
		abort();
	if (m->type == SRC_ENTRY && m->full && !(m->id && m->dn))
		abort();
	if (m->type == SRC_LINKS)
		for (size_t i = 0; i < m->link_count; i++)
			if (!m->links[i].id && !m->links[i].dn && !m->links[i].sid)
				abort();
	if ((m->type == SRC_LINKS || m->type == SRC_VALUES) && !m->attribute)
		abort();
	if (m->type == SRC_END && m->sealed && m->error.kind != ERR_NONE)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = { size ? (const char *)data : "", size };
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_CONN struct conn *c = conn_open_memory(say, &input, NULL);
	struct wire_greeting g = { .role = size % 2 ? "source" : "target" };
	struct wire_source_msg m;
	struct wire_hello h;
	struct err e;

	if (!wire_read(c, NULL, NULL, NULL, &e))
		abort();
	while (wire_source_next(c, a, &m, &e))
		promised(&m);
	conn_close(&c);
	c = conn_open_memory(say, &input, NULL);
	if (wire_hello(c, &g, a, &h, &e) && (!h.connector || h.window < 1 || h.members_max < 1))
		abort();
	return 0;
}
