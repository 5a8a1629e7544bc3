/*
 * STATE/agent.db: what the service remembers for people - alerts and messages about them, points of plots,
 * sign-ins of the console, versions of the configuration. Nothing of it bears on what is synced: the file may be
 * lost without harm, and one that is damaged is put aside (agent.db.damaged) and made anew.
 *
 * The service writes; others may open it read only, or for one small write (SQLite's lock, 5 s). No function
 * but those that say so begins a transaction; each call is durable by itself, or with the caller's agent_begin.
 * Texts given out live in the caller's arena. `now` comes from the caller.
 */
#pragma once
#include "base/mem.h"
#include "store/db.h"

struct agent_store;

/* path: agent_store_path. damaged_r (may be NULL): the old file was put aside. Read only: "no-state" when there is none. */
bool agent_store_open(const char *path, const struct store_env *env, bool read_only,
	struct agent_store **s_r, bool *damaged_r, struct err *e);
void agent_store_close(struct agent_store **s); /* *s may be NULL */
/* false: the file at path is not the one that is open (removed, replaced, elsewhere). */
bool agent_store_well(struct agent_store *s, const char *path);
char *agent_store_path(const char *state_folder, struct arena *a);
bool agent_begin(struct agent_store *s, struct err *e);
bool agent_commit(struct agent_store *s, struct err *e);
void agent_rollback(struct agent_store *s);

/* --- alerts --- */

enum alert_severity { ALERT_INFO, ALERT_WARNING, ALERT_CRITICAL, ALERT_SEVERITY_COUNT };
const char *alert_severity_name(enum alert_severity s); /* "info", "warning", "critical" */
enum alert_state {
	ALERT_PENDING, /* found, not for long enough yet: nobody was told */
	ALERT_OPEN,
	ALERT_CLEARED
};
const char *alert_state_name(enum alert_state s); /* "pending", "open", "cleared" */

/* All times in seconds, 0 = not. Texts are never NULL. */
struct alert_row {
	int64_t id;
	const char *key;    /* what it is about, one row each: "object-errors/hosted/no-mail" */
	const char *domain; /* which look finds it, and clears it: "status", "run/hosted", "disk" */
	const char *code;   /* the rule, lockstepd-alerts(7) */
	enum alert_severity severity;
	enum alert_state state;
	const char *object;   /* whom or what it concerns; of several, the first */
	const char *cause;    /* one or two sentences */
	const char *remedy;   /* what to do */
	const char *look;     /* the command to look closer, or "" */
	const char *examples; /* JSON array of at most 10 names, when there are several; else "" */
	int64_t count;        /* objects concerned */
	int64_t found;        /* first seen so, of this life */
	int64_t raised;       /* told as an alert */
	int64_t last;         /* last seen so */
	int64_t good;         /* since when it looks well again, while it is open */
	int64_t cleared;
	int64_t seen_at; /* somebody took note */
	const char *seen_by;
	int64_t flaps; /* how often it came back shortly after it was cleared */
};

/* The row of a key, whatever its state (the newest). false: none; an error is reported by the next call that has an `e`. */
bool agent_alert_find(
	struct agent_store *s, const char *key, struct arena *a, struct alert_row *r_r);
bool agent_alert_get(struct agent_store *s, int64_t id, struct arena *a, struct alert_row *r_r);
/* id 0: a new one, and id is filled. */
bool agent_alert_put(struct agent_store *s, struct alert_row *r, struct err *e);
bool agent_alert_drop(struct agent_store *s, int64_t id, struct err *e);
/* Pending and open ones of a domain; domain NULL: of all. By id, at most max. */
size_t agent_alerts_live(struct agent_store *s, const char *domain, struct arena *a,
	struct alert_row *list, size_t max);
/* For people: open ones, gravest and newest first; or all that were ever open, newest first, before id `before`
 * (0 = from the newest). */
size_t agent_alerts_open(
	struct agent_store *s, struct arena *a, struct alert_row *list, size_t max);
size_t agent_alerts_all(
	struct agent_store *s, int64_t before, struct arena *a, struct alert_row *list, size_t max);
int64_t agent_alerts_count(struct agent_store *s, enum alert_severity sev); /* open ones */
/* Alerts raised and cleared since then. */
void agent_alerts_since(
	struct agent_store *s, int64_t since, int64_t *raised_r, int64_t *cleared_r);
/* code "no-such-alert" when there is none */
bool agent_alert_seen(
	struct agent_store *s, int64_t id, const char *by, int64_t now, struct err *e);
/* Cleared ones of before `before` are forgotten, and news and tallies of then. */
bool agent_alerts_prune(struct agent_store *s, int64_t before, struct err *e);
/* An alert as JSON object, the members of lockstepd-alerts(7). */
struct jsonw;
void alert_json(const struct alert_row *r, struct jsonw *w, const char *name);

/* --- news to be told, and the ways that they take --- */

enum alert_news { NEWS_RAISED, NEWS_CLEARED, NEWS_WELL };
struct news_row {
	int64_t id, at, alert; /* alert: 0 with NEWS_WELL */
	enum alert_news what;
};
bool agent_news_add(
	struct agent_store *s, enum alert_news what, int64_t alert, int64_t now, struct err *e);
/* Those after id `after` (0 = all), oldest first. */
size_t agent_news(struct agent_store *s, int64_t after, struct news_row *list, size_t max);
int64_t agent_news_newest(struct agent_store *s); /* id; 0 = there is none */
bool agent_news_done(struct agent_store *s, int64_t up_to, struct err *e); /* ids up to this one */

/* A way that messages take: "mail", "webhook". Messages are made of the news that it has not got yet when it is tried,
 * so that what waits for one that does not work is one message when it does. */
struct way_row {
	const char *way;
	int64_t told;     /* news up to this id have been taken */
	int64_t told_at;  /* the last message with news; 0 = none */
	bool unwell;      /* what was told last was not that all is well */
	int64_t daily;    /* the last summary; 0 = none is wanted */
	int64_t attempts; /* that failed in a row */
	int64_t next_at;  /* not to be tried before, while attempts */
	const char *
		error; /* of the last attempt, or ""; with attempts 0: whom the last message did not reach */
};
/* One that is not known yet: zero and "". */
void agent_way_get(struct agent_store *s, const char *way, struct arena *a, struct way_row *w_r);
bool agent_way_put(struct agent_store *s, const struct way_row *w, struct err *e);
bool agent_way_drop(struct agent_store *s, const char *way, struct err *e);
int64_t agent_ways_waiting(struct agent_store *s); /* that have something to send */

/* What the runs of a sync did, by the hour, for 90 days. */
struct agent_tally {
	int64_t runs, failed, changed;
};
bool agent_tally_add(struct agent_store *s, const char *sync, int64_t at, bool failed,
	int64_t changed, struct err *e);
/* From the hour of `since` on. */
struct agent_tally agent_tally_read(struct agent_store *s, const char *sync, int64_t since);

/* Small facts that outlive a restart: "checked", "as_of/SYNC". Absent: 0. */
int64_t agent_fact(struct agent_store *s, const char *name);
bool agent_fact_set(struct agent_store *s, const char *name, int64_t value, struct err *e);

/* --- points of plots --- */

/* Kept by the minute for a day, by the hour (the highest value) for 90 days. */
struct series_point {
	int64_t at;
	double value;
};
bool agent_series_add(
	struct agent_store *s, const char *name, int64_t at, double value, struct err *e);
/* From `since` on, oldest first; the count of what was put into the list. */
size_t agent_series_read(struct agent_store *s, const char *name, int64_t since,
	struct series_point *list, size_t max);
/* Thins and prunes; once an hour is enough. Begins a transaction of its own. */
bool agent_series_thin(struct agent_store *s, int64_t now, struct err *e);

/* --- sign-ins of the console --- */

/* hash: of the cookie, of the link; never these themselves. */
struct session_row {
	const char *by, *token; /* token: of requests that change something */
	int64_t created, expires;
};
bool agent_session_add(struct agent_store *s, const char *hash, const char *token, const char *by,
	int64_t now, int64_t expires, struct err *e);
bool agent_session_find(struct agent_store *s, const char *hash, int64_t now, struct arena *a,
	struct session_row *r_r);
bool agent_session_end(
	struct agent_store *s, const char *hash, struct err *e); /* NULL: all of them */
bool agent_link_add(struct agent_store *s, const char *hash, const char *by, int64_t now,
	int64_t expires, struct err *e);
/* true once: it was there and had not expired; it is gone now. *by_r may be NULL. */
bool agent_link_use(struct agent_store *s, const char *hash, int64_t now, struct arena *a,
	const char **by_r, struct err *e);
/* What has expired goes. */
bool agent_sessions_prune(struct agent_store *s, int64_t now, struct err *e);

/* --- versions of the configuration --- */

struct version_row {
	int64_t version, at;
	const char *by, *note;
	const char *text; /* NULL in lists */
};
#define AGENT_VERSIONS_KEPT 200
/* The same text as the newest: no new one, *version_r is that. */
bool agent_version_add(struct agent_store *s, const char *by, const char *note, const char *text,
	int64_t now, int64_t *version_r, struct err *e);
bool agent_version_get(
	struct agent_store *s, int64_t version, struct arena *a, struct version_row *r_r);
/* Newest first, before `before` (0 = from the newest). */
size_t agent_versions(struct agent_store *s, int64_t before, struct arena *a,
	struct version_row *list, size_t max);
