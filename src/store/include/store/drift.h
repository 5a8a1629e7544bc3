/*
 * The target file (store/ledger.h): what a listing of the target showed (SEMANTICS 6). Rows on disk, so
 * that memory stays flat whatever the target holds:
 *
 *   listed     objects of ours that the listing under way has shown, and which of ours are to be looked at
 *              alone before anything is concluded
 *   listed_ref references of one owner, as they were shown
 *   drift      what was found to differ: the report of the last listing
 *   stranger   objects there that bear an externalId and are none of ours
 *
 * All are made anew by each listing. Writers hold the ledger's transaction.
 */
#pragma once
#include "store/ledger.h"

bool ledger_listing_begin(struct ledger *l, struct err *e);
/* Which object of ours that is: by key, else by externalId. 0 = none. *same_r: it shows what it showed after our
 * last write, byte for byte, and bears its identity. */
int64_t ledger_listed_find(struct ledger *l, const struct kind *k, const char *key,
	const char *external, const struct attrs *seen, bool *same_r);
enum listed_as {
	LISTED_FINE,
	LISTED_SUSPECT, /* to be read alone before anything is concluded */
	LISTED_AGAIN,   /* sent once more in this run, and read after that (6.2) */
};
bool ledger_listed_add(struct ledger *l, int64_t o, enum listed_as as, struct err *e);
/* Of a kind whose listing was sealed: those of ours that are said to be there and were not shown. */
bool ledger_listed_absent(struct ledger *l, const struct kind *k, struct err *e);
size_t ledger_listed(struct ledger *l, enum listed_as as, int64_t after, int64_t *os, size_t max);

/*
 * References as a reading of the target shows them, of one owner at a time: rows of listed_ref, compared with those
 * of ref, and gone. ref.shown tells whether what we put there was ever shown, so that no service that does not show
 * one is written to without end; what is sent again keeps it, in ref_again.
 */
enum ref_shown {
	REF_UNSHOWN,
	REF_SHOWN,
	REF_RESENT, /* not shown, sent once more: not shown after that means that it never is */
	REF_THEIRS, /* others put it there, and it is to go (members = "exact") */
};
bool ledger_listed_ref_add(struct ledger *l, int64_t o, int attribute, const char *key,
	const struct kind *k, struct err *e); /* k NULL: not said */
bool ledger_listed_refs_drop(struct ledger *l, int64_t o, struct err *e);
/* LINKED and wanted ones of a kind, o > after. */
size_t ledger_ref_owners(
	struct ledger *l, const struct kind *k, int64_t after, int64_t *os, size_t max);
/* Of one value: what we put there is this (n 0: nothing), and was shown so before. */
bool ledger_ref_single_same(struct ledger *l, int64_t o, int attribute, struct str key);
struct listed_ref {
	int64_t other; /* 0 = no object of ours */
	enum ref_shown shown;
	const char *key, *name;
	const struct kind *kind; /* NULL = not said */
};
/* After an owner's references were read. lost: what we put there and was not shown, other > after; extra: what was
 * shown and we did not put there, key > after (NULL at first). What is still to be done is neither. */
bool ledger_refs_shown(struct ledger *l, int64_t o, int attribute, struct err *e);
size_t ledger_refs_lost_there(struct ledger *l, int64_t o, int attribute, int64_t after,
	struct arena *a, struct listed_ref *list, size_t max);
size_t ledger_refs_extra(struct ledger *l, int64_t o, int attribute, const char *after,
	struct arena *a, struct listed_ref *list, size_t max);
/* It is not there any more: to be put there again. */
bool ledger_ref_gone(
	struct ledger *l, int64_t o, int attribute, const struct listed_ref *r, struct err *e);
/* Others put it there: known from now on as one that is to go; or ours after all. */
bool ledger_ref_mark(struct ledger *l, int64_t o, int attribute, int64_t other,
	enum ref_shown shown, struct err *e);
/* A row for an object of others, so that its reference can be spoken of. */
int64_t ledger_foreign_find(struct ledger *l, const struct kind *k, const char *key); /* 0 = none */
bool ledger_foreign_add(struct ledger *l, const struct kind *k, const char *key, const char *name,
	const struct object *owner, int64_t *o_r, struct err *e);

enum drift_what {
	DRIFT_OURS,      /* what we own differs: planned again */
	DRIFT_ELSEWHERE, /* what others own differs: reported, left alone (6.3) */
	DRIFT_MISSING,   /* the object is not there any more (6.4) */
};
const char *drift_what_name(enum drift_what w); /* "ours", "elsewhere", "missing" */
struct drift {
	int64_t o;
	enum drift_what what;
	struct attrs was, now; /* of what differs: after our last write, and in the listing */
};
bool ledger_drift_add(struct ledger *l, const struct drift *d, struct err *e);
/* In pages by (o, what): after = the last one got, NULL at first. */
size_t ledger_drifts(struct ledger *l, const struct drift *after, struct arena *a,
	struct drift *list, size_t max);

enum stranger_proof {
	PROOF_FOREIGN, /* its externalId has another form than ours: another tool's */
	PROOF_NONE,    /* looks like one of our identities, and the directory has no trace of it */
	PROOF_TOMBSTONE, /* the directory has deleted that entry */
	PROOF_OUT,       /* the entry is there, and in no scope */
	PROOF_EXCLUSIVE, /* no trace, but the target is ours alone */
};
const char *stranger_proof_name(enum stranger_proof p);
struct stranger {
	int64_t id;
	const struct kind *kind;
	const char *key, *external, *name;
	bool active;
	enum stranger_proof proof;
	const char *source; /* where the entry is, or was; NULL = no trace */
	int64_t n;
	bool approved; /* `adopt --orphans`: the next run takes it over */
};
bool ledger_stranger_add(struct ledger *l, const struct stranger *s, struct err *e);
bool ledger_stranger_judged(struct ledger *l, const struct stranger *s, struct err *e);
bool ledger_stranger_drop(struct ledger *l, int64_t id, struct err *e);
bool ledger_stranger_approve(struct ledger *l, int64_t id, struct err *e);
/* In pages by id; approved: those alone. */
size_t ledger_strangers(struct ledger *l, bool approved, int64_t after, struct arena *a,
	struct stranger *list, size_t max);
int64_t ledger_stranger_count(
	struct ledger *l, bool orphans); /* those of proofs NONE to EXCLUSIVE, or all */
struct drift_counts {
	int64_t ours, elsewhere, missing; /* objects */
};
void ledger_drift_counts(struct ledger *l, struct drift_counts *c_r);
