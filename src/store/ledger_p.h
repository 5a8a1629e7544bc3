/* Private to the ledger's files. */
#pragma once
#include "store/db.h"
#include "store/history.h"

/* What the open transaction changes of the counts; see ledger_tally.c. */
struct tally {
	char *sync;
	int64_t kind, owned, active;
};

struct ledger {
	struct db *db;
	int64_t attempts; /* rows in attempt: most of the time none, then nothing need be cleared */
	int64_t wakes;    /* the same of wake-ups, */
	int64_t problems; /* and of problems, */
	int64_t matches;  /* of matches, */
	int64_t tried;    /* of creations never answered, */
	int64_t parked;   /* of parked objects, */
	int64_t protections; /* of protected objects, */
	int64_t again;       /* of ref_again, */
	int64_t pins;        /* and of pins: upper bounds all nine */
	struct buf pack;     /* scratch for packed attributes */
	struct tally *tallies;
	size_t tally_count, tally_max;
};

struct str ledger_pack(const struct attrs *as, struct buf *scratch);
struct attrs ledger_unpack(struct str packed, struct arena *a);
const struct kind *ledger_kind(int64_t id);

#define CHANGE_COLUMNS                                                                             \
	"SELECT c.id, c.run, c.o, c.at, c.class, c.attribute, c.other, c.before, c.after, "        \
	"c.code, c.text,"                                                                          \
	" c.approved, b.anchor, b.name, b.kind, p.name, c.remove, c.was FROM change c JOIN "       \
	"object b ON b.o = c.o LEFT JOIN object p ON p.o = c.other "
size_t changes_read(struct db_rows *r, struct arena *a, struct change *cs);

bool tally_note(struct ledger *l, const struct object *ob, struct err *e); /* before it is saved */
bool tally_flush(struct ledger *l, struct err *e);
void tally_clear(struct ledger *l);
bool tally_check(struct ledger *l, void (*say)(void *ctx, const char *text), void *ctx,
	int64_t *findings_r, struct err *e);
