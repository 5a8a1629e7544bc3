/*
 * Alerts: the table of what there can be, and how each is found. Pure: parsed JSON and numbers come in, what is
 * found goes out; `now` too comes from outside. What becomes of it over time is in alert_life.h.
 */
#pragma once
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "store/agent.h"

struct alert_rule {
	const char *code; /* stable: lockstepd-alerts(7) */
	enum alert_severity severity;
	int64_t after;      /* seconds that it must last before anybody is told */
	int64_t calm;       /* seconds that it must look well before that is believed */
	const char *title;  /* few words, for subjects */
	const char *remedy; /* where the cause does not bring its own */
	const char *look;   /* command to look closer; %s: the object's name */
};
extern const struct alert_rule alert_rules[];          /* ended by code NULL */
const struct alert_rule *alert_rule(const char *code); /* NULL = there is no such */

/* A run that ended. */
struct alert_run {
	const char *sync; /* name; "" = all of them */
	int exit;         /* as job_exit: -1 not started, -2 killed */
	bool cancelled;   /* stopped by us: says nothing */
	struct err error; /* why it went wrong */
};
struct alert_disk {
	const char *path;
	int64_t free, total; /* bytes */
	/* an alert is open, is critical: more must be free for it to be over */
	bool was_low, was_grave;
};
/* The promise of one sync. */
struct alert_fresh {
	const char *sync;
	int64_t promise;    /* seconds; 0 = none */
	int64_t lag;        /* seconds that a change may have waited by now; < 0 = not known */
	const char *canary; /* NULL = none */
	int64_t canary_seen, canary_every; /* when it came through last */
};
struct alert_watch {
	const char *source, *text;
	bool failed, cannot; /* cannot: by its nature */
	bool stands;         /* none of them: it is being tried */
};

/* NULL: was not looked at; nothing of it is found, and nothing of it cleared. */
struct alert_input {
	const struct conf *conf; /* NULL in set-up mode */
	int64_t now;
	const struct alert_run *run;
	const struct json *status; /* `lockstep status --json` */
	/* with status: array of {"target", "run", "operations" as of `history RUN --json`}; may be NULL */
	const struct json *held;
	const struct json *check; /* `lockstep check --json` */
	const struct alert_disk *disk;
	const struct err *conf_error; /* kind ERR_NONE: the configuration is well */
	const struct err *console_down, *control_down; /* the same of where the service listens */
	const struct err *memory_error;                /* the same of agent.db */
	const struct alert_fresh *fresh;
	size_t fresh_count;
	const struct alert_watch *watches;
	size_t watch_count;
	const struct way_row *ways; /* those that messages take */
	size_t way_count;
};

struct alert_find {
	const struct alert_rule *rule;
	const char *key, *domain;
	enum alert_severity severity;
	const char *object, *cause, *remedy, *look, *examples; /* never NULL */
	int64_t count, after;
};
struct alert_finds {
	struct arena *arena; /* the caller's */
	struct alert_find *list;
	size_t count, cap;
	const char **
		domains; /* what was looked at: open ones of these that are not in the list look well */
	size_t domain_count, domain_cap;
};
void alert_rules_eval(const struct alert_input *in, struct alert_finds *f);

/* --- for the parts of the evaluation --- */

struct alert_say { /* NULL: the rule's own, or "" */
	const char *code, *domain;
	const char *subject; /* tells alerts of one code apart; NULL = object */
	const char *object, *cause, *remedy, *look_at, *examples;
	int64_t count, after; /* after < 0: the rule's */
	bool grave;           /* one step more severe */
	bool mild;            /* ALERT_INFO */
};
void alert_found(struct alert_finds *f, const struct alert_say *s);
void alert_domain(struct alert_finds *f, const char *domain);
/* alert_look.c */
void alert_eval_check(const struct alert_input *in, struct alert_finds *f);
void alert_eval_disk(const struct alert_input *in, struct alert_finds *f);
void alert_eval_fresh(const struct alert_input *in, struct alert_finds *f);
void alert_eval_service(const struct alert_input *in, struct alert_finds *f);
/* alert_status.c */
void alert_eval_status(const struct alert_input *in, struct alert_finds *f);
