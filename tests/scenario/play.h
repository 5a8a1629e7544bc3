/*
 * A play: one scenario being performed. It has a folder (state, world, configuration), which side its
 * connectors stand on (memory or processes), and what shall happen to the run under way: a stop at the
 * k-th event, a fault at the k-th call of the target.
 */
#pragma once
#include "script.h"
#include "sync/sync.h"
#include "world.h"

enum way {
	WAY_NONE,
	WAY_CUT_BEFORE,
	WAY_CUT_LATE, /* the connection ends, and what was sent is done a moment later */
	WAY_CUT_AFTER,
	WAY_TRUNCATE,
	WAY_GARBAGE,
	WAY_TWICE,
	WAY_SILENT_BEFORE,
	WAY_SILENT_AFTER,
	WAY_UNKNOWN_AFTER,
	WAY_UNKNOWN_BEFORE,
	WAY_RETRY,
	WAY_WAIT,
	WAY_TAKEN,
	WAY_OBJECT,
	WAY_SIDE,
	WAY_CONFIG,
	WAY_COUNT
};
extern const char *const way_names[WAY_COUNT];

struct saved { /* world and state files at one moment */
	struct buf world;
	struct {
		char name[256];
		struct buf data;
	} files[8];
	size_t file_count;
};

struct play {
	const struct script *script;
	struct land *world;
	struct clock clock;
	char dir[128];
	const char *programs; /* folder of the connector programs; NULL = in memory */
	bool all_full;        /* every run reads everything */

	struct conf *conf;
	bool conf_stale;
	struct arena *arena;
	struct {
		const char *name;
		const char *body;
	} syncs[8];
	size_t sync_count;
	const char *missing_after, *adopt, *exclusive;
	int64_t slice_ms;

	/* the run under way */
	int64_t events, stop_at; /* commits, lines sent and received; 0 = no stop */
	int64_t ask_at;          /* from that event on the run is asked to end; 0 = never */
	bool asked, closed;      /* ... was, and has had a line since: nothing more may be sent */
	int64_t sends, fault_at, fault_id; /* lines sent to the target */
	enum way way;
	bool done; /* the fault happened */
	int64_t unanswered, calls_before, writes_before, reads_before;
	size_t notes;   /* of the last run */
	int64_t marked; /* number of the run that an undo takes back */
	bool verbose;

	struct buf why; /* what is wrong */
};

bool play_open(struct play *p, const struct script *s, const char *programs, const char *tmp,
	struct err *e);
void play_close(struct play *p);

void play_save(struct play *p, struct saved *s);
void play_restore(struct play *p, const struct saved *s);
void saved_free(struct saved *s);

/* One run as the options say; false only when it could not start (p->why says). */
bool play_run(struct play *p, const struct sync_options *o, struct sync_result *r_r);
/* Objects and references of the ledger as text, without keys and numbers; what does not agree with the target
 * is a line MISMATCH. */
bool play_ledger(struct play *p, struct buf *out);
bool play_conf(struct play *p); /* the configuration as it stands now */
/* For qsort of lines. */
int line_order(const void *a, const void *b);
/* Performs a step that is no run. false: p->why. */
bool play_step(struct play *p, const struct step *st);
/* Compares a run's result with what its step says. */
bool play_check_run(struct play *p, const struct step *st, const struct sync_result *r);
/* The plan of the run before, as `plan --out` keeps it. */
#define KEPT_PLAN "the plan that was kept"
bool play_keep(struct play *p);
struct sync_options play_options(const struct play *p, const struct step *st);
bool step_has(const struct step *st, const char *word);
bool play_fail(struct play *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What must hold after any run at all: no double creates, the engine kept to the protocol. */
bool play_check_always(struct play *p);
