/*
 * References of one value - a manager - as a listing or a look shows them beside the attributes (6.2); what of this is
 * the same for members is in drift_refs.c, too.
 */
#include "listing_p.h"

#include <string.h>

bool
refs_mapped(const struct target_run *t, const struct object *ob, int i)
{
	const struct lane *lane = lane_of(t, ob->sync);

	return lane && lane->maps_ref[ob->kind - kinds][i];
}

/* Of those that left, the references stay as they are. */
bool
refs_compared(const struct target_run *t, const struct object *ob)
{
	return t->hello.list_refs && ob->wanted && ob->state == OBJECT_LINKED;
}

bool
refs_strip(struct attrs *seen, const char *attribute)
{
	if (!attrs_get(seen, attribute))
		return false;
	attrs_remove(seen, attribute);
	return true;
}

struct refs_now
refs_take(const struct kind *k, struct attrs *seen)
{
	struct refs_now now = { 0 };

	for (int i = 0; k->refs[i].attribute; i++) {
		if (!k->refs[i].multi)
			now.key[i] = attrs_first(seen, k->refs[i].attribute);
		attrs_remove(seen, k->refs[i].attribute);
	}
	return now;
}

/* --- one value --- */

struct single {
	struct listed_ref lost, extra;
	bool is_lost, is_extra;
};

/* What is shown, as if it were a list of one. */
static bool
single_compare(struct target_run *t, const struct object *ob, int i, struct str key,
	struct single *s_r, struct err *e)
{
	struct ledger *l = t->ledger;
	struct arena *a = ob->sent.arena;

	*s_r = (struct single){ 0 };
	if (key.n &&
		(!ledger_listed_ref_add(l, ob->o, i, arena_strndup(a, key.p, key.n), NULL, e) ||
			!ledger_refs_shown(l, ob->o, i, e)))
		return false;
	s_r->is_lost = ledger_refs_lost_there(l, ob->o, i, 0, a, &s_r->lost, 1) > 0;
	s_r->is_extra = ledger_refs_extra(l, ob->o, i, NULL, a, &s_r->extra, 1) > 0;
	/* Never shown, though it was sent twice: the service does not show it. */
	if (s_r->is_lost && s_r->lost.shown == REF_RESENT && !s_r->is_extra)
		s_r->is_lost = false;
	return !key.n || ledger_listed_refs_drop(l, ob->o, e);
}

bool
refs_same(struct target_run *t, const struct kind *k, int64_t o, const struct refs_now *now)
{
	for (int i = 0; t->hello.list_refs && k->refs[i].attribute; i++)
		if (!k->refs[i].multi && !ledger_ref_single_same(t->ledger, o, i, now->key[i]))
			return false;
	return true;
}

bool
refs_differ(struct target_run *t, const struct object *ob, const struct refs_now *now)
{
	struct err e;

	for (int i = 0; refs_compared(t, ob) && ob->kind->refs[i].attribute; i++) {
		struct single s;

		if (ob->kind->refs[i].multi || !refs_mapped(t, ob, i))
			continue;
		if (!single_compare(t, ob, i, now->key[i], &s, &e) || s.is_lost || s.is_extra)
			return true;
	}
	return false;
}

const char *
refs_label(const struct listed_ref *r)
{
	return r->name ? r->name : r->key;
}

bool
refs_look_at(struct target_run *t, const struct object *ob, int i, int64_t other, struct err *e)
{
	struct dirty_link d = { .owner = ob->n, .attribute = i };
	struct object_brief b;

	if (!ledger_brief(t->ledger, other, &b))
		return err_set(e, ERR_SIDE, "state-damaged",
			"object %lld is not in the target file", (long long)other);
	d.other = b.n;
	return !ob->n || !b.n || ledger_dirty_link_add(t->ledger, ob->source, &d, e);
}

bool
refs_conclude(struct target_run *t, struct object *ob, const struct refs_now *now,
	struct differing *d, bool *gone_r, struct err *e)
{
	for (int i = 0; refs_compared(t, ob) && ob->kind->refs[i].attribute; i++) {
		const char *name = ob->kind->refs[i].attribute;
		struct drift *into = &d->elsewhere;
		struct single s;

		if (ob->kind->refs[i].multi || !refs_mapped(t, ob, i))
			continue;
		if (!single_compare(t, ob, i, now->key[i], &s, e))
			return false;
		if (s.is_lost) {
			into = &d->ours;
			attrs_set_c(&into->was, name, refs_label(&s.lost));
			if (!ledger_ref_gone(t->ledger, ob->o, i, &s.lost, e) ||
				!refs_look_at(t, ob, i, s.lost.other, e))
				return false;
			*gone_r = true;
		}
		if (s.is_extra)
			attrs_set_c(&into->now, name, refs_label(&s.extra));
	}
	return true;
}
