/* The target file: what a run changed, for taking it back (SEMANTICS 9.3). */
#include "ledger_p.h"

#include <string.h>

bool
ledger_run_objects(
	struct ledger *l, int64_t run, bool (*each)(void *ctx, int64_t o), void *ctx, struct err *e)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, e,
		"SELECT DISTINCT o FROM change WHERE run = ? AND attribute < 0 AND code IS NULL "
		"ORDER BY o",
		run);

	while (db_next(&r))
		if (!each(ctx, db_int(&r, 0)))
			return false;
	return !r.failed;
}

bool
ledger_run_refs(struct ledger *l, int64_t run, bool (*each)(void *ctx, const struct change *first),
	void *ctx, struct err *e)
{
	/* With min() the other columns are those of its row. */
	CLEAN_ROWS struct db_rows r = db_query(l->db, e,
		"SELECT min(id), o, attribute, other, class, remove, was FROM change WHERE run = ? "
		"AND"
		" attribute >= 0 AND code IS NULL GROUP BY o, attribute, other ORDER BY 1",
		run);

	while (db_next(&r)) {
		struct change c = { .id = db_int(&r, 0),
			.run = run,
			.o = db_int(&r, 1),
			.attribute = (int)db_int(&r, 2),
			.other = db_int(&r, 3),
			.class = (enum op_class)db_int(&r, 4),
			.remove = db_int(&r, 5),
			.was = db_int(&r, 6) };

		if (!each(ctx, &c))
			return false;
	}
	return !r.failed;
}

bool
ledger_run_lost(struct ledger *l, int64_t run, bool (*each)(void *ctx, const struct ref *r),
	void *ctx, struct err *e)
{
	CLEAN_ROWS struct db_rows r =
		db_query(l->db, e, "SELECT o, attribute, other FROM ref_lost WHERE run = ?", run);

	while (db_next(&r)) {
		struct ref ref = {
			.o = db_int(&r, 0), .attribute = (int)db_int(&r, 1), .other = db_int(&r, 2)
		};

		if (!each(ctx, &ref))
			return false;
	}
	return !r.failed;
}

bool
ledger_refs_lost(struct ledger *l, int64_t run, int64_t o, struct err *e)
{
	return db_run(l->db, e,
		       "INSERT OR IGNORE INTO ref_lost SELECT ?, o, attribute, other FROM ref "
		       "WHERE "
		       "o = ?",
		       run, o) &&
	       db_run(l->db, e,
		       "INSERT OR IGNORE INTO ref_lost SELECT ?, o, attribute, other FROM ref "
		       "WHERE "
		       "other = ?",
		       run, o);
}

size_t
ledger_changes_of(
	struct ledger *l, int64_t run, int64_t o, struct arena *a, struct change *cs, size_t max)
{
	struct db_rows r = db_query(l->db, NULL,
		CHANGE_COLUMNS
		"WHERE c.o = ? AND c.attribute = -1 AND +c.run = ? AND c.code IS NULL"
		" ORDER BY c.id LIMIT ?",
		o, run, max);

	return changes_read(&r, a, cs);
}

bool
ledger_touched(
	struct ledger *l, int64_t run, int64_t o, int attribute, int64_t other, int64_t after)
{
	int64_t found = 0;

	if (other)
		db_value(l->db, NULL, &found,
			"SELECT 1 FROM change WHERE o = ? AND attribute = ? AND other = ? AND id > "
			"? AND +run <> ? AND code IS NULL LIMIT 1",
			o, attribute, other, after, run);
	else
		db_value(l->db, NULL, &found,
			"SELECT 1 FROM change WHERE o = ? AND attribute = ? AND id > ? AND +run <> "
			"?"
			" AND code IS NULL LIMIT 1",
			o, attribute, after, run);
	return found;
}

bool
ledger_value_before(struct ledger *l, int64_t o, int64_t change, const char *name, struct arena *a,
	struct attr *at_r)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT class, after FROM change WHERE o = ? AND attribute = -1 AND id < ? AND "
		"code "
		"IS NULL"
		" ORDER BY id DESC",
		o, change);

	while (db_next(&r)) {
		struct attrs after = ledger_unpack(db_str(&r, 1), a);
		const struct attr *at = attrs_get(&after, name);

		if (at) {
			*at_r = *at;
			return at->count > 0;
		}
		if (db_int(&r, 0) == CLASS_CREATE || db_int(&r, 0) == CLASS_RECREATE ||
			db_int(&r, 0) == CLASS_DELETE)
			return false;
	}
	return false;
}

int64_t
ledger_object_left(struct ledger *l, int64_t o)
{
	return db_number(l->db, "SELECT left_at FROM object WHERE o = ?", o);
}

int64_t
ledger_find_name(struct ledger *l, const char *name)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT o FROM object WHERE name = ? COLLATE NOCASE AND state <> ? LIMIT 2", name,
		OBJECT_FOREIGN);
	int64_t o = db_next(&r) ? db_int(&r, 0) : 0;

	return o && db_next(&r) ? 0 : o;
}
