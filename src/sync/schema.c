/*
 * The source's schema as last said in its hello, kept in the target file, so that rules compile (due
 * times, retries, explain) while the source cannot be reached. One line per attribute: flags, name.
 */
#include "run_p.h"

#include <string.h>

void
schema_text(const struct wire_hello *h, struct buf *out)
{
	for (size_t i = 0; i < h->schema_count; i++) {
		const struct wire_schema *s = &h->schema[i];

		buf_addf(out, "%c%c%c%s\n", s->multi ? 'm' : '-',
			s->syntax == SYNTAX_LINK ? 'l' : '-', s->syntax == SYNTAX_BYTES ? 'b' : '-',
			s->name);
	}
}

bool
schema_parse(const char *text, struct arena *a, struct schema_rows *rows_r)
{
	size_t lines = 0;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	rows_r->list = arena_alloc(a, (lines + 1) * sizeof(*rows_r->list));
	rows_r->count = 0;
	while (*text) {
		const char *end = strchr(text, '\n');

		if (!end || end - text < 4)
			return false;
		rows_r->list[rows_r->count++] = (struct schema_row){
			.name = arena_strndup(a, text + 3, (size_t)(end - text - 3)),
			.multi = text[0] == 'm',
			.link = text[1] == 'l',
			.bytes = text[2] == 'b',
		};
		text = end + 1;
	}
	return true;
}

static bool
schema_lookup(void *ctx, const char *name, bool *multi_r, bool *link_r, bool *bytes_r)
{
	const struct schema_rows *rows = ctx;

	for (size_t i = 0; i < rows->count; i++) {
		const struct schema_row *r = &rows->list[i];

		if (!ascii_ieq(r->name, name))
			continue;
		*multi_r = r->multi;
		*link_r = r->link;
		*bytes_r = r->bytes;
		return true;
	}
	return false;
}

struct rules_schema
schema_of(struct schema_rows *rows)
{
	return (struct rules_schema){ .ctx = rows, .lookup = schema_lookup };
}
