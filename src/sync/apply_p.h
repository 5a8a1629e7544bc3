/* Private to apply.c and what it calls: operations in the air. */
#pragma once
#include "run_p.h"

enum flight_phase {
	FLIGHT_FREE,
	FLIGHT_FIND,  /* asked for, before a create */
	FLIGHT_READ,  /* asked for, before a change that must not undo another's */
	FLIGHT_READY, /* to be sent after the next commit */
	FLIGHT_SENT,
	FLIGHT_LOOK, /* refused as taken: who is there? */
};

struct flight_op {
	int64_t id, other;
	bool remove;
	enum op_class class;
	const char *key, *kind;
};

struct flight {
	enum flight_phase phase;
	int64_t id; /* of the protocol */
	struct arena *arena;
	struct object ob;
	struct op op;          /* of references: the first */
	struct flight_op *ops; /* ledger rows that this flight covers */
	size_t op_count, op_max;
	struct err *refused; /* LOOK: why; in the arena */
	bool answered;       /* LOOK: the question is out */
	bool read;           /* was asked for: what may be compared is */
	bool stale;          /* the target said that our version is not its version any more */
};

struct answer {
	struct flight *flight;
	struct wire_result result;
};

struct apply {
	struct target_run *t;
	struct flight *flights;
	size_t size, used, window, next, hint;
	size_t members_max, op_max;
	bool singly;    /* references one by one: a batch was refused */
	struct op *ops; /* a page */
	struct answer *answers;
	size_t answer_count, answer_max;
	struct arena *page, *answered;
	enum op_rank rank;
	struct op_pos pos;
	bool drained, stopped, requeue, last_pass, final, deferred;
	bool stopping;   /* for good: nothing more is sent */
	bool again;      /* something became possible by planning anew */
	bool lost;       /* a look was not answered; */
	int lost_rounds; /* how often this rank was gone through again for that */
	int64_t heard;   /* when the connector last said something (mono) */
	int64_t began, deadline, done, done_before, total, conflicts;
	struct err fatal; /* the target, or a person must act: stop after this commit */
};

#define APPLY_PAGE 256 /* rows of the plan at a time, at least */

/* flight.c */
/* One transaction: the confirmations of the answers, what comes next, and the intents of all that is ready; then the
 * lines go out. */
bool flights_launch(struct apply *ap, struct err *e);
void flight_end(struct apply *ap, struct flight *f);
bool flight_ask(
	struct apply *ap, struct flight *f, int type, struct err *e); /* enum wire_op_type */
/* elements.c: lists of an update as what is added and what leaves, where the target takes that (6.3) */
void elements_form(const struct apply *ap, struct flight *f, struct wire_op *w);
/* careful.c: changes that follow what somebody looked at (9.2) */
bool careful_needs_read(const struct apply *ap, const struct flight *f);
const char *careful_version(
	const struct apply *ap, const struct flight *f); /* for If-Match, or NULL */
/* The answer to the read. false: somebody else has changed what is to be changed, *why_r says it. */
bool careful_same(const struct target_run *t, const struct flight *f, const struct wire_result *r,
	struct err *why_r);
/* answer.c: one answer, inside the launch transaction */
bool answer_take(struct apply *ap, struct answer *an, struct err *e);
/* A name is taken: another operation of ours may free it, so not yet a failure. */
bool answer_conflict(struct apply *ap, struct flight *f, const struct err *why, struct err *e);
/* park.c: swaps of unique names; *count_r: operations of RANK_PARK that are to be performed now */
bool park_cycles(struct apply *ap, size_t *count_r, struct err *e);
bool park_restore(struct apply *ap, size_t *count_r, struct err *e);
/* match.c: what the look before a create found */
bool match_found(struct apply *ap, struct flight *f, const struct wire_result *r, struct err *e);
