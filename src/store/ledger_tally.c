/*
 * The target file: how many objects a sync owns, by kind, and how many of them are active - kept, because
 * the guard asks at every run and a company has more objects than changes. What a transaction changes is
 * noted here and written once, at its commit.
 */
#include <stdlib.h>
#include <string.h>
#include "ledger_p.h"

#define OWNED "(1, 2, 3)" /* LINKED, LEFT, MISSING */

static bool
is_owned(int64_t state)
{
	return state == OBJECT_LINKED || state == OBJECT_LEFT || state == OBJECT_MISSING;
}

static void
tally_add(struct ledger *l, const char *sync, int64_t kind, int64_t owned, int64_t active)
{
	struct tally *t;

	for (size_t i = 0; i < l->tally_count; i++) {
		t = &l->tallies[i];
		if (t->kind == kind && strcmp(t->sync, sync) == 0) {
			t->owned += owned;
			t->active += active;
			return;
		}
	}
	if (l->tally_count == l->tally_max) {
		l->tally_max = l->tally_max ? 2 * l->tally_max : 8;
		l->tallies = xrealloc(l->tallies, l->tally_max * sizeof(*l->tallies));
	}
	l->tallies[l->tally_count++] = (struct tally){ xstrdup(sync), kind, owned, active };
}

bool
tally_note(struct ledger *l, const struct object *ob, struct err *e)
{
	CLEAN_ROWS struct db_rows r = db_query(
		l->db, e, "SELECT state, active, sync, kind FROM object WHERE o = ?", ob->o);
	bool was, is = is_owned(ob->state), was_active, same;

	if (!db_next(&r))
		return !r.failed;
	was = is_owned(db_int(&r, 0));
	was_active = db_int(&r, 1);
	same = db_int(&r, 3) == ob->kind - kinds && strcmp(db_text(&r, 2), ob->sync) == 0;
	if (same && was == is && (!is || was_active == ob->active))
		return true;
	if (was)
		tally_add(l, db_text(&r, 2), db_int(&r, 3), -1, -(int64_t)was_active);
	if (is)
		tally_add(l, ob->sync, ob->kind - kinds, 1, ob->active);
	return true;
}

bool
tally_flush(struct ledger *l, struct err *e)
{
	for (size_t i = 0; i < l->tally_count; i++) {
		const struct tally *t = &l->tallies[i];

		if (!db_run(l->db, e,
			    "INSERT INTO tally VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
			    " owned = owned + excluded.owned, active = active + excluded.active",
			    (const char *)t->sync, t->kind, t->owned, t->active))
			return false;
	}
	return true;
}

void
tally_clear(struct ledger *l)
{
	for (size_t i = 0; i < l->tally_count; i++)
		free(l->tallies[i].sync);
	l->tally_count = 0;
}

bool
tally_check(struct ledger *l, void (*say)(void *ctx, const char *text), void *ctx,
	int64_t *findings_r, struct err *e)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, e,
		"SELECT sync, sum(owned), sum(n) FROM (SELECT sync, kind, owned, 0 AS n FROM tally "
		"UNION ALL"
		" SELECT sync, kind, 0, count(*) FROM object WHERE state IN " OWNED
		" GROUP BY sync, kind) GROUP BY sync, kind HAVING sum(owned) <> sum(n)");

	while (db_next(&r)) {
		CLEAN_FREE char *text =
			xasprintf("sync %s: %lld objects are counted, %lld are there",
				db_text(&r, 0), (long long)db_int(&r, 1), (long long)db_int(&r, 2));

		(*findings_r)++;
		if (say)
			say(ctx, text);
	}
	return !r.failed;
}

bool
ledger_counts(struct ledger *l, const char *sync, const struct kind *k, int64_t *owned_r,
	int64_t *active_r)
{
	CLEAN_ROWS struct db_rows r =
		db_query(l->db, NULL, "SELECT owned, active FROM tally WHERE sync = ? AND kind = ?",
			sync, (int64_t)(k - kinds));

	*owned_r = *active_r = 0;
	if (db_next(&r)) {
		*owned_r = db_int(&r, 0);
		*active_r = db_int(&r, 1);
	}
	for (size_t i = 0; i < l->tally_count; i++) {
		const struct tally *t = &l->tallies[i];

		if (t->kind == k - kinds && strcmp(t->sync, sync) == 0) {
			*owned_r += t->owned;
			*active_r += t->active;
		}
	}
	return !r.failed;
}
