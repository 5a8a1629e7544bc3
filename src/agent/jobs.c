#include "jobs_p.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "reload.h"
#include "schedule.h"

#define WAITING_MAX 64
#define OUT_MAX     ((size_t)8 * 1024 * 1024)
#define GRACE_S     60 /* while there is no configuration */

static void turn_soon(struct agent *g);

/* --- making and unmaking --- */

static char **
copy_words(const char *const *argv)
{
	size_t n = 0;
	char **copy;

	while (argv[n])
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(argv[i]);
	return copy;
}

static char *
one_line(char **argv)
{
	CLEAN_BUF struct buf line = { 0 };

	for (size_t i = 0; argv[i]; i++) {
		if (i)
			buf_addc(&line, ' ');
		text_escape(argv[i], strlen(argv[i]), 200, &line);
	}
	return xstrdup(buf_cstr(&line));
}

static void
job_free(struct job *j)
{
	for (size_t i = 0; j->argv[i]; i++)
		free(j->argv[i]);
	free(j->argv);
	free(j->command);
	free(j->why);
	free(j->by);
	free(j->conf);
	buf_free(&j->input);
	buf_free(&j->out);
	buf_free(&j->last_line);
	json_free(j->result);
	free(j);
}

/* Behind those of the same order. */
static void
enqueue(struct jobs *jobs, struct job *j)
{
	struct job **p = &jobs->list;

	while (*p && (*p)->s.order <= j->s.order)
		p = &(*p)->next;
	j->next = *p;
	*p = j;
}

static void
dequeue(struct jobs *jobs, struct job *j)
{
	struct job **p = &jobs->list;

	while (*p && *p != j)
		p = &(*p)->next;
	if (*p)
		*p = j->next;
}

/* Of what people ask for there is no end. Of scheduled runs there is: one for each sync; none is turned away, or those at
 * the end of a long configuration would never have their turn. */
static bool
too_many(const struct jobs *jobs, enum job_order order)
{
	size_t n = 0;

	for (const struct job *j = jobs->list; j; j = j->next)
		n += j->state == JOB_WAITING && j->s.order == JOB_DEMAND;
	return order == JOB_DEMAND && n >= WAITING_MAX;
}

struct job *
job_add(struct agent *g, const struct job_spec *s)
{
	struct job *j;

	if (g->stopping || too_many(g->jobs, s->order))
		return NULL;
	j = xcalloc(1, sizeof(*j));
	*j = (struct job){ .g = g, .s = *s, .exit = -1, .asked = agent_now() };
	j->id = ++g->jobs->last_id;
	j->argv = copy_words(s->argv);
	j->command = one_line(j->argv);
	j->why = xstrdup(s->why ? s->why : "");
	j->by = xstrdup(s->by ? s->by : "");
	j->conf = s->conf ? xstrdup(s->conf) : NULL;
	if (s->input.n)
		buf_add(&j->input, s->input.p, s->input.n);
	j->s.argv = NULL;
	j->s.why = j->s.by = j->s.conf = NULL;
	if (!j->s.out_max)
		j->s.out_max = OUT_MAX;
	enqueue(g->jobs, j);
	turn_soon(g);
	return j;
}

/* --- its end --- */

static void
job_over(struct job *j)
{
	struct agent *g = j->g;
	struct jobs *jobs = g->jobs;

	j->state = JOB_ENDED;
	j->ended = agent_now();
	dequeue(jobs, j);
	agent_tell(g, AGENT_JOB_ENDED, j);
	if (j->s.done)
		j->s.done(j->s.ctx, j);
	job_free(j);
	turn_soon(g);
}

static void
on_out(void *ctx, struct str chunk)
{
	struct job *j = ctx;

	if (j->s.out) {
		j->s.out(j->s.ctx, chunk);
	} else if (j->out.n + chunk.n > j->s.out_max) {
		j->overflow = true;
		buf_free(&j->out);
		j->s.out_max = 0;
	} else if (!j->overflow) {
		buf_add(&j->out, chunk.p, chunk.n);
	}
}

static void
on_line(void *ctx, struct str line)
{
	struct job *j = ctx;

	job_take_line(j, line);
	if (j->s.line)
		j->s.line(j->s.ctx, line);
}

static void
on_ended(void *ctx, int status)
{
	struct job *j = ctx;

	j->child = NULL;
	job_conclude(j, status);
	job_over(j);
}

/* --- its beginning --- */

static void
job_begin(struct job *j)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct agent *g = j->g;
	const char **argv;
	size_t n = 0, words = 0;

	j->state = JOB_RUNNING;
	j->started = agent_now();
	while (j->argv[words])
		words++;
	argv = arena_alloc(a, (words + 10) * sizeof(*argv));
	argv[n++] = arena_printf(a, "%s/lockstep", g->bin);
	argv[n++] = "-c";
	argv[n++] = j->conf ? j->conf : reload_conf_file(g);
	argv[n++] = "--direct";
	if (j->by && *j->by) {
		argv[n++] = "--by";
		argv[n++] = j->by;
	}
	for (size_t i = 0; i < words; i++)
		argv[n++] = j->argv[i];
	if (j->s.json)
		argv[n++] = "--json";
	if (j->s.events)
		argv[n++] = "--events";
	agent_tell(g, AGENT_JOB_STARTED, j);
	if (!child_start(g,
		    &(struct child_spec){ .argv = argv,
			    .input = buf_str(&j->input),
			    .out = on_out,
			    .line = on_line,
			    .ended = on_ended,
			    .ctx = j },
		    &j->child, &j->error)) {
		job_over(j);
		return;
	}
	buf_free(&j->input);
	if (j->s.begun)
		j->s.begun(j->s.ctx, j);
}

static bool
exclude(const struct job *a, const struct job *b)
{
	const char *x = job_sync(a), *y = job_sync(b);

	if (!a->s.writes || !b->s.writes)
		return false;
	return !x || !y || !schedule_apart(a->g->schedule, x, y);
}

/* Who waits longer is not overtaken by what it excludes. */
static bool
may_begin(const struct jobs *jobs, const struct job *j)
{
	bool before = true;

	for (const struct job *o = jobs->list; o; o = o->next) {
		if (o == j)
			before = false;
		else if (exclude(j, o) && (o->state == JOB_RUNNING || before))
			return false;
	}
	return true;
}

/* From the list's beginning after each, for a callback may change it. */
static int
on_turn(sd_event_source *src, void *ctx)
{
	struct agent *g = ctx;
	struct job *j;

	(void)src;
	do {
		for (j = g->jobs->list; j; j = j->next)
			if (j->state == JOB_WAITING && (j->cancelled || may_begin(g->jobs, j)))
				break;
		if (!j)
			break;
		if (j->cancelled)
			job_over(j);
		else
			job_begin(j);
	} while (true);
	if (g->jobs->drained && !g->jobs->list)
		g->jobs->drained(g->jobs->drained_ctx);
	return 0;
}

static void
turn_soon(struct agent *g)
{
	sd_event_source_set_enabled(g->jobs->turn, SD_EVENT_ONESHOT);
}

/* --- asked from outside --- */

void
job_cancel(struct agent *g, struct job *j)
{
	if (j->cancelled || j->state == JOB_ENDED)
		return;
	j->cancelled = true;
	if (j->child)
		child_end(j->child, g->conf ? (int)g->conf->stop_timeout : GRACE_S);
	else
		turn_soon(g);
}

void
job_forget(struct job *j)
{
	j->s.begun = NULL;
	j->s.out = NULL;
	j->s.line = NULL;
	j->s.done = NULL;
	j->s.out_max = j->s.json ? j->s.out_max : 0;
	job_pause(j, false);
}

void
job_nudge(struct job *j)
{
	if (j->child)
		child_signal(j->child, SIGUSR1);
}

void
job_pause(struct job *j, bool paused)
{
	if (j->child)
		child_pause(j->child, paused);
}

void
jobs_drain(struct agent *g, void (*drained)(void *ctx), void *ctx)
{
	g->jobs->drained = drained;
	g->jobs->drained_ctx = ctx;
	for (struct job *j = g->jobs->list; j; j = j->next)
		job_cancel(g, j);
	turn_soon(g);
}

void
jobs_each(struct agent *g, void (*fn)(void *ctx, const struct job *j), void *ctx)
{
	for (int state = JOB_RUNNING; state >= JOB_WAITING; state--)
		for (struct job *j = g->jobs->list; j; j = j->next)
			if ((int)j->state == state)
				fn(ctx, j);
}

bool
jobs_start(struct agent *g, struct err *e)
{
	uint64_t us;
	int r;

	g->jobs = xcalloc(1, sizeof(*g->jobs));
	r = sd_event_add_defer(g->loop, &g->jobs->turn, on_turn, g);
	if (r >= 0)
		sd_event_source_set_enabled(g->jobs->turn, SD_EVENT_OFF);
	if (sd_event_now(g->loop, CLOCK_REALTIME, &us) >= 0)
		g->jobs->last_id = us / 1000;
	return r >= 0 || err_set(e, ERR_CONFIG, "os", "jobs: %s", strerror(-r));
}

void
jobs_stop(struct agent *g)
{
	if (!g->jobs)
		return;
	while (g->jobs->list) {
		struct job *j = g->jobs->list;

		g->jobs->list = j->next;
		if (j->child)
			child_forget(j->child);
		job_free(j);
	}
	sd_event_source_disable_unref(g->jobs->turn);
	mem_clean_free(&g->jobs);
}
