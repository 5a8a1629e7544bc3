/* The end of a target's part of a run: what the result says of it, and what history keeps. */
#include "run_p.h"

#include "base/mem.h"

#define FORGET_ROWS 5000 /* of history, in one run */

static void
count_unchanged(struct target_run *t)
{
	struct sync_result *r = t->run->result;
	int64_t all = 0;

	for (size_t i = 0; i < t->lane_count; i++)
		for (int k = 0; k < KIND_COUNT; k++) {
			int64_t owned = 0, active = 0;

			ledger_counts(
				t->ledger, t->lanes[i].conf->name, &kinds[k], &owned, &active);
			all += owned;
		}
	all -= r->created + r->adopted + r->updated + r->enabled + r->disabled + r->recreated;
	r->unchanged += all > 0 ? all : 0;
}

/* What is due by itself, and what could not be settled. */
static void
note_wake(struct target_run *t, bool failed)
{
	const struct clock *c = t->run->env->store.clock;
	int64_t now = c->now(c->ctx), due = ledger_due_next(t->ledger),
		*next = &t->run->result->next_wake;

	if (due != INT64_MAX)
		due += now - target_now(t);
	/* What is overdue because the target failed is tried again when the target is. */
	if (failed && due <= now)
		due = INT64_MAX;
	if (t->unsettled && !failed && now + t->hello.settle < due)
		due = now + t->hello.settle;
	if (due != INT64_MAX && (!*next || due < *next))
		*next = due;
}

/* What is older than is to be kept, a part at a time; by the clock that is behind, so that one which is years ahead makes
 * nothing old. */
static bool
forget(struct target_run *t, struct err *e)
{
	const struct conf_keep *keep = &t->run->conf->keep;
	const struct clock *k = t->run->env->store.clock;
	struct history_limits h = {
		.now = target_now(t), .bytes = keep->size << 20, .rows = FORGET_ROWS
	};
	int64_t runs, ours = k->now(k->ctx);

	if (ours < h.now)
		h.now = ours;
	h.before = h.now - keep->history;
	return ledger_history_keep(t->ledger, &h, &runs, e);
}

static void
note_cost(struct target_run *t)
{
	struct sync_result *r = t->run->result;

	r->costs = xrealloc(r->costs, (r->cost_count + 1) * sizeof(*r->costs));
	r->costs[r->cost_count++] = (struct sync_cost){
		.target = t->conf->name, .operations = t->applied, .cost = t->cost
	};
}

/* What history keeps of it. */
static bool
row_end(struct target_run *t, struct run_row *row, const struct err *why, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf counts = { 0 };
	struct sync_result so_far = *t->run->result;
	struct run_row begun;

	so_far.kind = run_kind(t->run);
	so_far.seconds = (double)(run_mono(t->run) - t->run->started_ms) / 1000.0;
	sync_result_json(&so_far, NULL, &counts);
	row->ended = target_now(t);
	row->counts = buf_cstr(&counts);
	row->exit = so_far.exit;
	row->text = why ? why->text : NULL;
	row->held_why = row->held && t->held_why.n ? buf_cstr(&t->held_why) : NULL;
	/* The guard did not look at all: what was held when the run began is held still. */
	if (!t->judged && ledger_runs(t->ledger, t->id + 1, a, &begun, 1)) {
		row->held = begun.held;
		row->held_why = begun.held_why;
	}
	return ledger_run_end(t->ledger, row, e);
}

void
target_finish(struct target_run *t, int64_t held, const struct err *why)
{
	struct run *r = t->run;
	struct run_row row = { .run = t->id };
	struct err e = { 0 };
	int64_t failing;

	if (t->id && ledger_begin(t->ledger, &e) &&
		((!why && !r->options->plan_only && !ledger_attempts_over(t->ledger, &e)) ||
			!ledger_holds_record(t->ledger, t->id, &row.held, &e)))
		ledger_rollback(t->ledger);
	note_cost(t);
	failing = ledger_failing(t->ledger);
	/* That an object is there already is found while applying, and held back only then. */
	if (held < row.held)
		held = row.held;
	r->result->held += held;
	r->result->waiting += ledger_later(t->ledger);
	note_wake(t, why != NULL);
	if (held)
		run_fail(r, SYNC_HELD, NULL);
	r->result->failed += failing;
	if (failing)
		run_fail(r, SYNC_FAILED, NULL);
	count_unchanged(t);
	if (!t->id || e.kind != ERR_NONE)
		return;
	if (!lag_finish(t,
		    !why && !r->options->plan_only && !r->options->apply && !r->options->undo,
		    &e)) {
		ledger_rollback(t->ledger);
		return;
	}
	if (!r->result->run)
		r->result->run = t->id;
	lag_result(r);
	if (!row_end(t, &row, why, &e) || !forget(t, &e) || !speed_keep(t, &e) ||
		!ledger_commit(t->ledger, &e))
		ledger_rollback(t->ledger);
}

/* Nothing is done: the plan goes, and the run ends in history. */
bool
target_abandon(struct target_run *t, struct err *e)
{
	struct err why = *e;

	if (!ledger_begin(t->ledger, e))
		return false;
	if (!ledger_plan_reset(t->ledger, e) || !ledger_commit(t->ledger, e)) {
		ledger_rollback(t->ledger);
		return false;
	}
	t->judged = false;
	target_finish(t, 0, &why);
	return true;
}
