/* Private to listing.c, drift.c and drift_refs.c: what the target shows now against what it showed after our last write. */
#pragma once
#include "run_p.h"
#include "store/drift.h"

struct differing {
	struct drift ours, elsewhere;
	bool rebase; /* ob->seen was not known in part, and now is: save it */
	bool look;   /* a list is not enough to tell: it is to be read alone */
};
/* alone: it was read by itself. */
void drift_compare(const struct target_run *t, struct object *ob, const struct attrs *now,
	bool alone, struct differing *d_r);
/* It bears another externalId than the one we gave it. */
bool drift_identity(struct target_run *t, struct object *ob, const char *external, struct err *e);
/* Looks at every suspect alone, and concludes: drift, missing. false: the target failed. */
bool drift_verify(struct target_run *t, struct err *e);
struct drift drift_of(const struct object *ob, enum drift_what what);
void drift_differs(
	struct drift *d, const char *name, const struct attr *was, const struct attr *now);

/* drift_ref.c. References of one value, as a listing or a look shows them beside the attributes; taken out of seen. */
struct refs_now {
	struct str key[3]; /* by index into kind->refs; n 0 = none */
};
struct refs_now refs_take(const struct kind *k, struct attrs *seen);
bool refs_strip(struct attrs *seen, const char *attribute); /* true: it was there */
/* All of object o are as we put them there, and were shown before. */
bool refs_same(struct target_run *t, const struct kind *k, int64_t o, const struct refs_now *now);
/* One differs from what we put there. */
bool refs_differ(struct target_run *t, const struct object *ob, const struct refs_now *now);
/* After a look: into d, and what we put there and is gone is to be put there again. */
bool refs_conclude(struct target_run *t, struct object *ob, const struct refs_now *now,
	struct differing *d, bool *gone_r, struct err *e);
bool refs_mapped(const struct target_run *t, const struct object *ob, int attribute);
bool refs_compared(
	const struct target_run *t, const struct object *ob); /* not of those that left */
const char *refs_label(const struct listed_ref *r);           /* for people */
/* The link behind it is planned anew. */
bool refs_look_at(
	struct target_run *t, const struct object *ob, int attribute, int64_t other, struct err *e);
/* drift_refs.c. References of several values - members -, owner by owner. *incomplete_r: some could not be read. */
bool refs_read(struct target_run *t, int64_t *owners_r, bool *incomplete_r, struct err *e);
/* Of those that were put there again in this run: do they show now? */
bool refs_look_after(struct target_run *t, struct err *e);
