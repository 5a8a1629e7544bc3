/* lockstep status: when each source was read, and what its way of following changes leaves out (I7); failures by
 * cause. */
#include "cli_p.h"

#include <string.h>

static void
source_text(const struct conf_source *s, const struct mirror_info *i, int64_t due)
{
	char read[24], full[24], when[24];

	if (due == INT64_MAX)
		return;
	printf("source %s: its changes do not say everything (`lockstep check` says what is "
	       "missed)\n"
	       "  read at %s; all of it at %s, next due at %s\n",
		s->name, cli_time(i->read_at, read), cli_time(i->full_at, full),
		cli_time(due, when));
	if (i->absent)
		printf("  missing, not confirmed: %lld\n", (long long)i->absent);
}

static void
source_json(const struct conf_source *s, const struct mirror_info *i, int64_t due, struct jsonw *w)
{
	jsonw_obj(w, NULL);
	jsonw_str(w, "source", s->name);
	jsonw_int(w, "entries", i->entries);
	jsonw_int(w, "missing", i->absent);
	jsonw_int(w, "read", i->read_at);
	jsonw_int(w, "read_full", i->full_at);
	jsonw_bool(w, "changes_complete", i->delta_safe);
	if (due != INT64_MAX)
		jsonw_int(w, "full_due", due);
	jsonw_end(w);
}

bool
status_sources(struct cli *c, struct jsonw *w, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	bool ok = true;

	jsonw_arr(w, "sources");
	for (size_t i = 0; ok && i < c->conf->source_count; i++) {
		const struct conf_source *s = &c->conf->sources[i];
		struct mirror *m = NULL;
		struct mirror_info info;

		ok = mirror_open(sync_source_path(c->conf, s->name, a), &c->env.store, true, &m, e);
		if (!ok && strcmp(e->code, "no-state") == 0) {
			err_clear(e); /* never read */
			ok = true;
			continue;
		}
		ok = ok && mirror_info(m, &info, e);
		if (ok) {
			int64_t due = sync_full_due(s, &info);

			source_json(s, &info, due, w);
			if (!c->json)
				source_text(s, &info, due);
		}
		mirror_close(&m);
	}
	jsonw_end(w);
	return ok;
}

void
status_codes(struct ledger *l, struct jsonw *w)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct failing_code codes[32];
	size_t n = ledger_failing_codes(l, a, codes, ARRAY_LEN(codes));

	jsonw_arr(w, "failing_codes");
	for (size_t i = 0; i < n; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "code", codes[i].code);
		jsonw_int(w, "count", codes[i].count);
		jsonw_end(w);
	}
	jsonw_end(w);
}
