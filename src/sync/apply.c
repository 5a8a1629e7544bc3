/*
 * Apply: performs what is planned and not held, rank by rank. An operation in the air is a *flight*; a round is
 *
 *   launch    one transaction: confirm what was answered, fill free flights with what comes next (finds
 *             go out at once), mark what is ready as SENT; after the commit send it (flight.c)
 *   listen    take the answers that are there
 */
#include "apply_p.h"

#include <stdlib.h>

#define ANSWERS_MAX   500  /* taken in one transaction */
#define FLIGHT_BYTES  3000 /* most hold a person's few attributes; there are thousands */
#define GATHER_MS     25
#define CHANGED_MS    1000 /* a slice lasts at least so long, news or not */
#define LOST_PAUSE_MS 1000
#define SILENCE_MS    120000 /* a connector says a line every 30 s while it works */

/* --- listen --- */

static struct flight *
flight_by_id(struct apply *ap, int64_t id)
{
	for (size_t i = 0; i < ap->size; i++) {
		/* Ids are given out in order, so that the answer is mostly near. */
		struct flight *f = &ap->flights[(ap->hint + i) % ap->size];

		if (f->phase != FLIGHT_FREE && f->id == id) {
			ap->hint = (ap->hint + i + 1) % ap->size;
			return f;
		}
	}
	return NULL;
}

/* The first answer is waited for; then a moment for others, as long as some are out and they are few:
 * each round costs a commit, and what is sent together travels together. */
static int
patience(const struct apply *ap, int64_t first)
{
	int64_t left = first + GATHER_MS - run_mono(ap->t->run);

	if (!ap->answer_count)
		return 1000;
	if (ap->answer_count == ap->used || ap->answer_count >= ap->window / 2 || left < 0)
		return 0;
	return (int)left;
}

static bool
listen_answers(struct apply *ap, struct err *e)
{
	int64_t first = 0;

	arena_reset(ap->answered);
	while (ap->answer_count < ap->answer_max) {
		struct wire_result r;
		struct flight *f;
		int got = wire_result_next(ap->t->conn, patience(ap, first), ap->answered, &r, e);

		if (got < 0)
			return false;
		if (got == 0)
			break;
		ap->heard = run_mono(ap->t->run);
		if (!ap->answer_count)
			first = ap->heard;
		if (!r.id || r.part)
			continue;
		f = flight_by_id(ap, r.id);
		if (!f || f->phase == FLIGHT_READY)
			return err_set(e, ERR_SIDE, "bad-line",
				"target %s answered an operation that was not asked (%lld)",
				ap->t->conf->name, (long long)r.id);
		ap->answers[ap->answer_count++] = (struct answer){ .flight = f, .result = r };
	}
	if (run_mono(ap->t->run) - ap->heard > SILENCE_MS)
		return err_set(e, ERR_SIDE, "connector-ended",
			"target %s has not said a line for %d s", ap->t->conf->name,
			SILENCE_MS / 1000);
	return true;
}

/* --- the whole --- */

static bool
slice_over(struct apply *ap)
{
	const struct sync_env *env = ap->t->run->env;
	int64_t now = run_mono(ap->t->run);

	/* Whatever changes all the time, something is done between two looks. */
	if (env->changed && now >= ap->began + CHANGED_MS && env->changed(env->ctx))
		ap->deadline = now;
	return now >= ap->deadline;
}

static void
wait_for_limit(struct apply *ap)
{
	int64_t from = run_mono(ap->t->run), wait = ap->t->resume_at_ms - from;

	if (wait <= 0 || ap->stopped)
		return;
	run_progress(ap->t->run, "waiting for", ap->t->conf->name, 0, 0);
	run_sleep(ap->t->run, wait);
	if (ap->t->told_to_wait)
		wire_cost_wait(
			&ap->t->cost, WAIT_TOLD, (double)(run_mono(ap->t->run) - from) / 1000);
	ap->t->told_to_wait = false;
}

/* Operations that went back to PLANNED while this rank was worked on: once more from the front. Names
 * that were taken are tried as long as something else succeeds meanwhile, then fail for good. */
static bool
again(struct apply *ap)
{
	if (ap->stopped)
		return false;
	if (ap->conflicts) {
		ap->last_pass = ap->done == ap->done_before;
		ap->done_before = ap->done;
		ap->conflicts = 0;
		ap->requeue = true;
	}
	if (ap->lost) {
		ap->lost = false;
		ap->lost_rounds++;
		ap->t->resume_at_ms = run_mono(ap->t->run) + LOST_PAUSE_MS;
		ap->requeue = true;
	}
	if (!ap->requeue)
		return false;
	ap->requeue = false;
	ap->pos = (struct op_pos){ 0 };
	ap->drained = false;
	return true;
}

static bool
apply_rank(struct apply *ap, enum op_rank rank, struct err *e)
{
	ap->rank = rank;
	ap->pos = (struct op_pos){ 0 };
	ap->drained = ap->requeue = false;
	ap->singly = ap->last_pass = ap->lost = false;
	ap->lost_rounds = 0;
	ap->heard = run_mono(ap->t->run);
	while (!ap->drained || ap->used || ap->answer_count || again(ap)) {
		ap->stopping |= run_stopping(ap->t->run);
		if (ap->stopping || slice_over(ap))
			ap->drained = ap->stopped = true;
		if (ap->t->resume_at_ms > run_mono(ap->t->run) && !ap->used)
			wait_for_limit(ap);
		if (!flights_launch(ap, e))
			return false;
		if (ap->fatal.kind != ERR_NONE) {
			*e = ap->fatal;
			return false;
		}
		run_progress(ap->t->run, "applying", ap->t->conf->name, ap->done, ap->total);
		if (!ap->used)
			ap->heard = run_mono(ap->t->run);
		else if (!listen_answers(ap, e))
			return false;
	}
	return true;
}

static void
apply_free(struct apply *ap)
{
	for (size_t i = 0; i < ap->size; i++) {
		arena_free(ap->flights[i].arena);
		free(ap->flights[i].ops);
	}
	free(ap->flights);
	free(ap->answers);
	free(ap->ops);
	arena_free(ap->page);
	arena_free(ap->answered);
}

#define WINDOW_MAX 2560

static void
apply_init(struct apply *ap, struct target_run *t)
{
	int64_t slice = t->run->env->slice_ms ? t->run->env->slice_ms : 30000;

	*ap = (struct apply){ .t = t, .began = run_mono(t->run) };
	ap->deadline = ap->began + slice;
	ap->window = t->hello.window < WINDOW_MAX ? t->hello.window : WINDOW_MAX;
	ap->size = ap->window;
	ap->members_max = t->hello.members_max < 1000 ? t->hello.members_max : 1000;
	ap->op_max = ap->members_max > APPLY_PAGE ? ap->members_max : APPLY_PAGE;
	ap->answer_max = ap->size < ANSWERS_MAX ? ap->size : ANSWERS_MAX;
	ap->flights = xcalloc(ap->size, sizeof(*ap->flights));
	ap->answers = xcalloc(ap->answer_max, sizeof(*ap->answers));
	ap->ops = xcalloc(ap->op_max, sizeof(*ap->ops));
	for (size_t i = 0; i < ap->size; i++) {
		ap->flights[i].arena = arena_new_small(FLIGHT_BYTES);
		ap->flights[i].ops = xcalloc(1, sizeof(struct flight_op));
		ap->flights[i].op_max = 1;
	}
	ap->page = arena_new();
	ap->answered = arena_new();
	ap->total = ledger_op_left(t->ledger);
}

/* Between the rounds: those in a cycle of names out of the way. After them: who is still there goes back. */
static bool
apply_parking(struct apply *ap, bool (*plan)(struct apply *ap, size_t *count_r, struct err *e),
	struct err *e)
{
	size_t count;

	if (ap->stopped)
		return true;
	if (!plan(ap, &count, e))
		return false;
	ap->final = true;
	return !count || apply_rank(ap, RANK_PARK, e);
}

bool
target_apply(struct target_run *t, bool *again_r, struct err *e)
{
	struct apply ap;
	bool ok = true;

	*again_r = false;
	if (!ledger_op_left(t->ledger))
		return true;
	if (!target_greet(t, e))
		return false;
	apply_init(&ap, t);
	/* A second round for creates whose name another object of ours frees only by an update, and for swaps. */
	for (int round = 0; ok && !ap.stopped && (!round || ap.deferred); round++) {
		if (round == 2)
			break;
		ap.final = round == 1;
		for (int rank = 0; ok && !ap.stopped && rank < RANK_COUNT; rank++)
			ok = apply_rank(&ap, rank, e);
		if (ok && !round && ap.deferred)
			ok = apply_parking(&ap, park_cycles, e);
	}
	ok = ok && apply_parking(&ap, park_restore, e);
	*again_r = ap.stopped || ap.again;
	t->applied += ap.done;
	t->apply_ms += run_mono(t->run) - ap.began;
	if (!ok)
		conn_close(&t->conn);
	apply_free(&ap);
	return ok;
}
