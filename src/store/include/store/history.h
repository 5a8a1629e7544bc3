/*
 * The target file (store/ledger.h): what was done there, run by run, and what is undone of it (SEMANTICS 8.2, 9.3).
 *
 * Writers hold the ledger's transaction.
 */
#pragma once
#include "store/ledger.h"

/* --- history --- */
struct run_row {
	int64_t run, started, ended, held;
	const char *kind, *counts, *text; /* text: why it stopped; NULL = it came to its end */
	const char *held_why;             /* why the guard holds; NULL = it does not */
	int exit;
	bool released;
};
/* Until the guard has looked at its plan, what the run before it held is held. */
bool ledger_run_start(
	struct ledger *l, const char *kind, int64_t now, int64_t *run_r, struct err *e);
bool ledger_run_end(struct ledger *l, const struct run_row *r, struct err *e);
size_t ledger_runs(struct ledger *l, int64_t before, struct arena *a, struct run_row *rows,
	size_t max); /* newest first; 0 = from the top */
/* The newest that came to its end; one that goes on, or was killed, has no result. false: there is none. */
bool ledger_run_ended(struct ledger *l, struct arena *a, struct run_row *r_r);
/* Forgets whole runs, oldest first, those that ended before `before`, and more while the history is larger than
 * `bytes` (0 = no limit), but nothing of the last two days, nor what a pin or a kept plan stands on; not much more
 * than `rows` rows at once. In a transaction. */
struct history_limits {
	int64_t now, before, bytes, rows;
};
bool ledger_history_keep(
	struct ledger *l, const struct history_limits *h, int64_t *runs_r, struct err *e);
int64_t ledger_change_last(struct ledger *l); /* id of the newest change; 0 = none */
struct change {
	int64_t id, run, o, at, other;
	enum op_class class;
	const char *anchor, *name; /* filled in when read */
	const struct kind *kind;
	struct attrs before, after; /* of the attributes that changed */
	int attribute;              /* references; else -1 */
	const char *other_name;     /* filled in when read */
	const char *code, *text;    /* failed: cause; NULL = confirmed */
	bool approved;
	bool remove; /* references: taken away */
	int64_t was; /* references of one value: o of the end that this one replaced; 0 = none */
};
bool ledger_change_add(struct ledger *l, const struct change *c, struct err *e);
/* Of a run and/or object (0 = any), by id > after. */
size_t ledger_changes(struct ledger *l, int64_t run, int64_t o, int64_t after, struct arena *a,
	struct change *cs, size_t max);

/* --- undo (9.3) --- */
/* Confirmed changes of a run. each_object: once for every object of which attributes or state changed.
 * each_ref: once for every reference, with its first change. They may write while they are called. */
bool ledger_run_objects(struct ledger *l, int64_t run, bool (*each)(void *ctx, int64_t o),
	void *ctx, struct err *e);
bool ledger_run_refs(struct ledger *l, int64_t run,
	bool (*each)(void *ctx, const struct change *first), void *ctx, struct err *e);
/* References that were lost with objects which the run deleted. */
bool ledger_run_lost(struct ledger *l, int64_t run, bool (*each)(void *ctx, const struct ref *r),
	void *ctx, struct err *e);
bool ledger_refs_lost(struct ledger *l, int64_t run, int64_t o, struct err *e);
/* Confirmed ones of an object's attributes and state in a run, oldest first. */
size_t ledger_changes_of(
	struct ledger *l, int64_t run, int64_t o, struct arena *a, struct change *cs, size_t max);
/* Something was confirmed since by another run. attribute -1: attributes and state; other 0: any end. */
bool ledger_touched(
	struct ledger *l, int64_t run, int64_t o, int attribute, int64_t other, int64_t after);
/* What we last sent of an attribute before a change: false when that was nothing. */
bool ledger_value_before(struct ledger *l, int64_t o, int64_t change, const char *name,
	struct arena *a, struct attr *at_r);

/* What an undo brought about is held so until what is wanted changes, or somebody unpins it. */
enum pin_form {
	PIN_VALUES, /* there, with these values */
	PIN_OFF,    /* disabled */
	PIN_GONE,   /* not there: of kinds that cannot be disabled */
};
struct pin {
	int64_t o, run, at; /* run that was undone */
	enum pin_form form;
	const char *wants; /* digest of what was wanted then */
	bool scoped;       /* it was in scope then */
	struct attrs attrs;
};
bool ledger_pin_set(struct ledger *l, const struct pin *p, struct err *e);
bool ledger_pin(struct ledger *l, int64_t o, struct arena *a, struct pin *p_r); /* false = none */
/* It is there by the pin alone: no new references come to it. */
bool ledger_pin_unscoped(struct ledger *l, int64_t o);
bool ledger_pin_drop(struct ledger *l, int64_t o, struct err *e);
struct pin_ref {
	int64_t o, other, run, at;
	int attribute;
	bool present; /* held so */
	bool wants;   /* the directory had it then */
};
bool ledger_pin_ref_set(struct ledger *l, const struct pin_ref *p, struct err *e);
bool ledger_pin_ref(struct ledger *l, int64_t o, int attribute, int64_t other, struct pin_ref *p_r);
/* other 0: of all ends. */
bool ledger_pin_ref_drop(struct ledger *l, int64_t o, int attribute, int64_t other, struct err *e);
/* An end other than this one is held present: it takes this one's place in a reference of one value. */
bool ledger_pin_ref_other(struct ledger *l, int64_t o, int attribute, int64_t other);
struct pinned { /* for people: an object with what of it is pinned */
	int64_t o, run, at, refs;
	const char *name;
	const struct kind *kind;
	bool object;
};
size_t ledger_pinned(
	struct ledger *l, int64_t after_o, struct arena *a, struct pinned *list, size_t max);
int64_t ledger_pinned_count(struct ledger *l);
/* o 0: everything. What was pinned is looked at again. */
bool ledger_unpin(struct ledger *l, int64_t o, int64_t *count_r, struct err *e);
/* Pinned by the undo of `run`, and its references: tried at once (again). */
bool ledger_undo_dirty(struct ledger *l, int64_t run, struct err *e);
/* What is PLANNED and not of that undo becomes LATER. release: all of it is approved. */
bool ledger_undo_narrow(struct ledger *l, int64_t run, bool release, struct err *e);
