/*
 * Plan: pure decisions. What is wanted for one object against its shadow gives operations; classes are
 * counted against limits. No I/O, no clock: `now` comes in.
 *
 * Order of doing (7.1), and why it is right:
 *   disables      first: never behind anything else (I5); they depend on nothing
 *   creates       without references, so that cycles of managers and groups are no problem
 *   references    need both ends: after creates
 *   updates       a name freed by one may serve another, so name conflicts are tried again after others
 *                 succeeded
 *   removals      last: nothing is taken away before its replacement is there
 */
#pragma once
#include "conf/conf.h"
#include "model/entry.h"
#include "rules/rules.h"
#include "store/history.h"

struct decide_input {
	const struct kind *kind;
	const struct object *object; /* NULL = none yet */
	bool wanted;                 /* in scope */
	const struct mapped *mapped; /* when wanted */
	bool seen_off; /* when not: the directory has it, and says that the account is off */
	enum leave leave;
	int64_t grace;
	int64_t now;
};
struct decision {
	struct op ops[2];
	size_t op_count; /* o, id not yet filled in */
	bool add;        /* wanted and no object row yet: one is needed */
	bool forget;     /* never linked and not wanted: drop the object row */
	bool leaves;     /* LINKED now, out of scope from now on: its references go too */
	enum object_state
		state; /* the state to save at once; operations move it further when confirmed */
	int64_t wake;  /* when grace ends; INT64_MAX = never */
};
void plan_decide(const struct decide_input *in, struct arena *a, struct decision *d_r);
/* Of an object whose mapping failed: the disable alone, when what was mapped says so (I5). */
void plan_disable(const struct kind *k, const struct object *ob, const struct mapped *m,
	struct arena *a, struct decision *d_r);
/* Attributes of wanted that differ from sent ([] = to be cleared); held-back ones (steps with errors) are left alone. */
void plan_diff(const struct mapped *m, const struct attrs *sent, struct attrs *diff_r);

/* Guard (8): may `count` operations of a class happen now, given what was done within 24 h and what the
 * ledger held before? */
struct guard_input {
	const struct conf_limit *limit;
	int64_t floor, count, done_24h, held_before;
};
struct guard_verdict {
	bool hold;
	int64_t allowed;
};
void plan_guard(const struct guard_input *in, struct guard_verdict *v_r);
/* The limit that governs an operation class; NULL = none. *group_r: classes counted together share one. */
const struct conf_limit *plan_limit(const struct conf_guard *g, enum op_class c);

/* Taking back (9.3) what a run did to one object: what it was before, as far as that is known. */
enum undo_form {
	UNDO_NOTHING, /* cannot be, or need not: why */
	UNDO_VALUES,  /* there, with these values */
	UNDO_OFF,     /* disabled: it was made */
	UNDO_GONE,    /* deleted: it was made, and cannot be disabled */
};
struct undo_input {
	const struct object *object; /* as it is now */
	const struct change
		*changes; /* of the run, confirmed, of attributes and state, oldest first */
	size_t count;
};
struct undo {
	enum undo_form form;
	struct attrs values; /* all of them, not what differs alone */
	const char *why;     /* NOTHING: why */
	const char *lost;    /* what does not come back; NULL = nothing */
};
void plan_undo(const struct undo_input *in, struct arena *a, struct undo *u_r);
