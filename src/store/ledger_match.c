/* The target file: what was found at the target in place of our own, and consent to take it over. */
#include "ledger_p.h"

#include <string.h>

bool
ledger_matches_set(
	struct ledger *l, int64_t o, const struct match *list, size_t count, struct err *e)
{
	if (l->matches && !db_run(l->db, e, "DELETE FROM match WHERE o = ?", o))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!db_run(l->db, e, "INSERT OR IGNORE INTO match VALUES(?, ?, ?, ?, ?)", o,
			    list[i].key, list[i].external, list[i].name, list[i].hard))
			return false;
	l->matches += (int64_t)count;
	return true;
}

size_t
ledger_matches(struct ledger *l, int64_t after, struct arena *a, struct match *list, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT o, key, external, name, hard FROM match WHERE o > ? ORDER BY o, hard DESC, "
		"key LIMIT ?",
		after, max + 1);
	size_t got = 0, whole = 0;

	while (got < max && db_next(&r)) {
		list[got] = (struct match){ .o = db_int(&r, 0),
			.key = db_text_dup(&r, 1, a),
			.external = db_text_dup(&r, 2, a),
			.name = db_text_dup(&r, 3, a),
			.hard = db_int(&r, 4) };
		if (got && list[got].o != list[got - 1].o)
			whole = got;
		got++;
	}
	if (got < max || !db_next(&r) || db_int(&r, 0) != list[got - 1].o || !whole)
		return got;
	return whole;
}

bool
ledger_tried_add(struct ledger *l, int64_t o, struct err *e)
{
	l->tried++;
	return db_run(l->db, e, "INSERT OR IGNORE INTO tried VALUES(?)", o);
}

bool
ledger_tried(struct ledger *l, int64_t o)
{
	int64_t any = 0;

	if (l->tried)
		db_value(l->db, NULL, &any, "SELECT 1 FROM tried WHERE o = ?", o);
	return any;
}

bool
ledger_tried_over(struct ledger *l, int64_t o, struct err *e)
{
	return !l->tried || db_run(l->db, e, "DELETE FROM tried WHERE o = ?", o);
}

bool
ledger_adopt_approve(struct ledger *l, int64_t o, const char *key, struct err *e)
{
	return db_run(l->db, e, "INSERT OR REPLACE INTO approval VALUES(?, ?, -1, 0, 0, ?)", o,
		CLASS_ADOPT, key);
}

bool
ledger_adopt_approved(struct ledger *l, int64_t o)
{
	return db_number(l->db, "SELECT 1 FROM approval WHERE o = ? AND class = ?", o, CLASS_ADOPT);
}

int64_t
ledger_find_key(struct ledger *l, const struct kind *k, const char *key)
{
	return db_number(l->db, "SELECT o FROM object WHERE key = ? AND kind = ? AND state <> ?",
		key, (int64_t)(k - kinds), OBJECT_FOREIGN);
}
