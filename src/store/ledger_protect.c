/* The target file: which line of the configuration protects an object (8.4). */
#include "ledger_p.h"

bool
ledger_protection(struct ledger *l, int64_t o, struct arena *a, struct protection *p_r)
{
	*p_r = (struct protection){ 0 };
	if (!l->protections)
		return false;

	CLEAN_ROWS struct db_rows r =
		db_query(l->db, NULL, "SELECT name, grp FROM protection WHERE o = ?", o);

	if (!db_next(&r))
		return false;
	if (db_text(&r, 0))
		p_r->name = db_text_dup(&r, 0, a);
	if (db_text(&r, 1))
		p_r->group = db_text_dup(&r, 1, a);
	return true;
}

bool
ledger_protects(struct ledger *l, const char *line)
{
	return db_number(l->db, "SELECT 1 FROM protection WHERE ?1 IN (name, grp) LIMIT 1", line);
}

bool
ledger_protection_set(struct ledger *l, int64_t o, const struct protection *p, struct err *e)
{
	if (!p->name && !p->group)
		return db_run(l->db, e, "DELETE FROM protection WHERE o = ?", o);
	l->protections++;
	return db_run(l->db, e, "INSERT OR REPLACE INTO protection VALUES(?, ?, ?)", o, p->name,
		p->group);
}
