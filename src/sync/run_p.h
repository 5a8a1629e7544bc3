/* Private to sync/: the run and its sides. */
#pragma once
#include "base/map.h"
#include "model/dn.h"
#include "plan/plan.h"
#include "rules/rules.h"
#include "sync/sync.h"
#include "wire/msg.h"

struct schema_row {
	const char *name;
	bool multi, link, bytes;
};
struct schema_rows {
	struct schema_row *list;
	size_t count;
};

struct source_run {
	const struct conf_source *conf;
	struct mirror *mirror;
	struct conn *conn;
	int lock;
	struct arena *arena; /* hello, classes, attributes: the run's length */
	struct wire_hello hello;
	struct names attributes;
	const char *const *requested; /* the same, NULL-ended */
	char request[65];
	bool greeted, read_ok;
	int64_t now_directory, now_local;
};

/* One sync as seen from its target: the rules over one source. */
struct lane {
	const struct conf_sync *conf;
	struct source_run *source;
	struct rules *rules;
	struct world world;
	bool maps_ref[KIND_COUNT][3];
	int64_t *
		protect_groups; /* of the guard's lists, in their order: n, 0 = not in the directory */
	size_t protect_group_count;
	int64_t *protect;               /* of those that are DNs; 0 = another name, or not there */
	int64_t adopt_left[KIND_COUNT]; /* adoptions that the guard still allows in this run */
	bool adopt_counted;
	bool told_lost;
};

struct target_run {
	struct run *run;
	const struct conf_target *conf;
	struct ledger *ledger;
	struct conn *conn;
	int lock;
	struct arena *arena;
	struct wire_hello hello;
	struct lane *lanes;
	size_t lane_count;
	int64_t id; /* run number in this ledger */
	int64_t next_wire_id;
	int restarts;
	bool unknown;       /* some outcomes are to be settled, */
	bool unsettled;     /* some could not be */
	bool freed;         /* a unique name that another object wants came free */
	int unknown_rounds; /* how often so in this run */
	bool down;          /* the target failed: no more in this run */
	bool configured;    /* rules compiled, position known */
	bool careful;  /* nothing is changed there that somebody else has changed since (9.2) */
	bool compared; /* the plan was the same at the beginning */
	bool prepared; /* settled and planned already, for what is to be compared first */
	bool judged;   /* the guard has looked at all that is planned, */
	int64_t held;  /* and holds so much of the last one, */
	struct buf held_why;       /* and what it said */
	int64_t plan;              /* being applied; 0 = none */
	int64_t applied, apply_ms; /* operations that were answered, and how long that took */
	const struct conf_sync *unconfigured; /* defaults, once needed */
	int64_t resume_at_ms;                 /* nothing is sent before (mono): a rate limit, */
	bool told_to_wait;                    /* which the target said, or a pause of ours */
	struct wire_cost cost;                /* what its connectors said, and our waits */
};

struct run {
	const struct conf *conf;
	const struct sync_env *env;
	const struct sync_options *options;
	struct arena *arena;
	struct source_run *sources;
	size_t source_count;
	struct target_run *targets;
	size_t target_count;
	struct sync_result *result;
	struct map *stamps; /* lag.c: id -> struct stamp */
	bool never_whole;   /* a target was not in lockstep yet, ever */
	int64_t started_ms; /* mono */
};

int64_t run_mono(const struct run *r);
const char *run_kind(const struct run *r); /* "full", "delta", "plan", ... */
int64_t source_now(const struct run *r, const struct source_run *s); /* the directory's clock */
int64_t target_now(const struct target_run *t);                      /* of its first source */
int64_t run_local(const struct run *r, const struct source_run *s, int64_t at); /* by our clock */
void run_fail(struct run *r, enum sync_exit exit,
	const struct err *e); /* keeps the first by precedence */
void run_event(const struct run *r, const char *event, const char *object, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void run_progress(
	const struct run *r, const char *phase, const char *what, int64_t done, int64_t total);

/* speed.c: keeps what this run tells of the target's speed; in a transaction */
bool speed_keep(struct target_run *t, struct err *e);

/* finish.c: counts, history, due times. why: it failed, or NULL. abandon: nothing was done, e says why. */
void target_finish(struct target_run *t, int64_t held, const struct err *why);
bool target_abandon(struct target_run *t, struct err *e);

/* stop.c: asked to end at the next safe point? */
bool run_stopping(const struct run *r);
bool run_stopped(const struct run *r, struct err *e);   /* the same, with e: code "stopped" */
void run_sleep(const struct run *r, int64_t ms);        /* not longer than until then */
void run_conn_set(const struct run *r, struct conn *c); /* waits on it end then, too */

/* schema.c */
void schema_text(const struct wire_hello *h, struct buf *out);
bool schema_parse(const char *text, struct arena *a, struct schema_rows *rows_r);
struct rules_schema schema_of(struct schema_rows *rows);

/* sides.c: opening state and connectors */
bool source_open(struct run *r, struct source_run *s, struct err *e);
bool source_greet(struct run *r, struct source_run *s, struct err *e);
const char *const *source_classes(void); /* NULL-ended */
void source_close(struct source_run *s);
bool target_open(struct target_run *t, struct err *e);
bool target_greet(struct target_run *t, struct err *e);
void target_close(struct target_run *t);
bool target_rules(struct target_run *t, struct err *e); /* compiles the lanes */

/* world.c */
void world_of(struct run *r, struct source_run *s, struct world *w_r);

/* read.c */
bool source_read(
	struct run *r, struct source_run *s, bool full, struct mirror_stats *st_r, struct err *e);

/* listing.c: reads the target whole (6.1); drift.c compares, orphans.c tells whose the rest is. A target that
 * fails meanwhile is named in the result and fails nothing else. */
bool listing_read(struct target_run *t, struct err *e);
/* After the run has applied its plan: how what was sent once more shows. */
bool drift_look_after(struct target_run *t, struct err *e);
bool orphans_judge(struct target_run *t, struct err *e); /* after the projection */
bool orphans_take(struct target_run *t, struct err *e);  /* those that a person agreed to */

/* dirty.c: what changed in the mirrors -> dirty list */
bool dirty_collect(struct target_run *t, struct err *e);

/* project.c: dirty list -> operations */
bool project_objects(struct target_run *t, struct err *e);
/* Digest of what is wanted for an entry: an undo holds its object until that changes. ERR_OBJECT: it has a
 * problem. */
bool project_wants(struct target_run *t, struct source_run *s, const struct object *ob,
	struct arena *a, char out[65], bool *in_r, struct err *e);
/* links.c */
bool links_dirty_of(struct target_run *t, struct source_run *s, int64_t n, const struct kind *k,
	bool back, struct arena *a, struct err *e);
bool links_dirty_refs(struct target_run *t, struct source_run *s, int64_t o, struct err *e);
bool project_links(struct target_run *t, struct err *e);
/* The directory has this link, and it is mapped. */
bool links_wants(const struct target_run *t, const struct source_run *s, const struct kind *k,
	int64_t owner, int attribute, int64_t other);

/* protect.c */
struct protect {
	struct protection was, now;
	bool held; /* a disable or deletion needs a release of its own */
};
void protect_resolve(struct lane *lane, struct arena *a);
/* lane NULL: of a sync that is not configured any more. o 0: no object yet. */
void protect_judge(const struct target_run *t, const struct lane *lane, const struct entry *en,
	int64_t o, struct arena *a, struct protect *p_r);
/* Keeps what was judged; holding: something is held by it now. */
bool protect_note(const struct target_run *t, int64_t o, const struct protect *p, bool holding,
	struct err *e);

/* limits.c: guard over the planned operations; *held_r: how many are held */
bool limits_apply(struct target_run *t, int64_t *held_r, struct err *e);
/* One more adoption that nobody approved: within the limit (8.1)? What is there shows only while applying, so
 * they are counted one by one against what was left when the run began. */
bool limits_adopt(struct target_run *t, const struct object *ob);

/* approve.c: a plan that was approved (9.2). plan_find: the target's copy of it. plan_narrow: the first time
 * compares, code "plan-outdated"; then what is not of the plan waits for the next run. */
bool plan_find(struct target_run *t, struct err *e);
bool plan_narrow(struct target_run *t, struct err *e);
void run_note(const struct run *r, const char *what, const char *object, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void note_add(struct sync_notes *ns, const char *what, const char *object, const char *text);

/* undo.c (9.3) */
bool undo_pin(struct target_run *t, struct err *e);    /* what the run changed is to be as before */
bool undo_narrow(struct target_run *t, struct err *e); /* all else waits for the next run */
bool undo_leave(struct target_run *t, const struct object *ob, const struct op *op,
	const struct err *why, struct err *e);

/* apply.c: performs what is planned and not held. *again_r: stopped at the slice's end, or something
 * became possible: plan again. */
bool target_apply(struct target_run *t, bool *again_r, struct err *e);

/* confirm.c: results into the ledger, inside the caller's transaction */
struct outcome {
	const char *key, *version;
	bool has_seen;
	struct attrs seen;
};
bool confirm_object(struct target_run *t, struct object *ob, const struct op *op,
	const struct outcome *out, struct err *e);
bool confirm_ref(
	struct target_run *t, const struct object *owner, const struct op *op, struct err *e);
bool confirm_missing(struct target_run *t, struct object *ob, const struct op *op, struct err *e);
/* Not done, for a known reason. The operation leaves the plan; the object stays dirty with back-off. */
bool confirm_failed(struct target_run *t, const struct object *ob, const struct op *op,
	const struct err *why, struct err *e);
const struct lane *lane_of(const struct target_run *t, const char *sync); /* NULL = none */
/* The rules of a sync; of one that is not configured any more the defaults, so that it never takes the guard along. */
const struct conf_sync *conf_of(struct target_run *t, const char *sync);

/* lag.c (N8). lag_finish, in a transaction, at the end of a target's part; whole: all that was read is dealt with. */
void lag_changed(struct run *r, const char *id, int64_t at);
void lag_confirmed(struct target_run *t, const struct object *ob);
bool lag_finish(struct target_run *t, bool whole, struct err *e);
void lag_result(struct run *r);

/* settle.c: SENT and UNKNOWN operations, by looking; *wait_r: seconds until the next may be looked at */
bool settle_open(struct target_run *t, int64_t *wait_r, struct err *e);
struct find_answer {
	bool found;
	bool ours;
	const char *key, *external, *name, *version;
};
bool target_find(struct target_run *t, const struct kind *k, const char *anchor, const char *name,
	struct arena *a, struct find_answer *f_r, struct err *e);
