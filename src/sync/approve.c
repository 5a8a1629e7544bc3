/*
 * A plan that somebody approved (9.2): planned anew, and gone on with only if for the plan's objects the
 * operations are the same. What else is to be done waits for the next run.
 */
#include "run_p.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 64

void
note_add(struct sync_notes *ns, const char *what, const char *object, const char *text)
{
	if (ns->count == ns->cap) {
		struct sync_note *more = arena_alloc(
			ns->arena, (ns->cap = ns->cap ? ns->cap * 2 : 16) * sizeof(*more));

		for (size_t i = 0; i < ns->count; i++)
			more[i] = ns->list[i];
		ns->list = more;
	}
	ns->list[ns->count++] = (struct sync_note){ .what = what,
		.object = arena_strdup(ns->arena, object),
		.text = arena_strdup(ns->arena, text) };
}

void
run_note(const struct run *r, const char *what, const char *object, const char *fmt, ...)
{
	struct sync_notes *ns = r->options->notes;
	va_list ap;

	va_start(ap, fmt);
	CLEAN_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	if (ns)
		note_add(ns, what, object, text);
	else
		run_event(r, what, object, "%s", text);
}

bool
plan_find(struct target_run *t, struct err *e)
{
	struct ledger *l = t->ledger;

	t->plan = ledger_plan_find(l, t->run->options->apply);
	if (!t->plan)
		return err_set(e, ERR_CONFIG, "plan-unknown",
			"the state of target %s does not know this plan: it was changed after it "
			"was "
			"made, is of another state, or older than the last %d; make a new one",
			t->conf->name, PLANS_KEPT);
	if (!ledger_begin(l, e))
		return false;
	if (ledger_plan_run(l, t->plan, t->id, e))
		return ledger_commit(l, e);
	ledger_rollback(l);
	return false;
}

/* Every object that differs is named. */
static bool
compare(struct target_run *t, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_FREE char *after = xstrdup("");
	struct plan_difference list[PAGE];
	size_t got, count = 0;

	while ((got = ledger_plan_differs(t->ledger, t->plan, after, a, list, PAGE))) {
		for (size_t i = 0; i < got; i++)
			run_note(t->run, "differs", list[i].name ? list[i].name : list[i].anchor,
				"planned: %s; now: %s", list[i].was, list[i].now);
		count += got;
		free(after);
		after = xstrdup(list[got - 1].anchor);
		arena_reset(a);
	}
	return !count || err_set(e, ERR_OBJECT, "plan-outdated",
				 "the plan is outdated: %zu of its objects differ now, nothing was "
				 "done; make a "
				 "new plan",
				 count);
}

bool
plan_narrow(struct target_run *t, struct err *e)
{
	struct ledger *l = t->ledger;

	if (!t->plan)
		return true;
	if (!ledger_begin(l, e))
		return false;
	/* Once it has begun, what does not fit any more is left for the next run. */
	if (ledger_plan_match(l, t->plan, e) && (t->compared || compare(t, e)) &&
		ledger_plan_narrow(l, t->plan, t->run->options->release, e)) {
		t->compared = true;
		return ledger_commit(l, e);
	}
	ledger_rollback(l);
	return false;
}
