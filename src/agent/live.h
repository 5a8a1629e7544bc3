/*
 * What goes on, as JSON: status of the control socket, console and metrics. Remembers the last run of each sync and the
 * last jobs; what a run left in the state is asked from `lockstep status --json`.
 */
#pragma once
#include "agent.h"
#include "jobs.h"

bool live_start(struct agent *g, struct err *e);
void live_stop(struct agent *g);

/* A run that was asked for by this name ("": of all) does y's too: all lanes of its target. */
bool live_covers(const struct conf *c, const char *asked, const struct conf_sync *y);
/* Last run of a sync (by name; runs of all count for each) in this life of the daemon; false: none yet. */
struct live_run {
	int64_t started, ended;
	int exit; /* as job_exit */
	bool full;
	const char *why;         /* "schedule", ... */
	const char *code, *text; /* of the error; "" = none. Valid until the next run ends. */
};
bool live_last(const struct agent *g, const char *sync, struct live_run *r_r);

/* A member {"code", "message"}; nothing when there is no error. */
void live_error(struct jsonw *w, const char *name, const struct err *e);
/* Into an open object: version, pid, started, conf, conf_error, memory_error, conf_changed, syncs [{name, state, next, why, last}],
 * jobs, watching. */
void live_status(struct agent *g, struct jsonw *w);
/* "jobs": [...]: running and waiting ones with progress. */
void live_jobs(struct agent *g, struct jsonw *w);
void live_job(const struct job *j, struct jsonw *w); /* members of one, into an open object */
