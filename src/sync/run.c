/* A run from end to end; sync/sync.h tells the order. */
#include "run_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* --- small things all of sync/ uses --- */

int64_t
run_mono(const struct run *r)
{
	return r->env->store.clock->mono_ms(r->env->store.clock->ctx);
}

/* The first that applies: 2, 3, 5, 4, 1, 0 (DESIGN.md). */
void
run_fail(struct run *r, enum sync_exit exit, const struct err *e)
{
	static const int rank[] = { [SYNC_OK] = 0,
		[SYNC_FAILED] = 1,
		[SYNC_HELD] = 2,
		[SYNC_TARGET] = 3,
		[SYNC_SOURCE] = 4,
		[SYNC_CONFIG] = 5 };

	if (rank[exit] <= rank[r->result->exit])
		return;
	r->result->exit = exit;
	err_clear(&r->result->error);
	if (e)
		r->result->error = *e;
}

void
run_event(const struct run *r, const char *event, const char *object, const char *fmt, ...)
{
	CLEAN_FREE char *text = NULL;
	va_list ap;

	if (!r->env->event)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	r->env->event(r->env->ctx, event, object ? object : "", text);
}

void
run_progress(const struct run *r, const char *phase, const char *what, int64_t done, int64_t total)
{
	if (r->env->progress)
		r->env->progress(r->env->ctx, phase, what, done, total);
}

/* --- sources --- */

/* Errors that only the configuration can mend; all else is the side's own. */
static enum sync_exit
side_exit(const struct err *e, enum sync_exit side)
{
	static const char *const codes[] = { "bad-config", "bad-option", "bad-url",
		"unknown-attribute", "other-directory", "no-identity", "plan-unknown",
		"no-such-run", "nothing-to-undo", "not-read" };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strcmp(e->code, codes[i]) == 0)
			return SYNC_CONFIG;
	if (strcmp(e->code, "plan-outdated") == 0)
		return SYNC_FAILED;
	return strcmp(e->code, "stopped") == 0 ? SYNC_TARGET : side;
}

static void
source_failed(struct run *r, const struct source_run *s, struct err *e)
{
	bool stopped = run_stopped(r, e); /* however it was noticed */

	run_fail(r, side_exit(e, SYNC_SOURCE), e);
	run_event(r, stopped ? "stopped" : "source-failed", s->conf->name, "%s", e->text);
}

static void
read_one(struct run *r, struct source_run *s, bool full)
{
	struct mirror_stats st;
	struct err e = { 0 };

	if (!s->greeted && !source_greet(r, s, &e)) {
		conn_close(&s->conn);
		source_failed(r, s, &e);
		return;
	}
	s->read_ok = source_read(r, s, full, &st, &e);
	if (s->read_ok) {
		r->result->read += st.read;
		return;
	}
	conn_close(&s->conn);
	s->greeted = false;
	source_failed(r, s, &e);
}

/* By a connector started anew when the standing one cannot: its connection was dropped meanwhile, or another file
 * took the place of the one that it may read. */
static bool
read_by_another(struct run *r, struct source_run *s, struct mirror_stats *st_r, struct err *e)
{
	if (source_read(r, s, false, st_r, e))
		return true;
	conn_close(&s->conn);
	s->greeted = false;
	err_clear(e);
	return !run_stopped(r, e) && source_greet(r, s, e) && source_read(r, s, false, st_r, e);
}

/* A look between slices, so that what is urgent overtakes (7.3). A failure here is not a failed run:
 * the next run reads again. */
static void
read_again(struct target_run *t)
{
	struct mirror_stats st;
	struct err e = { 0 };

	for (size_t i = 0; i < t->run->source_count; i++) {
		struct source_run *s = &t->run->sources[i];

		if (!s->conn || !s->read_ok)
			continue;
		if (read_by_another(t->run, s, &st, &e)) {
			t->run->result->read += st.read;
			continue;
		}
		run_event(t->run, "source-failed", s->conf->name, "%s", e.text);
		conn_close(&s->conn);
		err_clear(&e);
	}
}

/* --- targets --- */

static bool
project(struct target_run *t, int64_t *held_r, struct err *e)
{
	return target_rules(t, e) && orphans_take(t, e) && dirty_collect(t, e) &&
	       project_objects(t, e) && project_links(t, e) && plan_narrow(t, e) &&
	       undo_narrow(t, e) && limits_apply(t, held_r, e);
}

static bool
settle_and_wait(struct target_run *t, struct err *e)
{
	int64_t wait;

	t->unknown_rounds += t->unknown;
	for (int i = 0; i < 8; i++) {
		if (!settle_open(t, &wait, e))
			return false;
		if (!wait)
			break;
		if (run_stopped(t->run, e))
			return false;
		run_progress(t->run, "waiting to settle", t->conf->name, 0, 0);
		run_sleep(t->run, wait * 1000);
	}
	t->unknown = false;
	t->unsettled = wait > 0;
	return true;
}

/* Before the first run nothing is known of how fast the target is: it is asked, and not missed. */
static void
plan_look(struct target_run *t)
{
	struct err e = { 0 };

	if (!t->run->options->offline && sync_time_left(t->ledger) < 0)
		target_greet(t, &e);
}

/* Plans and applies until nothing is left to do now. A connector that dies is started again twice:
 * what was in the air is settled by looking. */
static bool
work(struct target_run *t, int64_t *held_r, struct err *e)
{
	bool again = true, full = t->run->options->full && !t->run->options->plan_only;

	/* once: what fails in this run waits, or a long one would go round in what fails */
	if (t->run->options->insist && !ledger_waits_over(t->ledger, e))
		return false;
	for (int round = 0; again; round++) {
		if (run_stopped(t->run, e))
			return false;
		if (round)
			read_again(t);
		if (!t->prepared &&
			(!settle_and_wait(t, e) || (full && !round && !listing_read(t, e)) ||
				!project(t, held_r, e) || (full && !round && !orphans_judge(t, e))))
			return false;
		t->prepared = false;
		if (t->run->options->plan_only) {
			plan_look(t);
			return true;
		}
		if (!target_apply(t, &again, e)) {
			bool died = strcmp(e->code, "connector-ended") == 0 ||
				    strcmp(e->code, "connector-silent") == 0;

			if (!died || ++t->restarts > 2)
				return false;
			run_event(t->run, "connector-restart", t->conf->name, "%s", e->text);
			err_clear(e);
			again = true;
		}
		again |= t->unknown || t->freed;
		t->freed = false;
	}
	return !full || drift_look_after(t, e);
}

/* The number of the default maps is the state's, so that a newer program changes nobody's values unasked (1.3). */
static bool
pin_default_maps(struct target_run *t, struct err *e)
{
	const char *pinned = ledger_get(t->ledger, "default-map", t->arena);
	char number[16];

	snprintf(number, sizeof(number), "%d", t->run->conf->default_map);
	if (!pinned)
		return ledger_set(t->ledger, "default-map", number, e);
	if (strcmp(pinned, number) == 0)
		return true;
	return err_set(e, ERR_CONFIG, "bad-config",
		"the state of target %s was made with default maps number %s by a newer lockstep; "
		"this one knows numbers up to %s: use the newer one",
		t->conf->name, pinned, number);
}

const char *
run_kind(const struct run *r)
{
	const struct sync_options *o = r->options;

	return o->plan_only ? "plan" : o->apply ? "apply" : o->undo ? "undo" : r->result->kind;
}

static bool
start_target(struct target_run *t, struct err *e)
{
	const char *kind = run_kind(t->run);

	if (!target_rules(t, e) || !ledger_begin(t->ledger, e))
		return false;
	if (!pin_default_maps(t, e) || !ledger_plan_reset(t->ledger, e) ||
		!ledger_run_start(t->ledger, kind, target_now(t), &t->id, e)) {
		ledger_rollback(t->ledger);
		return false;
	}
	return ledger_commit(t->ledger, e);
}

static void
run_target(struct target_run *t)
{
	struct err e = { 0 };
	bool ok = (t->prepared || start_target(t, &e)) && work(t, &t->held, &e);

	if (!ok) {
		bool stopped = e.kind != ERR_CONFIG && run_stopped(t->run, &e);

		/* A source that was never read has failed already and says so itself. */
		if (strcmp(e.code, "never-read") != 0)
			run_fail(t->run, side_exit(&e, SYNC_TARGET), &e);
		run_event(
			t->run, stopped ? "stopped" : "target-failed", t->conf->name, "%s", e.text);
	}
	target_finish(t, t->held, ok ? NULL : &e);
}

/* All targets are planned and compared before anything is done at any (9.2). */
static bool
prepare_targets(struct run *r)
{
	struct err e = { 0 };
	bool ok = r->result->exit != SYNC_SOURCE;
	size_t i;

	for (i = 0; ok && i < r->target_count; i++) {
		struct target_run *t = &r->targets[i];

		t->careful = true;
		ok = start_target(t, &e) && (!r->options->apply || plan_find(t, &e)) &&
		     settle_and_wait(t, &e) && undo_pin(t, &e) && project(t, &t->held, &e);
		t->prepared = ok;
		if (!ok) {
			run_fail(r, side_exit(&e, SYNC_TARGET), &e);
			run_event(r, r->options->undo ? "not-undone" : "not-applied", t->conf->name,
				"%s", e.text);
		}
	}
	for (size_t j = 0; !ok && j < i; j++)
		if (!target_abandon(&r->targets[j], &e))
			run_fail(r, SYNC_TARGET, &e);
	return ok;
}

/* --- the whole --- */

static bool
sync_chosen(const struct run *r, const struct conf_sync *s)
{
	return !r->options->only || strcmp(r->options->only, s->name) == 0;
}

/* A target's lanes are all its syncs, whichever was asked for: the ledger is one (2.4). */
static void
add_lanes(struct run *r, struct target_run *t)
{
	t->lanes = arena_alloc(r->arena, (r->conf->sync_count + 1) * sizeof(*t->lanes));
	for (size_t i = 0; i < r->conf->sync_count; i++) {
		const struct conf_sync *s = &r->conf->syncs[i];

		if (strcmp(s->to, t->conf->name) != 0)
			continue;
		for (size_t j = 0; j < r->source_count; j++)
			if (strcmp(r->sources[j].conf->name, s->from) == 0)
				t->lanes[t->lane_count++] =
					(struct lane){ .conf = s, .source = &r->sources[j] };
	}
}

static bool
is_target_chosen(const struct run *r, const struct conf_target *t)
{
	if (r->options->undo && strcmp(t->name, r->options->undo_target) != 0)
		return false;
	for (size_t i = 0; i < r->conf->sync_count; i++)
		if (strcmp(r->conf->syncs[i].to, t->name) == 0 &&
			sync_chosen(r, &r->conf->syncs[i]))
			return true;
	return false;
}

static bool
is_source_needed(const struct run *r, const struct conf_source *s)
{
	for (size_t i = 0; i < r->conf->sync_count; i++) {
		const struct conf_sync *sy = &r->conf->syncs[i];
		const struct conf_target *t = conf_target(r->conf, sy->to);

		if (strcmp(sy->from, s->name) == 0 && t && is_target_chosen(r, t))
			return true;
	}
	return false;
}

static bool
open_sides(struct run *r, struct err *e)
{
	const struct conf *c = r->conf;

	if (!dir_make(c->state, 0700, e))
		return false;
	r->sources = arena_alloc(r->arena, (c->source_count + 1) * sizeof(*r->sources));
	r->targets = arena_alloc(r->arena, (c->target_count + 1) * sizeof(*r->targets));
	for (size_t i = 0; i < c->source_count; i++) {
		struct source_run *s = &r->sources[r->source_count];

		if (!is_source_needed(r, &c->sources[i]))
			continue;
		s->conf = &c->sources[i];
		s->lock = -1;
		r->source_count++;
		if (!source_open(r, s, e))
			return false;
	}
	for (size_t i = 0; i < c->target_count; i++) {
		struct target_run *t = &r->targets[r->target_count];

		if (!is_target_chosen(r, &c->targets[i]))
			continue;
		t->run = r;
		t->conf = &c->targets[i];
		t->lock = -1;
		r->target_count++;
		add_lanes(r, t);
		if (!target_open(t, e))
			return false;
	}
	return true;
}

bool
sync_run(const struct conf *c, const struct sync_env *env, const struct sync_options *o,
	struct sync_result *r_r, struct err *e)
{
	struct run r = { .conf = c,
		.env = env,
		.options = o,
		.arena = arena_new(),
		.result = r_r,
		.stamps = map_new() };
	bool ok;

	*r_r = (struct sync_result){ .kind = "delta" };
	r.started_ms = run_mono(&r);
	ok = open_sides(&r, e);
	if (ok) {
		/* What was done is taken back whether or not the directory can be asked. */
		for (size_t i = 0; i < r.source_count && !o->undo && !o->offline; i++)
			read_one(&r, &r.sources[i], o->full);
		ok = (!o->apply && !o->undo) || prepare_targets(&r);
		for (size_t i = 0; ok && i < r.target_count; i++)
			run_target(&r.targets[i]);
		ok = true;
		r_r->kind = run_kind(&r);
		lag_result(&r);
		if (r.never_whole)
			r_r->as_of = 0;
	} else {
		run_fail(&r, SYNC_CONFIG, e);
	}
	for (size_t i = r.target_count; i-- > 0;)
		target_close(&r.targets[i]);
	for (size_t i = r.source_count; i-- > 0;)
		source_close(&r.sources[i]);
	r_r->seconds = (double)(run_mono(&r) - r.started_ms) / 1000.0;
	map_free(r.stamps, NULL);
	arena_free(r.arena);
	return ok;
}
