/*
 * Orphans (3.3): objects at the target that bear an identity of ours and are none of ours, since our state was
 * lost, say, and their entries have left meanwhile. A full run lists them with what the sealed mirror knows;
 * they are touched only after `adopt --orphans`, and then leave as everybody leaves.
 */
#include "run_p.h"
#include "store/drift.h"

#include <string.h>

#define PAGE 256

/* Where the directory has, or had, the entry. */
static void
trace(struct target_run *t, struct stranger *s, struct arena *a)
{
	char uuid[37];
	struct entry en;
	struct err e;

	s->proof = t->conf->exclusive ? PROOF_EXCLUSIVE
		   : uuid_canonical(s->external, uuid) && !strcmp(uuid, s->external)
			   ? PROOF_NONE
			   : PROOF_FOREIGN;
	for (size_t i = 0; i < t->lane_count; i++) {
		struct source_run *src = t->lanes[i].source;
		int64_t n = mirror_find_id(src->mirror, s->external);

		if (!n || !mirror_get(src->mirror, n, a, &en, &e))
			continue;
		s->n = n;
		s->source = src->conf->name;
		s->proof = entry_present(&en) ? PROOF_OUT : PROOF_TOMBSTONE;
		return;
	}
}

static bool
sources_read(const struct target_run *t)
{
	for (size_t i = 0; i < t->lane_count; i++)
		if (!t->lanes[i].source->read_ok)
			return false;
	return true;
}

bool
orphans_judge(struct target_run *t, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct stranger list[PAGE];
	int64_t after = 0;
	size_t got;

	/* Nothing is said of who is absent from a mirror that was not read (I1). */
	if (!sources_read(t))
		return true;
	while ((got = ledger_strangers(t->ledger, false, after, a, list, PAGE))) {
		after = list[got - 1].id;
		if (!ledger_begin(t->ledger, e))
			return false;
		for (size_t i = 0; i < got; i++) {
			bool ours = ledger_find(t->ledger, list[i].external) != 0;

			/* One that is wanted goes the way of all adoptions. */
			trace(t, &list[i], a);
			if (!(ours ? ledger_stranger_drop(t->ledger, list[i].id, e)
				   : ledger_stranger_judged(t->ledger, &list[i], e))) {
				ledger_rollback(t->ledger);
				return false;
			}
		}
		if (!ledger_commit(t->ledger, e))
			return false;
		arena_reset(a);
	}
	t->run->result->orphans += ledger_stranger_count(t->ledger, true);
	return true;
}

/* From now on ours, as one that left: the plan does with it what is done with leavers. */
static bool
take_one(struct target_run *t, const struct stranger *s, struct arena *a, struct err *e)
{
	const struct lane *lane = &t->lanes[0];
	struct change c = {
		.run = t->id, .at = target_now(t), .class = CLASS_ADOPT, .attribute = -1
	};
	struct object ob = { .anchor = s->external, .kind = s->kind, .state = OBJECT_NEW };

	for (size_t i = t->lane_count; i-- > 0;)
		if (s->source && strcmp(t->lanes[i].source->conf->name, s->source) == 0)
			lane = &t->lanes[i];
	if (ledger_find(t->ledger, s->external))
		return ledger_stranger_drop(t->ledger, s->id, e);
	ob.key = s->key;
	ob.name = s->name;
	ob.sync = lane->conf->name;
	ob.source = lane->source->conf->name;
	ob.active = s->active;
	ob.sent = ob.seen = attrs_new(a);
	if (!ledger_object_add(t->ledger, &ob, &ob.o, e))
		return false;
	ob.state = OBJECT_LINKED;
	ob.n = s->n ? s->n : ledger_n_orphan(ob.o);
	c.o = ob.o;
	c.approved = true;
	c.before = c.after = attrs_new(a);
	run_event(t->run, "done", ob.name ? ob.name : ob.anchor, "adopt %s: an orphan",
		ob.kind->name);
	t->run->result->adopted++;
	return ledger_object_save(t->ledger, &ob, e) && ledger_change_add(t->ledger, &c, e) &&
	       ledger_dirty_add(t->ledger, ob.source, ob.n, DIRTY_AGAIN, e) &&
	       ledger_stranger_drop(t->ledger, s->id, e);
}

bool
orphans_take(struct target_run *t, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct stranger list[PAGE];
	size_t got;

	if (t->run->options->plan_only)
		return true;
	while ((got = ledger_strangers(t->ledger, true, 0, a, list, PAGE))) {
		if (!ledger_begin(t->ledger, e))
			return false;
		for (size_t i = 0; i < got; i++)
			if (!take_one(t, &list[i], a, e)) {
				ledger_rollback(t->ledger);
				return false;
			}
		if (!ledger_commit(t->ledger, e))
			return false;
		arena_reset(a);
	}
	return true;
}
