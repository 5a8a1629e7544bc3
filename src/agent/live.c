#include "live.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "reload.h"
#include "schedule.h"
#include "watch.h"

struct last {
	struct last *next;
	char *sync, *why, *code, *text;
	struct live_run run; /* its texts are those above */
};
struct live {
	struct last *list;
};

static void
put(char **at, const char *s)
{
	free(*at);
	*at = xstrdup(s ? s : "");
}

static struct last *
last_of(const struct agent *g, const char *sync)
{
	for (struct last *l = g->live->list; l; l = l->next)
		if (strcmp(l->sync, sync) == 0)
			return l;
	return NULL;
}

static void
remember(struct agent *g, const char *sync, const struct job *j)
{
	struct last *l = last_of(g, sync);

	if (!l) {
		l = xcalloc(1, sizeof(*l));
		l->sync = xstrdup(sync);
		l->next = g->live->list;
		g->live->list = l;
	}
	put(&l->why, job_why(j));
	put(&l->code, job_error(j)->code);
	put(&l->text, job_error(j)->text);
	l->run = (struct live_run){ job_started(j), job_ended(j), job_exit(j), job_full(j), l->why,
		l->code, l->text };
}

bool
live_covers(const struct conf *c, const char *asked, const struct conf_sync *y)
{
	for (size_t i = 0; *asked && i < c->sync_count; i++)
		if (strcmp(c->syncs[i].name, asked) == 0)
			return strcmp(c->syncs[i].to, y->to) == 0;
	return !*asked;
}

static void
hear(void *ctx, const struct agent_news *n)
{
	struct agent *g = ctx;
	const char *sync = n->job ? job_sync(n->job) : NULL;

	if (n->what != AGENT_JOB_ENDED || !sync || !job_started(n->job) || !g->conf || !g->live)
		return;
	for (size_t i = 0; i < g->conf->sync_count; i++)
		if (live_covers(g->conf, sync, &g->conf->syncs[i]))
			remember(g, g->conf->syncs[i].name, n->job);
}

bool
live_last(const struct agent *g, const char *sync, struct live_run *r_r)
{
	const struct last *l = last_of(g, sync);

	if (l)
		*r_r = l->run;
	return l != NULL;
}

/* --- as JSON --- */

void
live_job(const struct job *j, struct jsonw *w)
{
	const struct job_progress *p = job_progress(j);

	jsonw_int(w, "job", (int64_t)job_id(j));
	jsonw_str(w, "command", job_command(j));
	jsonw_str(w, "state",
		job_state(j) == JOB_WAITING   ? "waiting"
		: job_state(j) == JOB_RUNNING ? "running"
					      : "ended");
	jsonw_str(w, "why", job_why(j));
	jsonw_str(w, "by", job_by(j));
	jsonw_int(w, "asked", job_asked(j));
	jsonw_int(w, "started", job_started(j));
	if (job_cancelled(j))
		jsonw_bool(w, "cancelled", true);
	if (!p)
		return;
	jsonw_obj(w, "progress");
	jsonw_str(w, "phase", p->phase);
	jsonw_str(w, "what", p->what);
	jsonw_int(w, "done", p->done);
	jsonw_int(w, "total", p->total);
	if (p->left_s >= 0)
		jsonw_int(w, "left", p->left_s);
	jsonw_end(w);
}

static void
put_job(void *ctx, const struct job *j)
{
	struct jsonw *w = ctx;

	jsonw_obj(w, NULL);
	live_job(j, w);
	jsonw_end(w);
}

void
live_jobs(struct agent *g, struct jsonw *w)
{
	jsonw_arr(w, "jobs");
	jobs_each(g, put_job, w);
	jsonw_end(w);
}

struct looking {
	const struct conf *conf;
	const struct conf_sync *sync;
	const char *state;
};

static void
look(void *ctx, const struct job *j)
{
	struct looking *l = ctx;
	const char *sync = job_sync(j);

	if (sync && live_covers(l->conf, sync, l->sync) && strcmp(l->state, "running") != 0)
		l->state = job_state(j) == JOB_RUNNING ? "running" : "queued";
}

static void
put_sync(struct agent *g, const struct conf_sync *y, struct jsonw *w)
{
	struct looking l = { g->conf, y, "idle" };
	enum schedule_why why;
	struct live_run r;
	int64_t next;

	jobs_each(g, look, &l);
	jsonw_obj(w, NULL);
	jsonw_str(w, "name", y->name);
	jsonw_str(w, "target", y->to);
	jsonw_str(w, "state", l.state);
	if (schedule_next(g->schedule, y->name, &next, &why) && next) {
		jsonw_int(w, "next", next);
		jsonw_str(w, "why", schedule_why_name(why));
	}
	if (live_last(g, y->name, &r)) {
		jsonw_obj(w, "last");
		jsonw_int(w, "started", r.started);
		jsonw_int(w, "ended", r.ended);
		jsonw_int(w, "exit", r.exit);
		jsonw_bool(w, "full", r.full);
		jsonw_str(w, "why", r.why);
		if (*r.code) {
			jsonw_str(w, "code", r.code);
			jsonw_str(w, "message", r.text);
		}
		jsonw_end(w);
	}
	jsonw_end(w);
}

void
live_error(struct jsonw *w, const char *name, const struct err *e)
{
	if (e->kind == ERR_NONE)
		return;
	jsonw_obj(w, name);
	jsonw_str(w, "code", e->code);
	jsonw_str(w, "message", e->text);
	jsonw_end(w);
}

void
live_status(struct agent *g, struct jsonw *w)
{
	jsonw_str(w, "version", LOCKSTEP_VERSION);
	jsonw_int(w, "pid", getpid());
	jsonw_int(w, "started", g->started);
	jsonw_bool(w, "stopping", g->stopping);
	jsonw_str(w, "conf", g->conf_path);
	jsonw_bool(w, "setup", !g->conf);
	live_error(w, "conf_error", &g->conf_error);
	live_error(w, "memory_error", &g->memory_error);
	jsonw_bool(w, "conf_changed", reload_pending_lately(g));
	jsonw_arr(w, "syncs");
	for (size_t i = 0; g->conf && i < g->conf->sync_count; i++)
		put_sync(g, &g->conf->syncs[i], w);
	jsonw_end(w);
	live_jobs(g, w);
	watch_json(g, w);
}

/* --- the part --- */

bool
live_start(struct agent *g, struct err *e)
{
	(void)e;
	g->live = xcalloc(1, sizeof(*g->live));
	agent_hear(g, hear, g);
	return true;
}

void
live_stop(struct agent *g)
{
	if (!g->live)
		return;
	while (g->live->list) {
		struct last *l = g->live->list;

		g->live->list = l->next;
		free(l->sync);
		free(l->why);
		free(l->code);
		free(l->text);
		free(l);
	}
	mem_clean_free(&g->live);
}
