/*
 * Drift (6.2-6.4): what the target shows now differs from what it showed after our last write. Never from
 * what we sent: services normalize and drop.
 *
 * A listing only makes suspects. Each of them is read alone before anything is concluded, so that a listing
 * that shows less than the object itself, or an old state, or forgot a page, changes nothing. What we own and
 * somebody changed counts as not sent any more: the plan of this run sends it again. What others own is
 * reported. An object that is gone is planned as a recreate.
 */
#include "listing_p.h"

#include <stdlib.h>
#include <string.h>

static bool
is_reference(const struct kind *k, const char *name)
{
	for (int i = 0; k->refs[i].attribute; i++)
		if (strcmp(k->refs[i].attribute, name) == 0)
			return true;
	return false;
}

/* We own what is mapped; of an object that left, that it is off. */
static bool
is_ours(const struct target_run *t, const struct object *ob, const char *name)
{
	const struct lane *lane = lane_of(t, ob->sync);
	const struct conf_kind *ck = lane ? &lane->conf->kind[ob->kind - kinds] : NULL;

	if (!ob->wanted)
		return ob->kind->active_attribute &&
		       strcmp(ob->kind->active_attribute, name) == 0 && !ob->active;
	for (size_t i = 0; ck && i < ck->map_count; i++)
		if (ck->maps[i].expr[0] && ascii_ieq(ck->maps[i].name, name))
			return true;
	return false;
}

static bool
is_multi(const char *name, const struct attr *was, const struct attr *now)
{
	const struct vocab *v = vocab_find(name);

	return v ? v->multi : (was && was->count > 1) || (now && now->count > 1);
}

static void
put(struct attrs *as, const char *name, const struct attr *a)
{
	if (a && a->count)
		attrs_set(as, name, a->values, a->count);
}

static void
differs(struct drift *d, const char *name, const struct attr *was, const struct attr *now)
{
	put(&d->was, name, was);
	put(&d->now, name, now);
}

/* In a list ours are the elements that were there after our write; what came since is somebody else's. */
static bool
lacks_ours(const struct attr *was, const struct attr *now)
{
	for (size_t i = 0; was && i < was->count; i++)
		if (!attr_has(now, was->values[i]))
			return true;
	return false;
}

static void
compare_one(const struct target_run *t, struct object *ob, const char *name, const struct attr *was,
	const struct attr *now, struct differing *d)
{
	bool ours;

	if (is_reference(ob->kind, name) || attr_same_set(was, now))
		return;
	if (shadow_is_unknown(was)) {
		d->rebase = true;
		if (now)
			attrs_set(&ob->seen, name, now->values, now->count);
		else
			attrs_remove(&ob->seen, name);
		return;
	}
	ours = is_ours(t, ob, name);
	/* An answer may have shown a part only: what we sent is no drift. */
	if (ours && now && attr_same_set(now, attrs_get(&ob->sent, name)))
		return;
	if (ours && is_multi(name, was, now) && !lacks_ours(was, now))
		ours = false;
	differs(ours ? &d->ours : &d->elsewhere, name, was, now);
}

void
drift_compare(const struct target_run *t, struct object *ob, const struct attrs *now,
	struct differing *d_r)
{
	struct arena *a = ob->sent.arena;
	struct attrs was = attrs_new(a);

	*d_r = (struct differing){ .ours = { .o = ob->o,
					   .what = DRIFT_OURS,
					   .was = attrs_new(a),
					   .now = attrs_new(a) },
		.elsewhere = { .o = ob->o,
			.what = DRIFT_ELSEWHERE,
			.was = attrs_new(a),
			.now = attrs_new(a) } };
	if (!ob->seen.count) {
		d_r->rebase = now->count > 0;
		attrs_copy(&ob->seen, now);
		return;
	}
	attrs_copy(&was, &ob->seen);
	for (size_t i = 0; i < was.count; i++)
		compare_one(t, ob, was.list[i].name, &was.list[i], attrs_get(now, was.list[i].name),
			d_r);
	for (size_t i = 0; i < now->count; i++)
		if (!attrs_get(&was, now->list[i].name))
			compare_one(t, ob, now->list[i].name, NULL, &now->list[i], d_r);
}

static bool
any(const struct drift *d)
{
	return d->was.count || d->now.count;
}

static bool
look_again(struct target_run *t, const struct object *ob, struct err *e)
{
	return !ob->n || ledger_dirty_add(t->ledger, ob->source, ob->n, DIRTY_AGAIN, e);
}

static void
not_sent(struct object *ob, const struct attrs *as)
{
	const char *active = ob->kind->active_attribute;

	for (size_t i = 0; i < as->count; i++) {
		const char *name = as->list[i].name;

		attrs_set(&ob->sent, name, &shadow_unknown, 1);
		if (active && strcmp(name, active) == 0)
			ob->active = true; /* so that a disable is planned when one is wanted */
	}
}

bool
drift_identity(struct target_run *t, struct object *ob, const char *external, struct err *e)
{
	struct drift d = { .o = ob->o, .what = DRIFT_OURS };

	d.was = attrs_new(ob->sent.arena);
	d.now = attrs_new(ob->sent.arena);
	attrs_set_c(&d.was, "externalId", ob->anchor);
	attrs_set_c(&d.now, "externalId", external);
	run_event(t->run, "drift", ob->name,
		"somebody gave it another externalId (%s); it is set again", external);
	/* Any write of ours restores the identity. */
	attrs_set(&ob->sent, ob->kind->name_attribute, &shadow_unknown, 1);
	return ledger_drift_add(t->ledger, &d, e) && ledger_object_save(t->ledger, ob, e) &&
	       look_again(t, ob, e);
}

static bool
conclude_drift(struct target_run *t, struct object *ob, const struct wire_result *r, struct err *e)
{
	struct differing d;

	drift_compare(t, ob, &r->seen, &d);
	if (d.rebase && !ledger_object_save(t->ledger, ob, e))
		return false;
	if (any(&d.elsewhere) && !ledger_drift_add(t->ledger, &d.elsewhere, e))
		return false;
	if (!any(&d.ours))
		return true;
	run_event(t->run, "drift", ob->name,
		"somebody changed what is ours there (%s%s); it is set again",
		d.ours.now.count ? d.ours.now.list[0].name : d.ours.was.list[0].name,
		d.ours.now.count + d.ours.was.count > 2 ? ", ..." : "");
	not_sent(ob, &d.ours.was);
	not_sent(ob, &d.ours.now);
	return ledger_drift_add(t->ledger, &d.ours, e) && ledger_object_save(t->ledger, ob, e) &&
	       look_again(t, ob, e);
}

static bool
conclude_missing(struct target_run *t, struct object *ob, struct err *e)
{
	struct drift d = { .o = ob->o, .what = DRIFT_MISSING };

	run_event(t->run, "missing", ob->name, "the target has no %s %s any more", ob->kind->name,
		ob->key);
	d.was = d.now = attrs_new(ob->sent.arena);
	ob->state = OBJECT_MISSING;
	ob->key = ob->version = NULL;
	return ledger_drift_add(t->ledger, &d, e) && ledger_object_save(t->ledger, ob, e) &&
	       ledger_refs_forget(t->ledger, ob->o, e) && look_again(t, ob, e);
}

/* --- suspects, a window at a time --- */

struct suspect {
	int64_t id;
	struct object ob;
	bool answered;
	struct wire_result result;
};

static bool
ask(struct target_run *t, struct suspect *list, size_t count, struct arena *a, struct err *e)
{
	size_t asked = 0, answers = 0;

	for (size_t i = 0; i < count; i++) {
		struct suspect *s = &list[i];
		struct wire_op w = { .type = OP_GET,
			.kind = s->ob.kind->name,
			.external = s->ob.anchor,
			.key = s->ob.key };

		if (s->answered)
			continue;
		w.id = s->id = ++t->next_wire_id;
		asked++;
		if (!wire_op_send(t->conn, &w, e))
			return false;
	}
	while (answers < asked) {
		struct wire_result r;
		size_t i = 0;

		if (wire_result_next(t->conn, -1, a, &r, e) < 0)
			return false;
		while (i < count && (list[i].answered || list[i].id != r.id))
			i++;
		if (i == count)
			continue;
		list[i].result = r;
		list[i].answered = true;
		answers++;
	}
	return true;
}

/* Those that could not be read just now are asked for again, after the wait that is asked of us. */
static bool
ask_patiently(
	struct target_run *t, struct suspect *list, size_t count, struct arena *a, struct err *e)
{
	bool left = true;

	for (int round = 0; left && round < 3; round++) {
		int64_t wait = 1;

		left = false;
		if (!ask(t, list, count, a, e))
			return false;
		for (size_t i = 0; round < 2 && i < count; i++) {
			const struct err *why = &list[i].result.error;

			if (list[i].result.ok || (why->kind != ERR_RETRY && why->kind != ERR_WAIT &&
							 why->kind != ERR_UNKNOWN))
				continue;
			left = true;
			list[i].answered = false;
			wait = why->wait > wait ? why->wait : wait;
		}
		if (left)
			run_sleep(t->run, wait * 1000);
	}
	return true;
}

static bool
conclude(struct target_run *t, struct suspect *s, struct err *e)
{
	const struct wire_result *r = &s->result;

	if (r->ok)
		return !r->has_seen || conclude_drift(t, &s->ob, r, e);
	if (r->error.kind == ERR_OBJECT && strcmp(r->error.code, "gone") == 0)
		return conclude_missing(t, &s->ob, e);
	if (r->error.kind == ERR_SIDE || r->error.kind == ERR_CONFIG) {
		*e = r->error;
		return false;
	}
	run_event(t->run, "not-looked-at", s->ob.name, "%s", r->error.text);
	return true; /* nothing is known of it, and nothing concluded */
}

static bool
verify_page(struct target_run *t, const int64_t *os, size_t count, struct arena *a, struct err *e)
{
	struct suspect *list = arena_alloc(a, (count + 1) * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		list[n] = (struct suspect){ 0 };
		if (!ledger_object(t->ledger, os[i], a, &list[n].ob, e))
			return false;
		/* What we do to it ourselves is settled by looking, elsewhere. */
		if (list[n].ob.key && !ledger_op_pending(t->ledger, os[i]))
			n++;
	}
	if (!ask_patiently(t, list, n, a, e) || !ledger_begin(t->ledger, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!conclude(t, &list[i], e)) {
			ledger_rollback(t->ledger);
			return false;
		}
	return ledger_commit(t->ledger, e);
}

bool
drift_verify(struct target_run *t, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	int64_t os[256], after = 0, done = 0;
	size_t got, most = t->hello.window < ARRAY_LEN(os) ? t->hello.window : ARRAY_LEN(os);

	while ((got = ledger_suspects(t->ledger, after, os, most))) {
		if (run_stopped(t->run, e) || !verify_page(t, os, got, a, e))
			return false;
		after = os[got - 1];
		done += (int64_t)got;
		arena_reset(a);
		run_progress(t->run, "looking at what differs at", t->conf->name, done, 0);
	}
	return true;
}
