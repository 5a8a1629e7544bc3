/* The target file: pins, what an undo holds as it was (SEMANTICS 9.3). */
#include "ledger_p.h"

#include <string.h>

bool
ledger_pin_set(struct ledger *l, const struct pin *p, struct err *e)
{
	l->pins++;
	return db_run(l->db, e, "INSERT OR REPLACE INTO pin VALUES(?, ?, ?, ?, ?, ?, ?)", p->o,
		p->run, p->at, p->form, p->wants, p->scoped, ledger_pack(&p->attrs, &l->pack));
}

bool
ledger_pin(struct ledger *l, int64_t o, struct arena *a, struct pin *p_r)
{
	struct db_rows r;

	if (!l->pins)
		return false;
	r = db_query(l->db, NULL, "SELECT run, at, form, wants, attrs FROM pin WHERE o = ?", o);
	if (!db_next(&r))
		return false;
	*p_r = (struct pin){ .o = o,
		.run = db_int(&r, 0),
		.at = db_int(&r, 1),
		.form = (enum pin_form)db_int(&r, 2),
		.wants = db_text_dup(&r, 3, a),
		.attrs = ledger_unpack(db_str(&r, 4), a) };
	db_rows_end(&r);
	return true;
}

bool
ledger_pin_unscoped(struct ledger *l, int64_t o)
{
	int64_t found = 0;

	if (l->pins)
		db_value(l->db, NULL, &found, "SELECT 1 FROM pin WHERE o = ? AND scoped = 0", o);
	return found;
}

bool
ledger_pin_drop(struct ledger *l, int64_t o, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM pin WHERE o = ?", o);
}

bool
ledger_pin_ref_set(struct ledger *l, const struct pin_ref *p, struct err *e)
{
	l->pins++;
	return db_run(l->db, e, "INSERT OR REPLACE INTO pin_ref VALUES(?, ?, ?, ?, ?, ?, ?)", p->o,
		p->attribute, p->other, p->run, p->at, p->present, p->wants);
}

bool
ledger_pin_ref(struct ledger *l, int64_t o, int attribute, int64_t other, struct pin_ref *p_r)
{
	struct db_rows r;

	if (!l->pins)
		return false;
	r = db_query(l->db, NULL,
		"SELECT run, at, present, wants FROM pin_ref WHERE o = ? AND attribute = ? AND "
		"other = ?",
		o, attribute, other);
	if (!db_next(&r))
		return false;
	*p_r = (struct pin_ref){ .o = o,
		.other = other,
		.attribute = attribute,
		.run = db_int(&r, 0),
		.at = db_int(&r, 1),
		.present = db_int(&r, 2),
		.wants = db_int(&r, 3) };
	db_rows_end(&r);
	return true;
}

bool
ledger_pin_ref_drop(struct ledger *l, int64_t o, int attribute, int64_t other, struct err *e)
{
	if (!other)
		return db_run(l->db, e, "DELETE FROM pin_ref WHERE o = ? AND attribute = ?", o,
			attribute);
	return db_run(l->db, e, "DELETE FROM pin_ref WHERE o = ? AND attribute = ? AND other = ?",
		o, attribute, other);
}

bool
ledger_pin_ref_other(struct ledger *l, int64_t o, int attribute, int64_t other)
{
	int64_t found = 0;

	if (l->pins)
		db_value(l->db, NULL, &found,
			"SELECT 1 FROM pin_ref WHERE o = ? AND attribute = ? AND other <> ? AND "
			"present = 1 LIMIT 1",
			o, attribute, other);
	return found;
}

size_t
ledger_pinned(struct ledger *l, int64_t after_o, struct arena *a, struct pinned *list, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT b.o, coalesce(b.name, b.anchor), b.kind, max(x.run), max(x.at), "
		"sum(x.object), sum(1 - x.object)"
		" FROM (SELECT o, run, at, 1 AS object FROM pin UNION ALL"
		"       SELECT o, run, at, 0 FROM pin_ref) x JOIN object b USING(o)"
		" WHERE b.o > ? GROUP BY b.o ORDER BY b.o LIMIT ?",
		after_o, max);
	size_t got = 0;

	while (db_next(&r))
		list[got++] = (struct pinned){ .o = db_int(&r, 0),
			.name = db_text_dup(&r, 1, a),
			.kind = ledger_kind(db_int(&r, 2)),
			.run = db_int(&r, 3),
			.at = db_int(&r, 4),
			.object = db_int(&r, 5),
			.refs = db_int(&r, 6) };
	return got;
}

int64_t
ledger_pinned_count(struct ledger *l)
{
	return db_number(
		l->db, "SELECT count(*) FROM (SELECT o FROM pin UNION SELECT o FROM pin_ref)");
}

/* Rows of dirty (64: DIRTY_PIN) and dirty_link for what is pinned; ?1 of dirty: the run that was undone, or 0 = any; ?2: the
 * object, or 0 = any. */
#define PINNED_ENTRIES                                                                             \
	"INSERT INTO dirty SELECT b.source, b.n, 64, 0, 0 FROM pin JOIN object b USING(o)"         \
	" WHERE b.n <> 0 AND (?1 = 0 OR pin.run = ?1) AND (?2 = 0 OR pin.o = ?2)"                  \
	" ON CONFLICT DO UPDATE SET why = why | 64, planned = 0, wait = 0"
#define PINNED_LINKS                                                                               \
	"INSERT INTO dirty_link SELECT b.source, b.n, r.attribute, q.n, 0, 0 FROM pin_ref r"       \
	" JOIN object b ON b.o = r.o JOIN object q ON q.o = r.other"                               \
	" WHERE b.n <> 0 AND q.n <> 0 AND (?1 = 0 OR r.run = ?1) AND"                              \
	" (?2 = 0 OR r.o = ?2 OR r.other = ?2)"                                                    \
	" ON CONFLICT DO UPDATE SET planned = 0, wait = 0"

static bool
look_again(struct ledger *l, int64_t run, int64_t o, struct err *e)
{
	return db_run(l->db, e, PINNED_ENTRIES, run, o) && db_run(l->db, e, PINNED_LINKS, run, o);
}

bool
ledger_unpin(struct ledger *l, int64_t o, int64_t *count_r, struct err *e)
{
	if (!look_again(l, 0, o, e) ||
		!db_value(l->db, e, count_r,
			"SELECT count(*) FROM (SELECT o FROM pin WHERE ?1 IN (0, o) UNION"
			" SELECT o FROM pin_ref WHERE ?1 IN (0, o, other))",
			o))
		return false;
	return db_run(l->db, e, "DELETE FROM pin WHERE ?1 IN (0, o)", o) &&
	       db_run(l->db, e, "DELETE FROM pin_ref WHERE ?1 IN (0, o, other)", o);
}

bool
ledger_undo_dirty(struct ledger *l, int64_t run, struct err *e)
{
	return look_again(l, run, 0, e);
}

#define OF_THE_UNDO                                                                                \
	" (EXISTS (SELECT 1 FROM pin WHERE pin.run = ?1 AND pin.o = op.o AND op.attribute < 0)"    \
	"  OR (op.attribute >= 0 AND (EXISTS (SELECT 1 FROM pin_ref r WHERE r.run = ?1 AND"        \
	"   r.o = op.o AND r.attribute = op.attribute AND r.other = op.other)"                     \
	"   OR EXISTS (SELECT 1 FROM pin WHERE pin.run = ?1 AND pin.o = op.other)"                 \
	"   OR EXISTS (SELECT 1 FROM pin WHERE pin.run = ?1 AND pin.o = op.o))))"

bool
ledger_undo_narrow(struct ledger *l, int64_t run, bool release, struct err *e)
{
	return db_run(l->db, e, "UPDATE op SET held = ?2 WHERE state = 0 AND NOT" OF_THE_UNDO, run,
		       HOLD_LATER) &&
	       (!release || db_run(l->db, e,
				    "INSERT OR IGNORE INTO approval SELECT o, class, attribute, "
				    "other, 0, "
				    "key FROM op WHERE state = 0 AND" OF_THE_UNDO,
				    run));
}
