/*
 * A run (the only room that sees both sides): reads the sources, projects what is dirty, guards, applies.
 *
 *   for each source:   read -> mirror            one transaction: entries and cursor (I4)
 *   for each target:   settle what is open       by looking, never by guessing (I3)
 *                      full run: read it         what others changed there, what is gone, whose the rest is (6)
 *                      mirror changes -> dirty   (5.1)
 *                      dirty -> operations       scope, map, diff: pure, one object at a time
 *                      match, guard              find before create (7.2); limits (8)
 *                      apply, rank by rank       intent, act, confirm; every 30 s a look at the sources (7.3)
 *
 * The caller gives the configuration, the clock, and how connectors are opened; the state folder and its
 * locks are the run's own. Everything about the outcome is in struct sync_result.
 */
#pragma once
#include "conf/conf.h"
#include "rules/rules.h"
#include "store/history.h"
#include "store/mirror.h"
#include "wire/conn.h"

struct sync_env {
	struct store_env store; /* clock and commit hook */
	/* Open a connector for a source or target; lock_fd is to be inherited (-1 in tests). */
	bool (*open_source)(void *ctx, const struct conf_source *s, int lock_fd, struct conn **c_r,
		struct err *e);
	bool (*open_target)(void *ctx, const struct conf_target *t, int lock_fd, struct conn **c_r,
		struct err *e);
	/* done, total of a phase; total 0 = not known. May be NULL. */
	void (*progress)(
		void *ctx, const char *phase, const char *what, int64_t done, int64_t total);
	/* A notable event: the one place where the journal's record becomes a log line. May be NULL. */
	void (*event)(void *ctx, const char *event, const char *object, const char *text);
	/* Asked again and again: true = end at the next safe point (S3.5). What is in the air is waited for and
	 * confirmed, nothing new is sent; the run ends with code "stopped". May be NULL. */
	bool (*stop)(void *ctx);
	/* Something changed in a source since this was asked last: apply ends its slice soon, so that the source
	 * is read again and what is urgent overtakes (7.3). May be NULL. */
	bool (*changed)(void *ctx);
	void *ctx;
	int64_t slice_ms; /* apply yields after this long; 0 = 30,000 */
};

/* What a run has to say about single objects, beyond counts: where a plan differs, what an undo leaves. */
struct sync_note {
	const char *what; /* "differs", "undo", "left", "lost" */
	const char *object, *text;
};
struct sync_notes {
	struct arena *arena; /* the caller's */
	struct sync_note *list;
	size_t count, cap;
};

struct sync_options {
	bool insist;      /* at once: what failed is tried (7.3), who was refused signs on (7.4) */
	bool full;        /* read sources and targets whole (6.1); a plan: the sources alone */
	bool offline;     /* of a plan: from the mirrors as they are, nothing is read */
	bool plan_only;   /* nothing is applied; operations stay PLANNED in the target file */
	const char *only; /* name of one sync, NULL = all */
	const char *
		apply; /* digest of the plan that is to be applied, and nothing else (9.2); NULL = none */
	int64_t undo; /* the run that is to be taken back, and nothing else (9.3); 0 = none */
	const char *undo_target; /* undo: in the history of this target */
	bool release; /* apply: what the plan shows as held is permitted; undo: all of it */
	struct sync_notes *notes; /* may be NULL */
};

/* Exit codes of a run (DESIGN.md). */
enum sync_exit {
	SYNC_OK = 0,
	SYNC_FAILED = 1,
	SYNC_CONFIG = 2,
	SYNC_SOURCE = 3,
	SYNC_HELD = 4,
	SYNC_TARGET = 5 /* or stopped before the end: code "stopped" */
};

/* How long changes took from the directory to their confirmation (N8): of those that a delta run brought. */
struct sync_lag {
	int64_t count, median_ms, p99_ms, max_ms;
};
/* The entry that somebody changes so that its way is timed; times by our clock. who NULL: it did not change; changed_at 0:
 * nobody says when. */
struct sync_canary {
	const char *sync, *who;
	int64_t changed_at, confirmed_at;
};
/* What a target took part with: operations that it confirmed, and what they cost. */
struct sync_cost {
	const char *target; /* of the configuration */
	int64_t operations;
	struct wire_cost cost;
};
struct sync_result {
	int64_t run;      /* number in the (first) target's history */
	const char *kind; /* "full", "delta", "plan", "apply", "undo" */
	int64_t read, created, adopted, updated, enabled, disabled, deleted, recreated,
		members_added, members_removed, unchanged, failed, held, waiting;
	int64_t drifted, missing, orphans; /* of a full run: store/drift.h */
	int64_t parked;                    /* moves of unique values out of a swap's way and back */
	int64_t next_wake; /* when something is due by itself, by our clock; 0 = nothing is (5.2, 7.3) */
	int64_t as_of; /* by our clock: what was in the directory then is done, failing or held; 0 = never yet */
	struct sync_lag lag;
	struct sync_canary canary;
	struct sync_cost *costs; /* of each target; freed by sync_result_clean */
	size_t cost_count;
	double seconds;
	enum sync_exit exit;
	struct err error; /* the first cause of an exit other than 0 */
};
void sync_result_clean(struct sync_result *r);
#define CLEAN_RESULT __attribute__((cleanup(sync_result_clean)))
/* false only when the run could not start (configuration, lock, state): result.exit and e say why. */
bool sync_run(const struct conf *c, const struct sync_env *env, const struct sync_options *o,
	struct sync_result *r_r, struct err *e);
/* What an undo of o->undo would do, by notes: "undo", "left", "lost". Nothing is written. Codes "no-such-run",
 * "nothing-to-undo". */
bool sync_undo_look(const struct conf *c, const struct sync_env *env, const struct sync_options *o,
	struct err *e);
/* Ends what undos hold of one object (mail, DN, account name, id; NULL: of all): the next run brings what is
 * wanted. Code "no-entry": nobody is called so; count 0: nothing of it was pinned. */
bool sync_unpin(const struct conf *c, const struct sync_env *env, const char *who, int64_t *count_r,
	struct err *e);
void sync_notes_json(const struct sync_notes *notes, struct jsonw *w); /* "notes": [...] */
/* The result as the documented JSON object; notes may be NULL. */
void sync_result_json(const struct sync_result *r, const struct sync_notes *notes, struct buf *out);

/* A refused sign-on pauses (7.4): false, with the code and text of the refusal, while it does. Afterwards say how it went:
 * why NULL: it worked. */
bool sync_may_sign_on(const struct conf *c, const struct conf_source *s, const struct sync_env *env,
	bool insist, struct err *e);
void sync_signed_on(const struct conf *c, const struct conf_source *s, const struct sync_env *env,
	const struct err *why);

/* Where things are: state/source-NAME.db, state/target-NAME.db. */
char *sync_source_path(const struct conf *c, const char *name, struct arena *a);
char *sync_target_path(const struct conf *c, const char *name, struct arena *a);
/*
 * When a source is to be read whole because its deltas do not say everything (I7), by the directory's clock:
 * full_every after the last time, or sooner when what was missing then is to be confirmed (I1). INT64_MAX: never,
 * its deltas are complete; also before the first read, which is full anyway.
 */
int64_t sync_full_due(const struct conf_source *s, const struct mirror_info *i);
/* Seconds that what is planned and not held will take, about; 0 = nothing is, -1 = not known yet (N10). */
int64_t sync_time_left(struct ledger *l);
/* What was in the directory then is confirmed, failing or held (N8), by our clock; 0 = never yet. */
int64_t sync_as_of(struct ledger *l);
/* The entry that people call so: id, DN, mail, account name, UPN, display name. 0 = none. A scan. */
int64_t sync_entry_find(struct mirror *m, const char *who);
bool sync_entry_is(
	struct mirror *m, int64_t n, const char *who); /* is this one called so? No scan. */
/* The state's lock of one file (NAME.lock beside it): false, code "locked", when another run holds it. */
bool sync_lock(const char *db_path, int *fd_r, struct err *e);

/*
 * Adoption (3.2): objects that a run found at the target in place of ones that it was to create. The list, and
 * consent; the next run takes over what is still there. Consent runs inside the caller's transaction.
 */
enum adopt_how {
	ADOPT_IDENTITY, /* one object, and it bears our identity */
	ADOPT_ADDRESS,  /* one object has our unique name, and no externalId */
	ADOPT_TAKEOVER, /* the same, but its externalId is not ours: adopting replaces it */
	ADOPT_AMBIGUOUS /* several fit: a person says which */
};
const char *adopt_how_name(enum adopt_how h);
struct adopt_row {
	struct object ob;
	enum adopt_how how;
	const struct match *list; /* what bears our identity first */
	size_t count;
	bool approved; /* consent was given; the next run acts */
};
bool adopt_each(struct ledger *l,
	bool (*each)(void *ctx, const struct adopt_row *row, struct err *e), void *ctx,
	struct err *e);
/* All but the ambiguous ones. */
bool adopt_all_exact(struct ledger *l, int64_t *count_r, struct err *e);
/* who: the unique name, our id, or the key there; or object o, when it is not 0. key: which of several; NULL = the
 * only one. Codes "nothing-to-adopt", "not-a-candidate", "ambiguous". */
bool adopt_one(struct ledger *l, const char *who, int64_t o, const char *key, struct err *e);

/* Orphans (3.3): consent to all with a trace in the directory, or at a target that is ours alone; *left_r: those
 * without, each of which needs adopt_orphan. */
bool adopt_orphans(struct ledger *l, int64_t *count_r, int64_t *left_r, struct err *e);
/* who: its externalId, name, or key there. Code "nothing-to-adopt". */
bool adopt_orphan(struct ledger *l, const char *who, struct err *e);

/* Everything about one entry (N5), as data; strings live in the arena. */
struct explain_value {
	const char *name, *wanted, *sent, *seen, *expr, *rule, *error;
};
struct explain {
	bool found;
	const char *source, *sync, *target;
	struct entry entry;
	const char *dn;
	struct verdict verdict;
	struct object object;
	bool has_object;
	struct explain_value *values;
	size_t value_count;
	const char **group_paths;
	size_t group_path_count; /* "CN=a > CN=b > CN=scope" */
	struct change *changes;
	size_t change_count; /* what was sent when, oldest first */
	struct op *ops;
	size_t op_count; /* what would be sent now */
	struct attempt attempt;
	bool has_attempt;
	const char *problem;  /* object error: cause and remedy, or NULL */
	int64_t pinned;       /* the run whose undo holds it as it was; 0 = none */
	const char *bad_note; /* held back by the source */
};
/* who: mail, DN, account name or id. One result per sync that reads the source. Opens state read-only;
 * needs the source's schema as last said. */
bool sync_explain(const struct conf *c, const struct sync_env *env, const char *who,
	struct arena *a, struct explain **list_r, size_t *count_r, struct err *e);
