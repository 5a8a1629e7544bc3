/* The target file: names that stand parked for the length of a swap (7.1). */
#include "ledger_p.h"

bool
ledger_park(struct ledger *l, int64_t o, const struct attrs *before, struct err *e)
{
	l->parked++;
	return db_run(l->db, e, "INSERT OR REPLACE INTO parked VALUES(?, ?)", o,
		ledger_pack(before, &l->pack));
}

bool
ledger_park_over(struct ledger *l, int64_t o, struct err *e)
{
	return !l->parked || db_run(l->db, e, "DELETE FROM parked WHERE o = ?", o);
}

size_t
ledger_parked(struct ledger *l, int64_t after, struct arena *a, struct parked *list, size_t max)
{
	size_t got = 0;

	if (!l->parked)
		return 0;
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT o, before FROM parked WHERE o > ? ORDER BY o LIMIT ?", after, max);

	while (db_next(&r))
		list[got++] = (struct parked){ .o = db_int(&r, 0),
			.before = ledger_unpack(db_str(&r, 1), a) };
	return got;
}
