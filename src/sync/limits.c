/*
 * The guard over what is planned (SEMANTICS 8): each class of each sync and kind against its limit, per
 * run and per 24 hours; members per group; then what follows from something held is held with it.
 */
#include "run_p.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DAY       (24 * 3600)
#define ADOPTIONS "adopt of %s: more at once than the limit"
#define WHY_MAX   600 /* bytes; of more it is only said that there is more */

/* Why something is held, for those who look at the run later. */
static void
note_why(struct target_run *t, const char *object, const char *text)
{
	struct buf *why = &t->held_why;

	if (why->n + strlen(object) + strlen(text) < WHY_MAX)
		buf_addf(why, "%s%s: %s", why->n ? "; " : "", object, text);
	else if (why->n && why->p[why->n - 1] != '.')
		buf_adds(why, "; ...");
}

/* Also as an event. look: the command that shows what is held. */
static void __attribute__((format(printf, 4, 5)))
tell(struct target_run *t, const char *object, const char *look, const char *fmt, ...)
{
	CLEAN_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	run_event(t->run, "held", object,
		"%s; look with `lockstep %s`, permit with `lockstep release`", text, look);
	note_why(t, object, text);
}

const struct lane *
lane_of(const struct target_run *t, const char *sync)
{
	for (size_t i = 0; i < t->lane_count; i++)
		if (str_eqc(str_c(t->lanes[i].conf->name), sync))
			return &t->lanes[i];
	return NULL;
}

const struct conf_sync *
conf_of(struct target_run *t, const char *sync)
{
	const struct lane *lane = lane_of(t, sync);

	if (lane)
		return lane->conf;
	if (!t->unconfigured)
		t->unconfigured = conf_sync_default(t->arena);
	return t->unconfigured;
}

/* Classes that share a limit are counted together. */
static int64_t
total_of(const struct conf_guard *g, const struct op_count *list, size_t count,
	const struct op_count *one)
{
	const struct conf_limit *limit = plan_limit(g, one->class);
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i].kind == one->kind && str_eqc(str_c(list[i].sync), one->sync) &&
			plan_limit(g, list[i].class) == limit)
			sum += list[i].count - list[i].approved;
	return sum;
}

static int64_t
done_of(struct target_run *t, const struct conf_guard *g, const struct op_count *one)
{
	const struct conf_limit *limit = plan_limit(g, one->class);
	int64_t sum = 0, since = target_now(t) - DAY;

	for (int c = 0; c < CLASS_COUNT; c++)
		if (plan_limit(g, c) == limit)
			sum += ledger_done_since(t->ledger, one->sync, one->kind, c, since);
	return sum;
}

/* 8.2: a first run has nothing to be relative to. */
static struct conf_limit
without_percent(const struct conf_limit *limit)
{
	struct conf_limit first = *limit;

	first.percent = -1;
	return first;
}

static void
tell_class(struct target_run *t, const struct op_count *one, const struct guard_input *in,
	const struct guard_verdict *v)
{
	CLEAN_FREE char *before = xasprintf(" and %" PRId64 " within a day before", in->done_24h);

	tell(t, one->sync, "plan", "%s of %s: %" PRId64 " at once%s, the limit is %" PRId64,
		op_class_name(one->class), one->kind->plural, in->count, in->done_24h ? before : "",
		v->allowed);
}

static bool
limit_class(
	struct target_run *t, const struct op_count *list, size_t count, size_t i, struct err *e)
{
	const struct op_count *one = &list[i];
	const struct conf_guard *g = &conf_of(t, one->sync)->guard;
	struct guard_input in = { .limit = plan_limit(g, one->class) };
	struct guard_verdict v;
	struct conf_limit first;
	int64_t owned, active;

	if (!in.limit || one->count == one->approved ||
		(in.limit->percent < 0 && in.limit->absolute < 0))
		return true;
	if (!ledger_counts(t->ledger, one->sync, one->kind, &owned, &active))
		return true;
	in.floor = g->floor;
	in.count = total_of(g, list, count, one);
	in.done_24h = done_of(t, g, one);
	/* Few enough under any percentage: nothing need be counted that is large. */
	if (in.count + in.done_24h <= in.floor &&
		(in.limit->absolute < 0 || in.count + in.done_24h <= in.limit->absolute))
		return true;
	in.held_before = one->class == CLASS_MEMBER_REMOVAL ? ledger_ref_total(t->ledger, one->sync)
			 : one->class == CLASS_DISABLE || one->class == CLASS_SEEN_DISABLE ? active
											   : owned;
	/* The ledger as it was before the day's operations of this class. */
	if (in.limit == &g->limit[GUARD_CREATE] || in.limit == &g->limit[GUARD_ADOPT])
		in.held_before -= in.done_24h;
	else if (in.limit != &g->limit[GUARD_UPDATE])
		in.held_before += in.done_24h;
	if (in.limit == &g->limit[GUARD_CREATE] && in.held_before <= 0) {
		first = without_percent(in.limit);
		in.limit = &first;
	}
	plan_guard(&in, &v);
	if (!v.hold)
		return true;
	tell_class(t, one, &in, &v);
	return ledger_hold_class(t->ledger, one->sync, one->kind, one->class, HOLD_GUARD, e);
}

static void
tell_group(struct target_run *t, struct arena *a, const struct group_removals *g,
	const struct guard_verdict *v)
{
	struct object ob;
	struct err e;

	if (ledger_object(t->ledger, g->o, a, &ob, &e))
		tell(t, ob.name ? ob.name : ob.anchor, "plan",
			"%" PRId64 " members of this group removed at once, the limit is %" PRId64,
			g->removals, v->allowed);
}

static bool
limit_groups(struct target_run *t, const struct lane *lane, struct arena *a, struct err *e)
{
	const struct conf_guard *g = &lane->conf->guard;
	struct group_removals *list;
	size_t count = ledger_member_removals(t->ledger, lane->conf->name, a, &list);
	int64_t since = target_now(t) - DAY;

	for (size_t i = 0; i < count; i++) {
		struct guard_input in = { .limit = &g->member_per_group,
			.floor = g->floor,
			.count = list[i].removals,
			.done_24h = ledger_removed_since(t->ledger, list[i].o, since) };
		struct guard_verdict v;

		if (in.count + in.done_24h <= in.floor)
			continue;
		in.held_before = ledger_ref_count(t->ledger, list[i].o, 0) + in.done_24h;
		plan_guard(&in, &v);
		if (!v.hold)
			continue;
		tell_group(t, a, &list[i], &v);
		if (!ledger_hold_object(t->ledger, list[i].o, CLASS_MEMBER_REMOVAL, HOLD_GUARD, e))
			return false;
	}
	return true;
}

static void
count_adoptions(struct target_run *t, struct lane *lane, const struct kind *k)
{
	const struct conf_guard *g = &lane->conf->guard;
	struct guard_input in = { .limit = &g->limit[GUARD_ADOPT], .floor = g->floor, .count = 1 };
	struct conf_limit first = without_percent(in.limit);
	struct guard_verdict v;
	int64_t owned, active;

	lane->adopt_left[k - kinds] = INT64_MAX;
	if (!ledger_counts(t->ledger, lane->conf->name, k, &owned, &active))
		return;
	in.done_24h =
		ledger_done_since(t->ledger, lane->conf->name, k, CLASS_ADOPT, target_now(t) - DAY);
	in.held_before = owned - in.done_24h;
	if (in.held_before <= 0)
		in.limit = &first;
	plan_guard(&in, &v);
	if (v.allowed != INT64_MAX)
		lane->adopt_left[k - kinds] = v.allowed - in.done_24h;
}

/* They are told of once in a run, and remain a reason of the run when it plans again. */
static void
note_adoptions(struct target_run *t, const struct lane *lane)
{
	for (int k = 0; k < KIND_COUNT; k++) {
		CLEAN_FREE char *text = xasprintf(ADOPTIONS, kinds[k].plural);

		if (lane->adopt_left[k] < 0)
			note_why(t, lane->conf->name, text);
	}
}

bool
limits_adopt(struct target_run *t, const struct object *ob)
{
	int64_t *left = NULL;

	for (size_t i = 0; i < t->lane_count; i++)
		if (strcmp(t->lanes[i].conf->name, ob->sync) == 0)
			left = &t->lanes[i].adopt_left[ob->kind - kinds];
	if (!left || *left == INT64_MAX)
		return true;
	if (--*left == -1)
		tell(t, ob->sync, "adopt --list", ADOPTIONS, ob->kind->plural);
	return *left >= 0;
}

bool
limits_apply(struct target_run *t, int64_t *held_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct op_count *list;
	size_t count;

	*held_r = 0;
	buf_reset(&t->held_why);
	if (!ledger_begin(t->ledger, e))
		return false;
	if (!ledger_approvals_apply(t->ledger, e))
		goto fail;
	count = ledger_op_counts(t->ledger, a, &list);
	for (size_t i = 0; i < count; i++)
		if (!limit_class(t, list, count, i, e))
			goto fail;
	for (size_t i = 0; i < t->lane_count; i++) {
		struct lane *lane = &t->lanes[i];

		for (int k = 0; k < KIND_COUNT && !lane->adopt_counted; k++)
			count_adoptions(t, lane, &kinds[k]);
		lane->adopt_counted = true;
		note_adoptions(t, lane);
	}
	for (size_t i = 0; i < t->lane_count; i++)
		if (!limit_groups(t, &t->lanes[i], a, e))
			goto fail;
	if (!ledger_hold_following(t->ledger, e))
		goto fail;
	*held_r = ledger_held_now(t->ledger);
	t->judged = !t->run->options->undo || *held_r; /* an undo plans a part of all */
	return ledger_commit(t->ledger, e);
fail:
	ledger_rollback(t->ledger);
	return false;
}
