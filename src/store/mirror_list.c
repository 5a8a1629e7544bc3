/* All entries, one after the other: for lists that people look through. */
#include "mirror_p.h"

bool
mirror_each(
	struct mirror *m, bool (*each)(void *ctx, const struct entry *en), void *ctx, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_ROWS struct db_rows r = db_query(m->db, e,
		"SELECT " ENTRY_COLUMNS " FROM entry WHERE presence IN (1, 2) ORDER BY n");

	while (db_next(&r)) {
		struct entry en;

		if (!entry_of_row(m, &r, a, &en, e))
			return false;
		if (!each(ctx, &en))
			return true;
		arena_reset(a);
	}
	return !r.failed;
}
