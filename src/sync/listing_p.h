/* Private to listing.c and drift.c: what the target shows now against what it showed after our last write. */
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
