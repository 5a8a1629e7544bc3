/* All entries, one after the other: for lists that people look through. */
#include "mirror_p.h"

bool
mirror_each(
	struct mirror *m, bool (*each)(void *ctx, const struct entry *en), void *ctx, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_ROWS struct db_rows r = db_query(m->db, e,
		"SELECT id, rdn, parent, presence, rev, attrs, n FROM entry WHERE presence IN (1, "
		"2)"
		" ORDER BY n");

	while (db_next(&r)) {
		struct entry en = {
			.n = db_int(&r, 6),
			.id = id_text(&r, 0, a),
			.rdn = db_null(&r, 1) ? "" : arena_strdup(a, db_text(&r, 1)),
			.parent = db_int(&r, 2),
			.presence = (enum presence)db_int(&r, 3),
			.rev = db_int(&r, 4),
			.attrs = attrs_new(a),
		};

		if (!db_null(&r, 5) && !attrs_unpack(db_str(&r, 5), a, &en.attrs, e))
			return err_wrap(e, "%s: entry %lld", db_path(m->db), (long long)en.n);
		if (!each(ctx, &en))
			return true;
		arena_reset(a);
	}
	return !r.failed;
}
