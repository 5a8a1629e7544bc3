/*
 * lockstepd: what all parts of the daemon share. One thread, one loop (sd-event), no LDAP, HTTP to others, Lua or
 * run in this process: all work is done by children, the program `lockstep` with its commands (jobs.h).
 *
 * A part has `bool X_start(struct agent *g, struct err *e)`, `void X_stop(struct agent *g)`, and where the
 * configuration matters `void X_reloaded(struct agent *g)`, and a row in the table of parts in main.c. Parts start in
 * the order of the table and stop in the reverse one. A part starts in set-up mode too, when g->conf is NULL; its
 * X_reloaded is called as soon as there is one, and at every later change. Between X_stop's beginning and its end no
 * callback of the part is called by others.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/conf.h"

struct agent_store; /* store/agent.h */
struct children;    /* child.h */
struct jobs;        /* jobs.h */
struct schedule;    /* schedule.h */
struct watches;     /* watch.h */
struct timer;       /* timer.h */
struct control;     /* control.h */
struct reload;      /* reload.h */
struct live;        /* live.h */
struct alerts;
struct health;
struct web;
struct notify;

struct hearer;
struct job;

struct agent {
	sd_event *loop;
	const char *conf_path; /* absolute */
	const char *bin;       /* folder of our programs */
	struct conf *conf;     /* NULL: set-up mode, no valid configuration yet */
	struct err
		conf_error; /* why; or why the last reload was refused (conf stays as it was). kind ERR_NONE: well */
	/* why they do not listen where they should, kind ERR_NONE: they do. Code "no-console": it is switched off */
	struct err console_down, control_down;
	struct err
		memory_error; /* why store is not STATE/agent.db but in memory; kind ERR_NONE: it is */
	const char *control_path; /* socket while there is no conf (--control) */
	int port; /* of the console while there is no conf (--port); 0 = the usual one */
	const char *state_path; /* state folder while there is no conf (--state); see agent_state */
	struct agent_store *store; /* NULL until there is a state folder */
	struct children *children;
	struct jobs *jobs;
	struct schedule *schedule;
	struct timer *timer;
	struct watches *watches;
	struct control *control;
	struct reload *reload;
	struct live *live;
	struct alerts *alerts;
	struct health *health;
	struct web *web;
	struct notify *notify;
	/* A one-time link to the console for `by`, appended to url; web sets it. NULL: there is none. */
	bool (*link_new)(struct agent *g, const char *by, struct buf *url, struct err *e);
	struct hearer *hearers;
	int64_t started; /* seconds */
	int lock;        /* of the state folder: one daemon on one state; -1 = none yet */
	char *locked;    /* the folder that it is of */
	bool stopping;
};

/* The state folder in force; in set-up mode the one of --state. */
const char *agent_state(const struct agent *g);
/* Makes the folder and takes its lock, in the place of the one held; code "running": another daemon has it. */
bool agent_lock(struct agent *g, const char *state, struct err *e);
int64_t agent_now(void); /* seconds */
/* In so many milliseconds; a timer that is set again, or for good with ms < 0. Created when *t is NULL; fn may set it
 * again. Slack: a sixteenth of the time, 2 s at most, so that wake-ups fall together. Free with sd_event_source_disable_unref. */
void agent_timer(
	struct agent *g, sd_event_source **t, int64_t ms, sd_event_time_handler_t fn, void *ctx);

/* --- the parts (parts.c) --- */

bool parts_start(
	struct agent *g, struct err *e); /* those that started are stopped when one fails */
void parts_stop(struct agent *g);
void parts_reloaded(struct agent *g);

/* --- what happens, for whoever wants to hear it --- */

enum agent_event {
	AGENT_JOB_STARTED,
	AGENT_JOB_ENDED, /* also of jobs that never started: job_started() is 0 then */
	AGENT_CONF_CHANGED,
	AGENT_CONF_REFUSED, /* g->conf_error says why */
	AGENT_STOPPING,
	AGENT_MINUTE,
};
struct agent_news {
	enum agent_event what;
	const struct job *job; /* JOB_* only */
};
/* Heard in the order of asking, until the daemon ends. */
void agent_hear(struct agent *g, void (*fn)(void *ctx, const struct agent_news *n), void *ctx);
void agent_tell(struct agent *g, enum agent_event what, const struct job *job);
void agent_hearers_free(struct agent *g); /* at the end */

/*
 * The daemon's log: fields of the journal where standard error is the journal's, else JSON lines on standard error.
 * Pairs of key and value, ended by NULL; the key "text" is what people read.
 *   agent_log(LOG_WARN, "config-refused", "text", e->text, NULL);
 */
void agent_log_init(void);
void agent_log(enum log_level level, const char *event, ...) __attribute__((sentinel));
