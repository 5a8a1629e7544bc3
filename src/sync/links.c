/*
 * References: link rows of the mirror against reference rows at the target. The unit is one link, so
 * that one changed member of a group costs the same however large the group is (N9, I10).
 */
#include "run_p.h"
#include "store/drift.h"

#include <string.h>

#define PAGE 512

static bool
dirty_link(struct target_run *t, struct source_run *s, int64_t owner, int attribute, int64_t other,
	struct err *e)
{
	struct dirty_link d = { .owner = owner, .other = other, .attribute = attribute };

	return ledger_dirty_link_add(t->ledger, s->conf->name, &d, e);
}

/* All links from (and with `back` to) an entry: its object is about to exist, or other references are
 * mapped. */
bool
links_dirty_of(struct target_run *t, struct source_run *s, int64_t n, const struct kind *k,
	bool back, struct arena *a, struct err *e)
{
	int64_t *ns;

	for (int i = 0; k->refs[i].attribute; i++) {
		size_t count = mirror_links_of(s->mirror, n, k->refs[i].link, false, 0, a, &ns);

		for (size_t j = 0; j < count; j++)
			if (!dirty_link(t, s, n, i, ns[j], e))
				return false;
	}
	for (int kind = 0; back && kind < KIND_COUNT; kind++)
		for (int i = 0; kinds[kind].refs[i].attribute; i++) {
			size_t count = mirror_links_of(
				s->mirror, n, kinds[kind].refs[i].link, true, 0, a, &ns);

			for (size_t j = 0; j < count; j++)
				if (!dirty_link(t, s, ns[j], i, n, e))
					return false;
		}
	return true;
}

static bool
lost(int64_t o, struct err *e)
{
	return err_set(e, ERR_SIDE, "state-damaged", "object %lld is not in the target file",
		(long long)o);
}

/* The references at the target from and to an object that leaves. */
bool
links_dirty_refs(struct target_run *t, struct source_run *s, int64_t o, struct err *e)
{
	struct ref refs[PAGE], last = { 0 };
	struct object_brief own, other;
	size_t got;

	if (!ledger_brief(t->ledger, o, &own))
		return lost(o, e);
	for (int reverse = 0; reverse < 2; reverse++) {
		const struct ref *after = NULL;

		while ((got = ledger_refs(t->ledger, o, reverse, after, refs, PAGE))) {
			for (size_t i = 0; i < got; i++) {
				struct dirty_link d = { .attribute = refs[i].attribute };

				if (!ledger_brief(
					    t->ledger, reverse ? refs[i].o : refs[i].other, &other))
					return lost(reverse ? refs[i].o : refs[i].other, e);
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

bool
links_wants(const struct target_run *t, const struct source_run *s, const struct kind *k,
	int64_t owner, int attribute, int64_t other)
{
	return is_mapped(t, k, attribute) &&
	       mirror_link_present(s->mirror, owner, k->refs[attribute].link, other);
}

static bool
is_there(const struct object_brief *b)
{
	return b->state == OBJECT_LINKED || b->state == OBJECT_LEFT;
}

/* A reference of one value: is another end wanted in its place? Then the addition replaces, and a removal
 * would clear what it set. */
static bool
is_replaced(struct target_run *t, struct source_run *s, const struct dirty_link *d,
	const struct link_view *v)
{
	const struct kind_ref *ref = &v->owner.kind->refs[d->attribute];
	CLEAN_ARENA struct arena *a = NULL;
	struct object_brief other;
	int64_t *ns;
	size_t count;

	if (ref->multi)
		return false;
	if (ledger_pin_ref_other(t->ledger, v->o, d->attribute, v->p))
		return true;
	a = arena_new();
	count = mirror_links_of(s->mirror, d->owner, ref->link, false, 0, a, &ns);
	for (size_t i = 0; i < count; i++) {
		int64_t o =
			ns[i] == d->other ? 0 : ledger_find_entry(t->ledger, s->conf->name, ns[i]);

		if (o && ledger_brief(t->ledger, o, &other) && other.wanted)
			return true;
	}
	return false;
}

/* It is there, as it was when the undo was asked for: who left before that is no reason, who leaves now is. */
static bool
holds_end(struct target_run *t, const struct object_brief *b, int64_t o, int64_t since)
{
	return b->wanted || b->state == OBJECT_FOREIGN ||
	       (b->state == OBJECT_LEFT && ledger_object_left(t->ledger, o) <= since);
}

/* Is it to be at the target? wants: the directory has it. An undo holds it as it was, until that changes (9.3). */
static bool
is_wanted(struct target_run *t, const struct dirty_link *d, const struct link_view *v, bool wants)
{
	bool both = v->owner.wanted && v->other.wanted;
	struct ledger *l = t->ledger;
	struct pin_ref pin;

	if (!ledger_pin_ref(l, v->o, d->attribute, v->p, &pin)) {
		if (ledger_pin_unscoped(l, v->o) || ledger_pin_unscoped(l, v->p))
			return v->has; /* the rules say nothing about who is there by a pin alone */
		return wants && both;
	}
	if (pin.wants == wants && !pin.present)
		return false;
	if (pin.wants == wants && holds_end(t, &v->owner, v->o, pin.at) &&
		holds_end(t, &v->other, v->p, pin.at))
		return true;
	/* Of one value: the others were held for this one's sake. A failure is told by the commit. */
	ledger_pin_ref_drop(
		l, v->o, d->attribute, v->owner.kind->refs[d->attribute].multi ? v->p : 0, NULL);
	return wants && both;
}

/* The operation for one link, or none. */
static bool
decide_link(struct target_run *t, struct source_run *s, const struct dirty_link *d,
	const struct link_view *v, struct op *op_r)
{
	const struct kind_ref *ref = &v->owner.kind->refs[d->attribute];
	bool wanted;

	if (!ref->attribute)
		return false;
	*op_r = (struct op){
		.o = v->o, .other = v->p, .attribute = d->attribute, .rank = RANK_REFS
	};
	wanted = is_wanted(
		t, d, v, links_wants(t, s, v->owner.kind, d->owner, d->attribute, d->other));
	if (wanted == v->has)
		return false;
	if (!wanted && (!is_there(&v->owner) || !v->owner.wanted))
		return false; /* the owner leaves, or left: it keeps or loses its references as a whole */
	if (!wanted && is_replaced(t, s, d, v))
		return false;
	if (wanted)
		op_r->class = ref->multi ? CLASS_MEMBER_ADD : CLASS_UPDATE;
	else if (!v->other.wanted && !v->theirs && v->other.state != OBJECT_FOREIGN)
		op_r->class = CLASS_FOLLOWING;
	else
		op_r->class = ref->multi ? CLASS_MEMBER_REMOVAL : CLASS_UPDATE;
	op_r->remove = !wanted;
	return true;
}

/* What others put there goes while members = "exact"; what the directory has after all is ours. */
static bool
judge_theirs(struct target_run *t, struct source_run *s, const struct dirty_link *d,
	struct link_view *v, struct err *e)
{
	CLEAN_ARENA struct arena *a = NULL;
	const struct lane *lane;
	struct object ob;

	if (!v->theirs)
		return true;
	if (v->other.wanted && links_wants(t, s, v->owner.kind, d->owner, d->attribute, d->other)) {
		v->theirs = false;
		return ledger_ref_mark(t->ledger, v->o, d->attribute, v->p, REF_UNSHOWN, e);
	}
	a = arena_new();
	if (!ledger_object(t->ledger, v->o, a, &ob, e))
		return false;
	lane = lane_of(t, ob.sync);
	if (lane && lane->conf->members_exact && v->owner.wanted)
		return true;
	v->has = v->theirs = false;
	return ledger_ref_set(t->ledger, v->o, d->attribute, v->p, false, e);
}

static bool project_link(
	struct target_run *t, struct source_run *s, const struct dirty_link *d, struct err *e);

/* A single value that is not to be: what it would have replaced is still there, and looked at again. */
static bool
project_replaced(struct target_run *t, struct source_run *s, const struct dirty_link *d,
	const struct link_view *v, struct err *e)
{
	struct ref refs[8];
	size_t got;

	if (v->owner.kind->refs[d->attribute].multi || v->has)
		return true;
	got = ledger_refs(t->ledger, v->o, false, NULL, refs, ARRAY_LEN(refs));
	for (size_t i = 0; i < got; i++) {
		struct dirty_link old = { .owner = d->owner, .attribute = d->attribute };
		struct object_brief other;

		if (refs[i].attribute != d->attribute ||
			!ledger_brief(t->ledger, refs[i].other, &other))
			continue;
		old.other = other.n;
		if (!ledger_dirty_link_add(t->ledger, s->conf->name, &old, e) ||
			!project_link(t, s, &old, e))
			return false;
	}
	return true;
}

static bool
project_link(struct target_run *t, struct source_run *s, const struct dirty_link *d, struct err *e)
{
	struct link_view v;
	struct op op;
	int64_t id;
	bool known = ledger_link_view(t->ledger, s->conf->name, d, &v);

	if (known && v.planned && !ledger_op_drop_ref(t->ledger, v.o, d->attribute, v.p, e))
		return false;
	if (known && !judge_theirs(t, s, d, &v, e))
		return false;
	if (!known || !decide_link(t, s, d, &v, &op))
		return ledger_dirty_link_done(t->ledger, s->conf->name, d, e) &&
		       (!known || project_replaced(t, s, d, &v, e));
	return ledger_op_add(t->ledger, &op, &id, e);
}

static bool
project_page(struct target_run *t, struct source_run *s, const struct dirty_link *ls, size_t count,
	int64_t now, struct err *e)
{
	bool ok = ledger_begin(t->ledger, e) && mirror_hold(s->mirror, e);

	for (size_t i = 0; ok && i < count; i++)
		ok = project_link(t, s, &ls[i], e);
	mirror_release(s->mirror);
	/* What could not be read is not what is not there (I1). */
	ok = ok && mirror_ok(s->mirror, e);
	ok = ok &&
	     ledger_dirty_links_planned(t->ledger, s->conf->name, now, ls, &ls[count - 1], e) &&
	     ledger_commit(t->ledger, e);
	if (!ok)
		ledger_rollback(t->ledger);
	return ok;
}

static bool
project_source_links(struct target_run *t, struct source_run *s, struct err *e)
{
	struct dirty_link ls[PAGE], last;
	const struct dirty_link *after = NULL;
	int64_t now = target_now(t), done = 0;
	size_t got;

	while ((got = ledger_dirty_links(t->ledger, s->conf->name, now, after, ls, PAGE))) {
		last = ls[got - 1];
		if (run_stopped(t->run, e) || !project_page(t, s, ls, got, now, e))
			return false;
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
