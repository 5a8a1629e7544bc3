/*
 * Drift (6.2-6.4): what the target shows now differs from what it showed after our last write. Not from
 * what we sent, for services normalize and drop; where no answer showed our write (Bulk), what is not there
 * as sent is sent once more, and what is read after that is how our write shows (drift_look_after).
 *
 * A listing only makes suspects. Each of them is read alone before anything is concluded, so that a listing
 * that shows less than the object itself, or an old state, or forgot a page, changes nothing. What we own and
 * somebody changed counts as not sent any more: the plan of this run sends it again. What others own is
 * reported. An object that is gone is planned as a recreate.
 */
#include "listing_p.h"

#include <stdlib.h>
#include <string.h>

struct comparing {
	const struct target_run *t;
	struct object *ob;
	bool alone; /* it was read alone, not in a list */
	bool never; /* nothing was ever shown of it */
	struct differing *d;
};

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
	return vocab_find(name) ? shadow_is_list(name)
				: (was && was->count > 1) || (now && now->count > 1);
}

static void
put(struct attrs *as, const char *name, const struct attr *a)
{
	for (size_t i = 0; a && i < a->count; i++)
		if (!str_eq(a->values[i], shadow_unknown) && !str_eq(a->values[i], shadow_again))
			attrs_add(as, name, a->values[i]);
}

void
drift_differs(struct drift *d, const char *name, const struct attr *was, const struct attr *now)
{
	put(&d->was, name, was);
	put(&d->now, name, now);
}

static bool
has_all(const struct attr *a, const struct attr *of)
{
	for (size_t i = 0; of && i < of->count; i++)
		if (!attr_has(a, of->values[i]))
			return false;
	return true;
}

/* In a list ours are the elements that we put there; what else came or went is somebody else's. Where our write was
 * not shown as we sent it, nobody can tell which of those that were there then are ours: all of them. */
static bool
lacks_ours(const struct attr *sent, const struct attr *was, const struct attr *now)
{
	bool as_sent = !shadow_is_unknown(sent) && has_all(was, sent);

	for (size_t i = 0; was && i < was->count; i++)
		if (!attr_has(now, was->values[i]) && (!as_sent || attr_has(sent, was->values[i])))
			return true;
	return false;
}

/*
 * How it looked after our write was not shown. What was sent and is not there was changed by somebody, or the
 * service keeps it otherwise: it counts as drift and is sent once more, and what is read after that is how our
 * write shows, so that no service is written to without end.
 */
static void
compare_unshown(struct comparing *c, const char *name, const struct attr *was,
	const struct attr *now, bool ours)
{
	const struct attr *sent = attrs_get(&c->ob->sent, name);
	bool again = attr_has(was, shadow_again), open = shadow_is_unknown(sent);
	bool kept = is_multi(name, sent, now) ? has_all(now, sent) : attr_same_set(now, sent);

	if (ours && open && !again)
		return; /* what became of our write is not known: it is sent again as it is */
	if (ours && !kept && (open || !again)) {
		drift_differs(&c->d->ours, name, sent, now);
		return;
	}
	/* A listing may show less than the object itself. */
	if (!kept && !c->alone) {
		c->d->look = true;
		return;
	}
	c->d->rebase = true;
	if (now && now->count)
		attrs_set(&c->ob->seen, name, now->values, now->count);
	else
		attrs_remove(&c->ob->seen, name);
}

static void
compare_one(struct comparing *c, const char *name, const struct attr *was, const struct attr *now)
{
	const struct attr *sent = attrs_get(&c->ob->sent, name);
	bool ours;

	if (attr_same_set(was, now))
		return;
	ours = is_ours(c->t, c->ob, name);
	if (c->never || shadow_is_unknown(was)) {
		compare_unshown(c, name, was, now, ours);
		return;
	}
	/* An answer may have shown a part only: what we sent is no drift. */
	if (ours && now && attr_same_set(now, sent))
		return;
	if (ours && is_multi(name, was, now) && !lacks_ours(sent, was, now))
		ours = false;
	drift_differs(ours ? &c->d->ours : &c->d->elsewhere, name, was, now);
}

struct drift
drift_of(const struct object *ob, enum drift_what what)
{
	struct arena *a = ob->sent.arena;

	return (struct drift){ .o = ob->o, .what = what, .was = attrs_new(a), .now = attrs_new(a) };
}

void
drift_compare(const struct target_run *t, struct object *ob, const struct attrs *now, bool alone,
	struct differing *d_r)
{
	struct attrs was = attrs_new(ob->sent.arena), names = was;
	struct comparing c = {
		.t = t, .ob = ob, .alone = alone, .never = !ob->seen.count, .d = d_r
	};

	*d_r = (struct differing){ .ours = drift_of(ob, DRIFT_OURS),
		.elsewhere = drift_of(ob, DRIFT_ELSEWHERE) };
	for (int i = 0; ob->kind->refs[i].attribute; i++)
		d_r->rebase |= refs_strip(&ob->seen, ob->kind->refs[i].attribute);
	attrs_copy(&was, &ob->seen);
	attrs_copy(&names, &was);
	attrs_copy(&names, now);
	if (c.never)
		attrs_copy(&names, &ob->sent);
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.list[i].name;

		compare_one(&c, name, attrs_get(&was, name), attrs_get(now, name));
	}
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

/* What is to show how our write looks, and was not shown yet. */
static bool
awaits_look(const struct object *ob)
{
	for (size_t i = 0; i < ob->seen.count; i++)
		if (attr_has(&ob->seen.list[i], shadow_again))
			return true;
	return false;
}

static void
not_sent(struct object *ob, const struct attrs *as, bool never)
{
	const char *active = ob->kind->active_attribute;

	for (size_t i = 0; i < as->count; i++) {
		const char *name = as->list[i].name;

		if (never || shadow_is_unknown(attrs_get(&ob->seen, name)))
			attrs_set(&ob->seen, name, &shadow_again, 1);
		shadow_forget(&ob->sent, name, NULL);
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
conclude_drift(struct target_run *t, struct object *ob, struct wire_result *r, struct err *e)
{
	struct refs_now refs = refs_take(ob->kind, &r->seen);
	struct differing d;
	struct attrs names;
	bool never = !ob->seen.count, gone = false;

	drift_compare(t, ob, &r->seen, true, &d);
	names = attrs_new(ob->sent.arena);
	attrs_copy(&names, &d.ours.was);
	attrs_copy(&names, &d.ours.now);
	if (!refs_conclude(t, ob, &refs, &d, &gone, e))
		return false;
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
	not_sent(ob, &names, never);
	return ledger_drift_add(t->ledger, &d.ours, e) && ledger_object_save(t->ledger, ob, e) &&
	       (!(gone || awaits_look(ob)) ||
		       ledger_listed_add(t->ledger, ob->o, LISTED_AGAIN, e)) &&
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

static bool
is_sent(const struct object *ob)
{
	for (size_t i = 0; i < ob->sent.count; i++)
		if (shadow_is_unknown(&ob->sent.list[i]))
			return false;
	return true;
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
		while (i < count && (r.part || list[i].answered || list[i].id != r.id))
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
	struct wire_result *r = &s->result;

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
verify_page(struct target_run *t, enum listed_as as, const int64_t *os, size_t count,
	struct arena *a, struct err *e)
{
	struct suspect *list = arena_alloc(a, (count + 1) * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		list[n] = (struct suspect){ 0 };
		if (!ledger_object(t->ledger, os[i], a, &list[n].ob, e))
			return false;
		/* What we do to it ourselves is settled by looking, elsewhere. */
		if (list[n].ob.key && !ledger_op_pending(t->ledger, os[i]) &&
			(as != LISTED_AGAIN || is_sent(&list[n].ob)))
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

static bool
verify(struct target_run *t, enum listed_as as, const char *phase, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	int64_t os[256], after = 0, done = 0;
	size_t got, most = t->hello.window < ARRAY_LEN(os) ? t->hello.window : ARRAY_LEN(os);

	while ((got = ledger_listed(t->ledger, as, after, os, most))) {
		if (run_stopped(t->run, e) || !verify_page(t, as, os, got, a, e))
			return false;
		after = os[got - 1];
		done += (int64_t)got;
		arena_reset(a);
		run_progress(t->run, phase, t->conf->name, done, 0);
	}
	return true;
}

bool
drift_verify(struct target_run *t, struct err *e)
{
	return verify(t, LISTED_SUSPECT, "looking at what differs at", e);
}

bool
drift_look_after(struct target_run *t, struct err *e)
{
	if (!t->conn || (verify(t, LISTED_AGAIN, "looking at what was sent again to", e) &&
				refs_look_after(t, e)))
		return true;
	/* Nothing follows from it: the next full run looks. */
	conn_close(&t->conn);
	run_event(t->run, "list-not-complete", t->conf->name, "%s", e->text);
	err_clear(e);
	return true;
}
