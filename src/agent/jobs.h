/*
 * Jobs: one `lockstep` command each, as a child. Jobs that write take turns: no two run at once (runs of syncs that
 * share neither a source nor a target may), lower `order` first, then who came first. Others run at once.
 * All callbacks come from the loop, never from within job_add or job_cancel.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "agent.h"
#include "base/json.h"

enum job_order { JOB_DEMAND, JOB_CHANGE, JOB_SCHEDULE, JOB_FULL };

struct job_spec {
	/* words after `lockstep -c FILE`, NULL-ended, copied; --direct always, --json/--events as below are added */
	const char *const *argv;
	bool writes;      /* takes its turn */
	bool json;        /* adds --json; job_result() then */
	bool events;      /* adds --events: lines of JSON on standard error; job_progress() then */
	const char *conf; /* another configuration file (drafts); NULL = ours */
	const char *why;  /* "schedule", "change", "demand", "console", "cli": for people; copied */
	const char *by;   /* who asked: user name or ""; copied */
	struct str input; /* given on standard input; copied */
	size_t out_max; /* of standard output kept for job_out(); 0 = 8 MiB; more is an error of the job */
	void (*begun)(void *ctx, struct job *j);  /* it runs now; may be NULL */
	void (*out)(void *ctx, struct str chunk); /* instead of keeping it; may be NULL */
	void (*line)(void *ctx,
		struct str line); /* each line of standard error, no newline; may be NULL */
	void (*done)(void *ctx,
		const struct job
			*j); /* last call, always comes; j lives until it returns; may be NULL */
	void *ctx;
	enum job_order order;
};

bool jobs_start(struct agent *g, struct err *e);
void jobs_stop(struct agent *g); /* everything ended before: jobs_drain */

/* NULL: the daemon stops, or too many wait (64 of JOB_DEMAND; of others there is no limit). The job is ours; it lives until `done` returns. */
struct job *job_add(struct agent *g, const struct job_spec *s);
/* Not started: forgotten (`done` comes, job_exit -1). Started: SIGTERM, a run stops at a safe point; SIGKILL after
 * stop_timeout. Asking again changes nothing. */
void job_cancel(struct agent *g, struct job *j);
/* Nobody listens any more: no further callbacks; the job goes on. */
void job_forget(struct job *j);
/* Tells a run in progress that its source changed: it looks soon, so that what is urgent overtakes (I5). */
void job_nudge(struct job *j);
/* Standard output is not read while paused: who relays it to a slow reader keeps bounds. */
void job_pause(struct job *j, bool paused);

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_ENDED };
struct job_progress {
	char phase[32], what[128];
	int64_t done, total; /* total 0 = not known */
	int64_t left_s;      /* -1 = not known */
};

uint64_t job_id(const struct job *j); /* never given twice: it begins with the clock, in ms */
struct job *job_by_id(struct agent *g, uint64_t id); /* waiting or running; else NULL */
enum job_state job_state(const struct job *j);
const char *const *job_argv(const struct job *j); /* words, NULL-ended */
const char *job_command(const struct job *j);     /* the same in one line, for people */
const char *job_why(const struct job *j);
const char *job_by(const struct job *j);
bool job_writes(const struct job *j);
/* the name of the sync where it is a run of one, "" where of all, NULL where it is no run */
const char *job_sync(const struct job *j);
bool job_full(const struct job *j);       /* sync --full */
int64_t job_asked(const struct job *j);   /* seconds */
int64_t job_started(const struct job *j); /* seconds; 0 = not yet, or never */
int64_t job_ended(const struct job *j);
/* exit code; -1: never ran, or could not be started; -2: killed by a signal. Valid when ended. */
int job_exit(const struct job *j);
bool job_cancelled(const struct job *j); /* stopped by job_cancel or with the daemon */
struct str job_out(const struct job *j);
const struct job_progress *job_progress(const struct job *j); /* NULL = none known */
/* The result that --events brought, else the last line of a --json output, parsed; NULL = none (not ended, cut off). */
const struct json *job_result(const struct job *j);
/* Why it went wrong, from the result, else the last line of standard error: code and text. kind ERR_NONE: it did not.
 * Code "locked": somebody else worked on the state; no alarm, it is tried again soon. */
const struct err *job_error(const struct job *j);

/* Running ones first, then waiting ones in their order. fn may not add or cancel. */
void jobs_each(struct agent *g, void (*fn)(void *ctx, const struct job *j), void *ctx);
/* No new ones; waiting ones forgotten, running ones asked to stop; `drained` when all have ended. */
void jobs_drain(struct agent *g, void (*drained)(void *ctx), void *ctx);
