/*
 * Reading the target (6.1): every object of every kind, as a stream, in memory that does not grow. What is
 * ours is compared (drift.c), what bears an externalId and is not ours is noted (orphans.c). Absence means
 * something only when the listing was sealed, and then each absent object is looked at alone.
 */
#include "listing_p.h"

#include <inttypes.h>

#include <string.h>

#define COMMIT_EVERY 1000

struct listing {
	struct target_run *t;
	const struct kind *kind;
	struct arena *arena;
	int64_t count;
};

static bool
note_stranger(struct listing *ls, const struct wire_object *w, struct err *e)
{
	const char *active = ls->kind->active_attribute;
	struct stranger s = { .kind = ls->kind,
		.key = w->key,
		.external = w->external,
		.name = w->name,
		.active = !active || !str_eqc(attrs_first(&w->seen, active), "false") };

	return !w->external || !w->external[0] || ledger_stranger_add(ls->t->ledger, &s, e);
}

static bool
take(struct listing *ls, const struct wire_object *w, struct err *e)
{
	struct ledger *l = ls->t->ledger;
	struct differing d;
	struct object ob;
	bool same, suspect;
	int64_t o = ledger_listed_find(l, ls->kind, w->key, w->external, &w->seen, &same);

	if (o && same)
		return ledger_listed_add(l, o, false, e);
	if (!o)
		return note_stranger(ls, w, e);
	if (!ledger_object(l, o, ls->arena, &ob, e))
		return false;
	if (!ob.key || strcmp(ob.key, w->key) != 0) {
		if (ob.key)
			run_event(ls->t->run, "identity-twice", ob.name,
				"another %s there (%s) bears the externalId of this one (%s): it "
				"is "
				"left alone; remove one of them",
				ls->kind->name, w->key, ob.key);
		return true;
	}
	if (w->external && strcmp(w->external, ob.anchor) != 0 &&
		!drift_identity(ls->t, &ob, w->external, e))
		return false;
	drift_compare(ls->t, &ob, &w->seen, &d);
	if (d.rebase && !ledger_object_save(l, &ob, e))
		return false;
	suspect = d.ours.was.count || d.ours.now.count || d.elsewhere.was.count ||
		  d.elsewhere.now.count;
	return ledger_listed_add(l, o, suspect, e);
}

/* Up to the end of one kind's list. *sealed_r false: *why says. */
static bool
take_all(struct listing *ls, bool *sealed_r, struct err *why, struct err *e)
{
	struct target_run *t = ls->t;
	struct wire_object w;

	if (!wire_list(t->conn, ls->kind->name, e))
		return false;
	for (;;) {
		arena_reset(ls->arena);
		if (!wire_object_next(t->conn, ls->arena, &w, e))
			return false;
		if (w.end)
			break;
		if (run_stopped(t->run, e) || !take(ls, &w, e))
			return false;
		if (++ls->count % COMMIT_EVERY == 0) {
			run_progress(t->run, "reading", t->conf->name, ls->count, 0);
			if (!ledger_commit(t->ledger, e) || !ledger_begin(t->ledger, e))
				return false;
		}
	}
	*sealed_r = w.sealed;
	if (!w.sealed) {
		*why = *e;
		err_clear(e);
	}
	return !w.sealed || ledger_listed_absent(t->ledger, ls->kind, e);
}

static bool
is_offered(const struct target_run *t, const struct kind *k)
{
	for (size_t i = 0; i < ARRAY_LEN(t->hello.kinds) && t->hello.kinds[i]; i++)
		if (strcmp(t->hello.kinds[i], k->name) == 0)
			return true;
	return false;
}

static bool
list_kind(struct target_run *t, const struct kind *k, struct jsonw *w, struct err *e)
{
	struct listing ls = { .t = t, .kind = k, .arena = arena_new() };
	struct err why = { 0 };
	bool sealed = false;
	bool ok = ledger_begin(t->ledger, e) && take_all(&ls, &sealed, &why, e) &&
		  ledger_commit(t->ledger, e);

	if (!ok)
		ledger_rollback(t->ledger);
	arena_free(ls.arena);
	if (ok && !sealed)
		run_event(t->run, "list-not-complete", t->conf->name,
			"the list of %s does not prove to be complete%s%s: what it lacks counts "
			"as present",
			k->plural, why.text[0] ? ": " : "", why.text);
	jsonw_obj(w, k->plural);
	jsonw_int(w, "objects", ls.count);
	jsonw_bool(w, "complete", ok && sealed);
	jsonw_end(w);
	return ok;
}

static bool
list_kinds(struct target_run *t, struct jsonw *w, struct err *e)
{
	for (int k = 0; k < KIND_COUNT; k++)
		if (is_offered(t, &kinds[k]) && !list_kind(t, &kinds[k], w, e))
			return false;
	return drift_verify(t, e);
}

static bool
record(struct target_run *t, const char *text, struct err *e)
{
	struct drift_counts c;

	ledger_drift_counts(t->ledger, &c);
	t->run->result->drifted += c.ours;
	t->run->result->missing += c.missing;
	if (ledger_begin(t->ledger, e) && ledger_set(t->ledger, "listing", text, e) &&
		ledger_commit(t->ledger, e))
		return true;
	ledger_rollback(t->ledger);
	return false;
}

bool
listing_read(struct target_run *t, struct err *e)
{
	CLEAN_BUF struct buf text = { 0 };
	struct jsonw w = jsonw(&text);
	struct err why = { 0 };
	int64_t start = run_mono(t->run);
	bool ok;

	if (!target_greet(t, e))
		return false;
	if (!t->hello.list) {
		run_event(t->run, "list-not-offered", t->conf->name,
			"this target cannot be read: what others change there is not seen");
		return true;
	}
	if (!ledger_begin(t->ledger, e))
		return false;
	if (!ledger_listing_begin(t->ledger, e) || !ledger_commit(t->ledger, e)) {
		ledger_rollback(t->ledger);
		return false;
	}
	jsonw_obj(&w, NULL);
	jsonw_int(&w, "run", t->id);
	jsonw_int(&w, "at", target_now(t));
	ok = list_kinds(t, &w, &why);
	if (!ok) {
		/* What was seen was seen; nothing follows from the rest, and the plan goes on. */
		conn_close(&t->conn);
		run_event(t->run, "list-not-complete", t->conf->name, "%s", why.text);
		run_fail(t->run, SYNC_TARGET, &why);
		jsonw_str(&w, "error", why.text);
	}
	jsonw_num(&w, "seconds", (double)(run_mono(t->run) - start) / 1000.0);
	jsonw_end(&w);
	return record(t, buf_cstr(&text), e);
}
