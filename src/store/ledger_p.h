/* Private to the ledger's files. */
#pragma once
#include "store/db.h"
#include "store/ledger.h"

struct ledger {
	struct db *db;
	int64_t attempts; /* rows in attempt: most of the time none, then nothing need be cleared */
	int64_t wakes;    /* the same of wake-ups, */
	int64_t problems; /* and of problems, */
	int64_t matches;  /* and of matches: upper bounds all four */
	struct buf pack;  /* scratch for packed attributes */
};

struct str ledger_pack(const struct attrs *as, struct buf *scratch);
struct attrs ledger_unpack(struct str packed, struct arena *a);
const struct kind *ledger_kind(int64_t id);
