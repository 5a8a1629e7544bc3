/*
 * How far behind a target is (N8), and how long changes took on their way.
 *
 *   as_of   the time at the beginning of the last sealed read of which everything wanted has been
 *           confirmed, or is known as failing or held: what has changed since may still be on its way. A fact
 *           in the target's file, so that it grows old by itself when nothing works any more
 *   lag     from the moment the directory gives a change to the last confirmation that followed from it, for
 *           changes that deltas brought and whose moment the source knows; in whole seconds, as directories do
 */
#include "run_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AS_OF      "as-of"
#define STAMPS_MAX 10000 /* of one run; more changes at once say no more than these */

struct stamp {
	int64_t changed, confirmed;
};

void
lag_changed(struct run *r, const char *id, int64_t at)
{
	struct stamp *s = map_get(r->stamps, str_c(id));

	if (!s && map_count(r->stamps) >= STAMPS_MAX)
		return;
	if (!s) {
		s = arena_alloc(r->arena, sizeof(*s));
		*s = (struct stamp){ .changed = at };
		map_set(r->stamps, str_c(id), s);
	} else if (s->confirmed) {
		*s = (struct stamp){ .changed = at };
	}
}

static bool
is_canary(const struct lane *lane, const struct object *ob)
{
	const char *who = lane->conf->canary;

	return who &&
	       (ascii_ieq(who, ob->anchor) || sync_entry_is(lane->source->mirror, ob->n, who));
}

/* The slowest of several syncs' is shown. s: NULL where nobody says when it changed, as in full reads: it came through. */
static void
canary_note(struct target_run *t, const struct lane *lane, const struct stamp *s)
{
	struct sync_canary *c = &t->run->result->canary;
	int64_t local = run_local(t->run, lane->source, s ? s->changed : target_now(t));

	if (c->who && (!s || (c->changed_at &&
				     c->confirmed_at - c->changed_at >= s->confirmed - s->changed)))
		return;
	*c = (struct sync_canary){ .sync = lane->conf->name,
		.who = lane->conf->canary,
		.changed_at = s ? local : 0,
		.confirmed_at = local + (s ? s->confirmed - s->changed : 0) };
}

void
lag_confirmed(struct target_run *t, const struct object *ob)
{
	const struct lane *lane = lane_of(t, ob->sync);
	struct stamp *s = map_get(t->run->stamps, str_c(ob->anchor));

	if (!lane)
		return;
	if (s)
		s->confirmed = target_now(t);
	if (s && s->confirmed < s->changed)
		s->confirmed = s->changed; /* they round as they like */
	if (is_canary(lane, ob))
		canary_note(t, lane, s);
}

static int
order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void
lag_result(struct run *r)
{
	size_t count = map_count(r->stamps), n = 0, it = 0;
	CLEAN_FREE int64_t *ms = xcalloc(count + 1, sizeof(*ms));
	struct sync_lag *lag = &r->result->lag;
	void *value;

	while (map_each(r->stamps, &it, NULL, &value)) {
		const struct stamp *s = value;

		if (s->confirmed)
			ms[n++] = (s->confirmed - s->changed) * 1000;
	}
	if (!n)
		return;
	qsort(ms, n, sizeof(*ms), order);
	*lag = (struct sync_lag){ .count = (int64_t)n,
		.median_ms = ms[n / 2],
		.p99_ms = ms[(n * 99) / 100],
		.max_ms = ms[n - 1] };
}

/* Everything that a read brought has been dealt with: the oldest of its sources' reads counts. */
static int64_t
reached(struct target_run *t)
{
	int64_t at = INT64_MAX;
	struct err e;

	for (size_t i = 0; i < t->lane_count; i++) {
		struct mirror_info info;
		int64_t read_at;

		const struct source_run *s = t->lanes[i].source;

		if (!s->greeted || !mirror_info(s->mirror, &info, &e) || !info.read_at)
			return 0;
		/* by our clock, while we know how the two differ */
		read_at = run_local(t->run, s, info.read_at);
		at = read_at < at ? read_at : at;
	}
	return at == INT64_MAX ? 0 : at;
}

int64_t
sync_as_of(struct ledger *l)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *kept = ledger_get(l, AS_OF, a);

	return kept ? strtoll(kept, NULL, 10) : 0;
}

bool
lag_finish(struct target_run *t, bool whole, struct err *e)
{
	int64_t at = whole ? reached(t) : 0, kept = sync_as_of(t->ledger),
		*result = &t->run->result->as_of;
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)at);
	if (at && at != kept && !ledger_set(t->ledger, AS_OF, text, e))
		return false;
	if (!at)
		at = kept;
	if (!at)
		t->run->never_whole = true;
	if (at && (!*result || at < *result))
		*result = at;
	return true;
}
