#include "timer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "base/mem.h"
#include "jobs.h"
#include "live.h"
#include "schedule.h"
#include "store/agent.h"

#define NUDGE_MS 2000

struct taken { /* a run of ours */
	struct taken *next;
	struct timer *t;
	struct job *job;
	char *sync;
	bool dropped;
};
struct timer {
	struct agent *g;
	struct taken *taken;
	sd_event_source *due, *nudge;
	int64_t nudged; /* ms */
	bool nudge_armed;
};
static uint32_t
chance(void *ctx, uint32_t below)
{
	uint32_t r = 0;

	(void)ctx;
	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		return 0;
	return r % below;
}

static int on_due(sd_event_source *src, uint64_t us, void *ctx);

static void
set(struct timer *t)
{
	agent_timer(
		t->g, &t->due, t->g->stopping ? -1 : schedule_wait_ms(t->g->schedule), on_due, t);
}

static void
unlink_taken(struct taken *k)
{
	struct taken **p = &k->t->taken;

	while (*p != k)
		p = &(*p)->next;
	*p = k->next;
}

static void
on_done(void *ctx, const struct job *j)
{
	struct taken *k = ctx;

	unlink_taken(k);
	schedule_returned(k->t->g->schedule, k->sync);
	/* One that never ran was not heard of as begun: not to be tried at once for ever. */
	if (!job_started(j) && !k->dropped)
		schedule_ended(k->t->g->schedule, k->sync, false, OUTCOME_FAILED, 0);
	set(k->t);
	free(k->sync);
	free(k);
}

static void
start_run(struct timer *t, const struct schedule_due *d)
{
	const char *argv[] = { "sync", d->sync, d->full ? "--full" : NULL, NULL };
	struct taken *k = xcalloc(1, sizeof(*k));
	struct job_spec s = { .argv = argv,
		.writes = true,
		.json = true,
		.events = true,
		.why = schedule_why_name(d->why),
		.done = on_done,
		.ctx = k,
		.order = d->full                ? JOB_FULL
			 : d->why == DUE_CHANGE ? JOB_CHANGE
						: JOB_SCHEDULE };

	*k = (struct taken){ t->taken, t, job_add(t->g, &s), xstrdup(d->sync), false };
	if (k->job) {
		t->taken = k;
	} else {
		schedule_returned(t->g->schedule, k->sync);
		schedule_ended(t->g->schedule, k->sync, false, OUTCOME_FAILED, 0);
		free(k->sync);
		free(k);
	}
}

static int
on_due(sd_event_source *src, uint64_t us, void *ctx)
{
	struct timer *t = ctx;
	struct schedule_due d;

	(void)src;
	(void)us;
	while (!t->g->stopping && schedule_take(t->g->schedule, &d))
		start_run(t, &d);
	set(t);
	return 0;
}

static enum schedule_outcome
outcome(const struct job *j)
{
	const struct err *e = job_error(j);

	if (strcmp(e->code, "locked") == 0)
		return OUTCOME_LOCKED;
	if (job_cancelled(j)) /* somebody wanted its end: not to be begun again at once */
		return OUTCOME_DONE;
	switch (job_exit(j)) {
	case 0:
	case 1:
	case 4:
		return OUTCOME_DONE;
	case 2: /* also of a connector that died while it told its options */
		return e->kind == ERR_CONFIG || e->kind == ERR_NONE ? OUTCOME_REFUSED
								    : OUTCOME_FAILED;
	default:
		return e->kind == ERR_CONFIG ? OUTCOME_REFUSED : OUTCOME_FAILED;
	}
}

static int64_t
fact(struct agent *g, const char *target, int64_t set)
{
	CLEAN_FREE char *name = xasprintf("full/%s", target);

	if (set)
		agent_fact_set(g->store, name, set, NULL);
	return set ? set : agent_fact(g->store, name);
}

/* So that one that falls into a time when nothing runs is made up for, once. */
static void
remember_full(struct agent *g, const struct job *j)
{
	bool well = !job_cancelled(j) && (job_exit(j) == 0 || job_exit(j) == 1 || job_exit(j) == 4);

	for (size_t i = 0; well && job_full(j) && g->conf && g->store && i < g->conf->sync_count;
		i++)
		if (live_covers(g->conf, job_sync(j), &g->conf->syncs[i]))
			fact(g, g->conf->syncs[i].to, job_started(j));
}

static void
recall_full(struct agent *g)
{
	for (size_t i = 0; g->conf && g->store && i < g->conf->sync_count; i++) {
		const struct conf_sync *y = &g->conf->syncs[i];
		int64_t last = fact(g, y->to, 0);

		/* from the first time that it is asked for, it is owed */
		schedule_full_was(g->schedule, y->name, last ? last : fact(g, y->to, agent_now()));
	}
}

static void
hear(void *ctx, const struct agent_news *n)
{
	struct timer *t = ctx;
	const char *sync = n->job ? job_sync(n->job) : NULL;

	if (n->what == AGENT_JOB_ENDED && sync && job_started(n->job))
		remember_full(t->g, n->job);
	if (n->what == AGENT_JOB_STARTED && sync)
		schedule_began(t->g->schedule, sync);
	else if (n->what == AGENT_JOB_ENDED && sync && job_started(n->job))
		schedule_ended(t->g->schedule, sync, job_full(n->job), outcome(n->job),
			json_get_int(job_result(n->job), "next_wake", 0));
	else if (n->what != AGENT_MINUTE) /* the clock may have been set */
		return;
	set(t);
}

static void
nudge(void *ctx, const struct job *j)
{
	struct timer *t = ctx;

	if (job_state(j) == JOB_RUNNING && job_sync(j) &&
		schedule_has_news(t->g->schedule, job_sync(j)))
		job_nudge(job_by_id(t->g, job_id(j)));
}

static int
on_nudge(sd_event_source *src, uint64_t us, void *ctx)
{
	struct timer *t = ctx;

	(void)src;
	(void)us;
	t->nudge_armed = false;
	t->nudged = clock_system.mono_ms(clock_system.ctx);
	jobs_each(t->g, nudge, t);
	return 0;
}

/* What runs is told as well, but not so often that it gets nothing else done. */
static void
nudge_soon(struct timer *t)
{
	int64_t since = clock_system.mono_ms(clock_system.ctx) - t->nudged;

	if (t->nudge_armed)
		return;
	t->nudge_armed = true;
	agent_timer(t->g, &t->nudge, since < NUDGE_MS ? NUDGE_MS - since : 0, on_nudge, t);
}

void
timer_changed(struct agent *g, const char *source)
{
	schedule_changed(g->schedule, source);
	nudge_soon(g->timer);
	set(g->timer);
}

/* What waits for its turn may have a name that is none any more; all are due again in any case. */
static void
drop_waiting(struct timer *t)
{
	for (struct taken *k = t->taken; k; k = k->next)
		if (job_state(k->job) == JOB_WAITING) {
			k->dropped = true;
			job_cancel(t->g, k->job);
		}
}

void
timer_reloaded(struct agent *g)
{
	drop_waiting(g->timer);
	schedule_load(g->schedule, g->conf);
	recall_full(g);
	set(g->timer);
}

bool
timer_start(struct agent *g, struct err *e)
{
	struct timer *t = xcalloc(1, sizeof(*t));

	(void)e;
	t->g = g;
	g->timer = t;
	g->schedule =
		schedule_new(&(struct schedule_env){ .clock = &clock_system, .chance = chance });
	agent_hear(g, hear, t);
	timer_reloaded(g);
	return true;
}

void
timer_stop(struct agent *g)
{
	if (!g->timer)
		return;
	sd_event_source_disable_unref(g->timer->due);
	sd_event_source_disable_unref(g->timer->nudge);
	schedule_free(g->schedule);
	g->schedule = NULL;
	mem_clean_free(&g->timer);
}
