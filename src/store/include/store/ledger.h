/*
 * The target file (SEMANTICS 2.3): one SQLite file per target, precious. What we own there (ledger),
 * what it was last told and showed (shadow), what is still to be looked at (dirty), what is about to be
 * or was just sent (operations: plan and journal are one table), attempts, wake-ups, approvals, history.
 *
 * One operation row lives so: PLANNED -> SENT (the intent, committed before the line goes out) -> gone
 * with the confirmation, in one transaction with shadow and history; or UNKNOWN, settled by looking.
 * At the start of a run PLANNED rows are dropped (a plan is never resumed), SENT and UNKNOWN settled.
 *
 * Writers hold a transaction (ledger_begin/commit); readers need none. Strings given out live in the
 * arena given. Sources and syncs are named by text outside and numbered inside.
 */
#pragma once
#include <stdint.h>
#include "model/entry.h"
#include "store/env.h"

struct ledger;
bool ledger_open(const char *path, const struct store_env *env, bool read_only, struct ledger **l_r,
	struct err *e);
void ledger_close(struct ledger **l);
bool ledger_check(struct ledger *l, void (*say)(void *ctx, const char *text), void *ctx,
	int64_t *findings_r, struct err *e);
bool ledger_backup(struct ledger *l, const char *to, struct err *e); /* a consistent copy */
bool ledger_begin(struct ledger *l, struct err *e);
bool ledger_commit(struct ledger *l, struct err *e);
void ledger_rollback(struct ledger *l); /* safe without a transaction */
/* Small facts by name ("default-map", "server"...). get: arena text or NULL. */
char *ledger_get(struct ledger *l, const char *name, struct arena *a);
bool ledger_set(struct ledger *l, const char *name, const char *value, struct err *e);
int64_t ledger_number(struct ledger *l, const char *name); /* 0: there is none */
/* Written only when it is another one. */
bool ledger_number_set(struct ledger *l, const char *name, int64_t value, struct err *e);

/* --- projection position, per source --- */
struct projected {
	int64_t rev;
	char digest[65];
	char mirror[40];
}; /* rules' digest, mirror's incarnation */
bool ledger_projected(struct ledger *l, const char *source, struct projected *p_r,
	struct err *e); /* zeros when new */
bool ledger_projected_set(
	struct ledger *l, const char *source, const struct projected *p, struct err *e);

/* --- objects --- */
enum object_state {
	OBJECT_NEW,     /* wanted, not yet at the target */
	OBJECT_LINKED,  /* ours, in scope */
	OBJECT_LEFT,    /* ours, left scope: disabled or kept there */
	OBJECT_MISSING, /* ours, but the target says it is gone (6.4) */
	OBJECT_DELETED, /* was ours; the row stays for history */
	OBJECT_FOREIGN, /* never ours: a member that others put into a group of ours (members = "exact") */
};
const char *object_state_name(enum object_state s);
struct object {
	int64_t o;
	const char *anchor; /* externalId, fixed (2.3) */
	const struct kind *kind;
	enum object_state state;
	const char *key;  /* the target's id; NULL = none */
	const char *name; /* unique name as last sent, or wanted while NEW */
	const char *sync, *source;
	int64_t n; /* entry in the source's mirror */
	const char *version;
	bool wanted;       /* by the last projection: in scope and mapped */
	bool active;       /* as last sent */
	int64_t left_at;   /* 0 = has not left */
	struct attrs sent; /* what we told the target, mapped attributes only */
	struct attrs seen; /* as it showed after our last write; empty when it shows nothing */
};
/* In sent and seen: a value that says that it is not known what is there. Values hold no NUL, so it differs from
 * all that can be wanted. In sent it stands beside what we may have put there. */
extern const struct str shadow_unknown;
/* The same in seen, of what was sent once more because it was not there: the next look tells how our write shows. */
extern const struct str shadow_again;
bool shadow_is_unknown(const struct attr *a); /* a may be NULL */
bool shadow_is_list(const char *name); /* of elements, of which others may have put some (6.3) */
/* What of sent is there is not known any more; tried (may be NULL): what was sent besides. */
void shadow_forget(struct attrs *sent, const char *name, const struct attr *tried);
int64_t ledger_find(struct ledger *l, const char *anchor);                  /* 0 = none */
int64_t ledger_find_entry(struct ledger *l, const char *source, int64_t n); /* 0 = none */
bool ledger_object(
	struct ledger *l, int64_t o, struct arena *a, struct object *ob_r, struct err *e);
/* Light look for links: state, kind and key only. False when o is unknown. */
struct object_brief {
	enum object_state state;
	const struct kind *kind;
	bool wanted;
	int64_t n;
	char key[256];
};
bool ledger_brief(struct ledger *l, int64_t o, struct object_brief *b_r);
bool ledger_object_add(struct ledger *l, const struct object *ob, int64_t *o_r, struct err *e);
bool ledger_object_save(
	struct ledger *l, const struct object *ob, struct err *e);   /* all fields but anchor */
bool ledger_object_drop(struct ledger *l, int64_t o, struct err *e); /* NEW only */
/* Numbers of entries that no mirror gives, so that what has none can be looked at: an orphan that was
 * adopted; and what was ours when its mirror was made anew, and was not in it. */
static inline int64_t
ledger_n_orphan(int64_t o)
{
	return INT64_MIN + o;
}
static inline int64_t
ledger_n_lost(int64_t o)
{
	return -o;
}
static inline bool
ledger_n_is_lost(int64_t n)
{
	return n < 0 && n > INT64_MIN / 2;
}
/* Entries of a source were renumbered (mirror rebuilt): find gives the new n, 0 = not there. */
bool ledger_renumber(struct ledger *l, const char *source,
	int64_t (*find)(void *ctx, const char *anchor), void *ctx, struct err *e);
/* What the ledger held: owned (LINKED, LEFT, MISSING) and of these active. */
bool ledger_counts(struct ledger *l, const char *sync, const struct kind *k, int64_t *owned_r,
	int64_t *active_r);
/* Objects of a source in pages by o > after. */
size_t ledger_objects(
	struct ledger *l, const char *source, int64_t after, int64_t *os, int64_t *ns, size_t max);

/* --- references at the target, as rows; attribute = index into kind->refs --- */
bool ledger_ref_set(
	struct ledger *l, int64_t o, int attribute, int64_t other, bool present, struct err *e);
bool ledger_refs_forget(
	struct ledger *l, int64_t o, struct err *e); /* both directions: the object is gone */
int64_t ledger_ref_count(struct ledger *l, int64_t o, int attribute);
int64_t ledger_ref_total(struct ledger *l,
	const char *sync); /* references of multi-valued attributes, of all its objects */
struct ref {
	int64_t o, other;
	int attribute;
};
/* Of o (reverse: pointing to o), in pages: after = last one got, NULL at first. */
size_t ledger_refs(struct ledger *l, int64_t o, bool reverse, const struct ref *after,
	struct ref *list, size_t max);

/* --- dirty list (5.1): what is to be looked at, kept until confirmed --- */
enum dirty_why {
	DIRTY_ENTRY = 1,
	DIRTY_MOVED = 2,
	DIRTY_GROUP = 4,
	DIRTY_TIME = 8,
	DIRTY_CONFIG = 16,
	DIRTY_AGAIN = 32,
	DIRTY_PIN = 64 /* pinned, or not any more: its references are looked at, too (9.3) */
};
/* New news about an entry: unplanned again, and its back-off is over. AGAIN keeps the back-off. */
bool ledger_dirty_add(
	struct ledger *l, const char *source, int64_t n, enum dirty_why why, struct err *e);
bool ledger_dirty_done(struct ledger *l, const char *source, int64_t n, struct err *e);
/* An operation of it was confirmed: done, unless another one failed since it was planned. */
bool ledger_dirty_confirmed(struct ledger *l, const char *source, int64_t n, struct err *e);
/* The rows from first to last, as ledger_dirty gave them: their operations are in the plan. */
bool ledger_dirty_planned(struct ledger *l, const char *source, int64_t now, int64_t first,
	int64_t last, struct err *e);
bool ledger_dirty_wait(struct ledger *l, const char *source, int64_t n, int64_t until,
	struct err *e); /* planned again after that */
/* Unplanned rows whose wait is over, n > after, in order of n. why: bits. */
struct dirty {
	int64_t n;
	unsigned why;
};
size_t ledger_dirty(struct ledger *l, const char *source, int64_t now, int64_t after,
	struct dirty *list, size_t max);
int64_t ledger_dirty_count(struct ledger *l);
struct dirty_link {
	int64_t owner, other;
	int attribute;
}; /* owner, other: n of entries; attribute: index into refs */
bool ledger_dirty_link_add(
	struct ledger *l, const char *source, const struct dirty_link *d, struct err *e);
bool ledger_dirty_link_done(
	struct ledger *l, const char *source, const struct dirty_link *d, struct err *e);
bool ledger_dirty_links_planned(struct ledger *l, const char *source, int64_t now,
	const struct dirty_link *first, const struct dirty_link *last, struct err *e);
bool ledger_dirty_link_wait(struct ledger *l, const char *source, const struct dirty_link *d,
	int64_t until, struct err *e);
size_t ledger_dirty_links(struct ledger *l, const char *source, int64_t now,
	const struct dirty_link *after, struct dirty_link *ls, size_t max);
/* Both ends of a link as the target has them; false when one has no object. */
struct link_view {
	int64_t o, p; /* objects of owner and other end */
	struct object_brief owner, other;
	bool has;     /* the reference is at the target */
	bool theirs;  /* ... and others put it there */
	bool planned; /* an operation for it is PLANNED */
};
bool ledger_link_view(
	struct ledger *l, const char *source, const struct dirty_link *d, struct link_view *v_r);
/* Start of a run: everything dirty is unplanned, PLANNED operations are dropped. */
bool ledger_plan_reset(struct ledger *l, struct err *e);

/* --- operations: the plan and the journal --- */
enum op_class {
	CLASS_CREATE,
	CLASS_ADOPT,
	CLASS_UPDATE,
	CLASS_DISABLE,
	CLASS_SEEN_DISABLE,
	CLASS_ENABLE,
	CLASS_DELETE,
	CLASS_RECREATE,
	CLASS_MEMBER_ADD,
	CLASS_MEMBER_REMOVAL,
	CLASS_FOLLOWING, /* a removal that follows from something counted already (8.2) */
	CLASS_PARK,      /* unique values out of the way of a swap, or back (7.1); never planned */
	CLASS_COUNT
};
const char *op_class_name(enum op_class c);
enum op_rank {
	RANK_DISABLE,
	RANK_CREATE,
	RANK_REFS,
	RANK_UPDATE,
	RANK_REMOVE,
	RANK_COUNT,
	RANK_PARK = RANK_COUNT /* between two rounds over the others */
};
enum op_state { OP_PLANNED, OP_SENT, OP_UNKNOWN };
/* SCOPE: what the scope names is not in the directory, so that nobody has left, or may come, by that. */
/* LATER: not what this run is for (9.2): waits for the next one, and is counted by no limit. */
enum op_hold {
	HOLD_NONE,
	HOLD_GUARD,
	HOLD_APPROVAL,
	HOLD_PROTECTED,
	HOLD_AMBIGUOUS,
	HOLD_SCOPE,
	HOLD_LATER
};
const char *op_hold_name(
	enum op_hold h); /* "", "guard", "approval", "protected", "ambiguous", "scope", "not now" */
struct op {
	int64_t id;
	int64_t o;
	enum op_class class;
	enum op_rank rank;
	enum op_state state;
	enum op_hold held;
	bool approved;
	int attribute; /* index into kind->refs; -1 = not a reference operation */
	bool remove;   /* reference operation: takes away */
	int64_t other; /* o of the other end; 0 = none */
	const char
		*key; /* adopt: the key found; create: the one key that is approved for adoption */
	struct attrs attrs; /* create, update: what to send */
	int64_t settle_at;  /* UNKNOWN: not to be looked at before */
};
bool ledger_op_add(struct ledger *l, const struct op *op, int64_t *id_r, struct err *e);
bool ledger_op_sent(struct ledger *l, int64_t id, struct err *e);
bool ledger_op_unknown(struct ledger *l, int64_t id, int64_t settle_at, struct err *e);
/* After the target's connector died: every SENT one is UNKNOWN, to be looked at after settle seconds. */
bool ledger_ops_unknown(struct ledger *l, int64_t settle_at, struct err *e);
bool ledger_op_planned(
	struct ledger *l, int64_t id, struct err *e); /* back from SENT: certainly not done */
bool ledger_op_adopt(struct ledger *l, int64_t id, const char *key, enum op_hold held,
	struct err *e); /* create -> adopt */
bool ledger_op_drop(struct ledger *l, int64_t id, struct err *e);
bool ledger_ops_drop_object(
	struct ledger *l, int64_t o, struct err *e); /* PLANNED non-reference ones */
bool ledger_op_drop_ref(
	struct ledger *l, int64_t o, int attribute, int64_t other, struct err *e); /* PLANNED */
bool ledger_op_pending(struct ledger *l, int64_t o); /* any non-reference row for o */
bool ledger_op_open(struct ledger *l, int64_t o);    /* SENT or UNKNOWN ones among them */
/* PLANNED and not held, of a rank, in pages. Order: by id; references by (o, attribute, id).
 * pos: zeros at first, advanced by the call. */
struct op_pos {
	int64_t id, o;
	int attribute;
};
size_t ledger_ops(struct ledger *l, enum op_rank rank, struct op_pos *pos, struct arena *a,
	struct op *ops, size_t max);
size_t ledger_ops_open(struct ledger *l, int64_t after, struct arena *a, struct op *ops,
	size_t max); /* SENT and UNKNOWN, by id */
size_t ledger_ops_all(struct ledger *l, int64_t after, struct arena *a, struct op *ops,
	size_t max); /* PLANNED, by id: for printing */
struct op_count {
	const char *sync;
	const struct kind *kind;
	enum op_class class;
	int64_t count, held, approved;
};
size_t ledger_op_counts(struct ledger *l, struct arena *a, struct op_count **list_r); /* PLANNED */
int64_t ledger_held_now(struct ledger *l); /* PLANNED and held; without FOLLOWING and LATER */
int64_t ledger_later(struct ledger *l);    /* PLANNED and LATER */
int64_t ledger_op_left(struct ledger *l);  /* PLANNED and not held */

/* --- guard and approvals --- */
bool ledger_hold_class(struct ledger *l, const char *sync, const struct kind *k, enum op_class c,
	enum op_hold why, struct err *e); /* all PLANNED ones not approved */
bool ledger_hold_object(
	struct ledger *l, int64_t o, enum op_class c, enum op_hold why, struct err *e);
/* Holds what follows (class FOLLOWING) from an object whose own operation is held. */
bool ledger_hold_following(struct ledger *l, struct err *e);
struct group_removals {
	int64_t o;
	int64_t removals;
};
/* Groups of a sync with unapproved member removals planned. */
size_t ledger_member_removals(
	struct ledger *l, const char *sync, struct arena *a, struct group_removals **list_r);
int64_t ledger_removed_since(struct ledger *l, int64_t o,
	int64_t since); /* of one group: confirmed, not approved ones */
int64_t ledger_done_since(struct ledger *l, const char *sync, const struct kind *k, enum op_class c,
	int64_t since); /* confirmed, not approved ones */
bool ledger_holds_record(struct ledger *l, int64_t run, int64_t *count_r,
	struct err
		*e); /* held operations -> hold list of the run; the same again is not kept twice */
struct held {
	enum op_class class;
	const struct kind *kind;
	const char *name, *other;
};
size_t ledger_held(struct ledger *l, int64_t run, int64_t skip, struct arena *a, struct held *list,
	size_t max);
bool ledger_release(struct ledger *l, int64_t run, int64_t *pairs_r,
	struct err *e); /* codes "no-such-run", "nothing-held" */
bool ledger_approvals_apply(
	struct ledger *l, struct err *e); /* marks approved PLANNED operations, lifts their holds */

/* --- protection (8.4): the lines of the guard's lists that protect an object, or did when it was last looked at --- */
struct protection {
	const char *name, *group; /* NULL = none */
};
bool ledger_protection(
	struct ledger *l, int64_t o, struct arena *a, struct protection *p_r); /* false = none */
bool ledger_protects(struct ledger *l, const char *line); /* an object is protected by it */
bool ledger_protection_set(struct ledger *l, int64_t o, const struct protection *p, struct err *e);

/* --- adoption (3.2): what was found at the target in place of an object that is to be created --- */
struct match {
	int64_t o;
	const char *key, *external, *name; /* there; external NULL = none */
	bool hard;                         /* it bears the identity of o */
};
/* What was found last takes the place of what was found before; count 0: nothing. */
bool ledger_matches_set(
	struct ledger *l, int64_t o, const struct match *list, size_t count, struct err *e);
/* A creation was sent, and nobody could say what became of it: what bears the object's identity may be ours (I3).
 * Until ledger_tried_over. */
bool ledger_tried_add(struct ledger *l, int64_t o, struct err *e);
bool ledger_tried(struct ledger *l, int64_t o);
bool ledger_tried_over(struct ledger *l, int64_t o, struct err *e);
/* Of objects o > after, in order of o, never cut within one object: what is given out is whole, unless one has
 * more than max alone. */
size_t ledger_matches(
	struct ledger *l, int64_t after, struct arena *a, struct match *list, size_t max);
/* Consent to take this one over for o: the next run does, if it is still what is found. */
bool ledger_adopt_approve(struct ledger *l, int64_t o, const char *key, struct err *e);
bool ledger_adopt_approved(struct ledger *l, int64_t o); /* and not done yet */
int64_t ledger_find_key(
	struct ledger *l, const struct kind *k, const char *key); /* 0 = no object of ours */

/* --- plans kept for `apply` (9.1): a copy of what was PLANNED, under the digest of its file --- */
#define PLANS_KEPT 20 /* older ones are forgotten */
/* In a transaction. */
bool ledger_plan_keep(struct ledger *l, const char *digest, int64_t now, struct err *e);
int64_t ledger_plan_find(struct ledger *l, const char *digest); /* 0 = not known */
/* `run` applies the plan: what it does counts as done when the plan is applied again. */
bool ledger_plan_run(struct ledger *l, int64_t plan, int64_t run, struct err *e);
/* Finds the PLANNED operation that is the same for each of the plan's: same class, ends, values and values
 * before. What has none, and was not done by a run of this plan, differs. */
bool ledger_plan_match(struct ledger *l, int64_t plan, struct err *e);
/* Objects of the plan whose operations differ, after ledger_plan_match, by anchor > after. */
struct plan_difference {
	const char *anchor, *name;
	const struct kind *kind;
	const char *was, *now; /* operations as text: "update title = Chief", or "nothing" */
};
size_t ledger_plan_differs(struct ledger *l, int64_t plan, const char *after, struct arena *a,
	struct plan_difference *list, size_t max);
/* After ledger_plan_match: what is PLANNED and not of the plan becomes LATER. release: what is held and of the
 * plan is approved. */
bool ledger_plan_narrow(struct ledger *l, int64_t plan, bool release, struct err *e);

/* --- parking (7.1): objects whose unique values stand elsewhere for the length of a swap --- */
struct parked {
	int64_t o;
	struct attrs before; /* what they had, to be given back when the swap fails */
};
bool ledger_park(struct ledger *l, int64_t o, const struct attrs *before, struct err *e);
bool ledger_park_over(struct ledger *l, int64_t o, struct err *e);
size_t ledger_parked(struct ledger *l, int64_t after, struct arena *a, struct parked *list,
	size_t max); /* by o */

/* --- attempts: back-off per object (7.3), and problems of entries that could not become objects --- */
struct attempt {
	int64_t o;
	int count;
	int64_t next_at, since;
	const char *code, *text, *op;
};
bool ledger_attempt_failed(struct ledger *l, int64_t o, const char *op, const struct err *why,
	int64_t now, int64_t *next_at_r, struct err *e);
/* Failures of objects of which nothing waits to be tried again are over: it succeeded since, or is not
 * wanted any more. For the end of a run that applied its plan. */
bool ledger_attempts_over(struct ledger *l, struct err *e);
/* Something about it was done; not over while another of its references waits. */
bool ledger_attempt_clear(struct ledger *l, int64_t o, struct err *e);
/* A unique name came free: objects that failed because theirs was taken are due now. */
bool ledger_attempts_freed(struct ledger *l, int64_t *due_r, struct err *e);
/* Somebody wants it now: whatever waits for its time is due. */
bool ledger_waits_over(struct ledger *l, struct err *e);
bool ledger_attempt(
	struct ledger *l, int64_t o, struct arena *a, struct attempt *at_r); /* false = none */
size_t ledger_attempts(
	struct ledger *l, int64_t after_o, struct arena *a, struct attempt *list, size_t max);
struct problem {
	const char *source, *id, *code, *text;
	int64_t n, since;
};
bool ledger_problem_set(
	struct ledger *l, const struct problem *p, struct err *e); /* code NULL clears */
size_t ledger_problems(struct ledger *l, const struct problem *after, struct arena *a,
	struct problem *list, size_t max); /* in pages: after = last one got, NULL at first */

int64_t ledger_failing(struct ledger *l); /* attempts and problems */
/* The same by cause, most frequent first. */
struct failing_code {
	const char *code;
	int64_t count;
};
size_t ledger_failing_codes(
	struct ledger *l, struct arena *a, struct failing_code *list, size_t max);

/* --- wake-ups (5.2) --- */
bool ledger_wake_set(struct ledger *l, const char *source, int64_t n, int64_t at,
	struct err *e); /* INT64_MAX clears */
bool ledger_wake_sooner(struct ledger *l, const char *source, int64_t n, int64_t at,
	struct err *e); /* unless an earlier one is set */
bool ledger_wake_due(struct ledger *l, const char *source, int64_t now,
	struct err *e);                     /* due ones become dirty */
int64_t ledger_wake_next(struct ledger *l); /* INT64_MAX = none */
int64_t ledger_due_next(struct ledger *l);  /* the same, and retries that wait (7.3) */

/* --- history --- */
struct run_row {
	int64_t run, started, ended, held;
	const char *kind, *counts, *text;
	int exit;
	bool released;
};
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
int64_t ledger_object_left(struct ledger *l, int64_t o); /* left_at; 0 = has not left */
struct shared_name {
	const char *name; /* as the first of them writes it */
	const struct kind *kind;
	int64_t count;
};
/* Unique names that several wanted objects have; without case of ASCII. A scan. */
size_t ledger_names_shared(struct ledger *l, struct arena *a, struct shared_name *list, size_t max);
int64_t ledger_find_name(struct ledger *l, const char *name); /* 0 = none, or several */
