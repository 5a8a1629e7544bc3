/*
 * References: link rows of the mirror against reference rows at the target. The unit is one link, so
 * that one changed member of a group costs the same however large the group is (N9, I10).
 */
#include "run_p.h"

#include <string.h>

#define PAGE 512

static bool
dirty_link(struct target_run *t, struct source_run *s, int64_t owner, int attribute, int64_t other,
	struct err *e)
{
	struct dirty_link d = {.owner = owner, .other = other, .attribute = attribute};

	return ledger_dirty_link_add(t->ledger, s->conf->name, &d, e);
}

/* All links from and to an entry: its object is about to exist, or other references are mapped. */
bool
links_dirty_of(struct target_run *t, struct source_run *s, int64_t n, const struct kind *k, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	int64_t *ns;

	for (int i = 0; k->refs[i].attribute; i++) {
		size_t count = mirror_links_of(s->mirror, n, k->refs[i].link, false, 0, a, &ns);

		for (size_t j = 0; j < count; j++)
			if (!dirty_link(t, s, n, i, ns[j], e))
				return false;
	}
	for (int kind = 0; kind < KIND_COUNT; kind++)
		for (int i = 0; kinds[kind].refs[i].attribute; i++) {
			size_t count =
				mirror_links_of(s->mirror, n, kinds[kind].refs[i].link, true, 0, a, &ns);

			for (size_t j = 0; j < count; j++)
				if (!dirty_link(t, s, ns[j], i, n, e))
					return false;
		}
	return true;
}

/* The references at the target from and to an object that leaves. */
bool
links_dirty_refs(struct target_run *t, struct source_run *s, int64_t o, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct ref refs[PAGE], last = {0};
	struct object own, other;
	size_t got;

	if (!ledger_object(t->ledger, o, a, &own, e))
		return false;
	for (int reverse = 0; reverse < 2; reverse++) {
		const struct ref *after = NULL;

		while ((got = ledger_refs(t->ledger, o, reverse, after, refs, PAGE))) {
			for (size_t i = 0; i < got; i++) {
				struct dirty_link d = {.attribute = refs[i].attribute};

				if (!ledger_object(t->ledger, reverse ? refs[i].o : refs[i].other, a,
					    &other, e))
					return false;
				d.owner = reverse ? other.n : own.n;
				d.other = reverse ? own.n : other.n;
				if (!ledger_dirty_link_add(t->ledger, s->conf->name, &d, e))
					return false;
			}
			last = refs[got - 1];
			after = &last;
		}
	}
	return true;
}

static bool
is_mapped(const struct target_run *t, const struct kind *k, int attribute)
{
	for (size_t i = 0; i < t->lane_count; i++)
		if (t->lanes[i].maps_ref[k - kinds][attribute])
			return true;
	return false;
}

static bool
is_there(const struct object_brief *b)
{
	return b->state == OBJECT_LINKED || b->state == OBJECT_LEFT;
}

/* The operation for one link, or none. */
static bool
decide_link(struct target_run *t, struct source_run *s, const struct dirty_link *d, struct op *op_r)
{
	struct ledger *l = t->ledger;
	struct object_brief owner, other;
	int64_t o = ledger_find_entry(l, s->conf->name, d->owner);
	int64_t p = ledger_find_entry(l, s->conf->name, d->other);
	bool wanted, has, multi;

	if (!o || !p || !ledger_brief(l, o, &owner) || !ledger_brief(l, p, &other) ||
		!owner.kind->refs[d->attribute].attribute)
		return false;
	*op_r = (struct op){.o = o, .other = p, .attribute = d->attribute, .rank = RANK_REFS};
	multi = owner.kind->refs[d->attribute].multi;
	has = ledger_ref_has(l, o, d->attribute, p);
	wanted = owner.wanted && other.wanted && is_mapped(t, owner.kind, d->attribute) &&
		 mirror_link_present(s->mirror, d->owner, owner.kind->refs[d->attribute].link, d->other);
	if (wanted == has)
		return false;
	if (!wanted && (!is_there(&owner) || !owner.wanted))
		return false; /* the owner leaves, or left: it keeps or loses its references as a whole */
	if (wanted)
		op_r->class = multi ? CLASS_MEMBER_ADD : CLASS_UPDATE;
	else if (!other.wanted)
		op_r->class = CLASS_FOLLOWING;
	else
		op_r->class = multi ? CLASS_MEMBER_REMOVAL : CLASS_UPDATE;
	op_r->remove = !wanted;
	return true;
}

static bool
project_link(struct target_run *t, struct source_run *s, const struct dirty_link *d, struct err *e)
{
	struct op op;
	int64_t id, o = ledger_find_entry(t->ledger, s->conf->name, d->owner);
	int64_t p = ledger_find_entry(t->ledger, s->conf->name, d->other);

	if (o && p && !ledger_op_drop_ref(t->ledger, o, d->attribute, p, e))
		return false;
	if (!decide_link(t, s, d, &op))
		return ledger_dirty_link_done(t->ledger, s->conf->name, d, e);
	return ledger_op_add(t->ledger, &op, &id, e) &&
	       ledger_dirty_link_planned(t->ledger, s->conf->name, d, e);
}

static bool
project_source_links(struct target_run *t, struct source_run *s, struct err *e)
{
	struct dirty_link ls[PAGE], last;
	const struct dirty_link *after = NULL;
	int64_t now = target_now(t), done = 0;
	size_t got;

	while ((got = ledger_dirty_links(t->ledger, s->conf->name, now, after, ls, PAGE))) {
		if (!ledger_begin(t->ledger, e))
			return false;
		for (size_t i = 0; i < got; i++)
			if (!project_link(t, s, &ls[i], e)) {
				ledger_rollback(t->ledger);
				return false;
			}
		if (!ledger_commit(t->ledger, e))
			return false;
		last = ls[got - 1];
		after = &last;
		done += (int64_t)got;
		run_progress(t->run, "planning references", t->conf->name, done, 0);
	}
	return true;
}

bool
project_links(struct target_run *t, struct err *e)
{
	for (size_t i = 0; i < t->run->source_count; i++)
		for (size_t j = 0; j < t->lane_count; j++)
			if (t->lanes[j].source == &t->run->sources[i]) {
				if (!project_source_links(t, &t->run->sources[i], e))
					return false;
				break;
			}
	return true;
}
