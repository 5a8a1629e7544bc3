/* The target file: references, dirty lists, wake-ups, problems. */
#include "ledger_p.h"
#include "store/drift.h"

#include <string.h>

/* --- references --- */

bool
ledger_ref_set(
	struct ledger *l, int64_t o, int attribute, int64_t other, bool present, struct err *e)
{
	if (present && l->again)
		return db_run(l->db, e,
			       "INSERT OR IGNORE INTO ref SELECT ?1, ?2, ?3, coalesce((SELECT "
			       "CASE shown WHEN ?4 THEN ?4 ELSE ?5 END FROM ref_again WHERE o = ?1"
			       " AND attribute = ?2 AND other = ?3), 0)",
			       o, attribute, other, REF_SHOWN, REF_RESENT) &&
		       db_run(l->db, e,
			       "DELETE FROM ref_again WHERE o = ? AND attribute = ? AND other = ?",
			       o, attribute, other);
	if (present)
		return db_run(l->db, e, "INSERT OR IGNORE INTO ref VALUES(?, ?, ?, 0)", o,
			attribute, other);
	return db_run(l->db, e, "DELETE FROM ref WHERE o = ? AND attribute = ? AND other = ?", o,
		attribute, other);
}

bool
ledger_refs_forget(struct ledger *l, int64_t o, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM ref WHERE o = ?", o) &&
	       db_run(l->db, e, "DELETE FROM ref WHERE other = ?", o);
}

int64_t
ledger_ref_count(struct ledger *l, int64_t o, int attribute)
{
	return db_number(
		l->db, "SELECT count(*) FROM ref WHERE o = ? AND attribute = ?", o, attribute);
}

int64_t
ledger_ref_total(struct ledger *l, const char *sync)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT object.kind, ref.attribute, count(*) FROM ref JOIN object USING(o) WHERE "
		"sync = ?"
		" GROUP BY 1, 2",
		sync);
	int64_t total = 0;

	while (db_next(&r))
		if (ledger_kind(db_int(&r, 0))->refs[db_int(&r, 1)].multi)
			total += db_int(&r, 2);
	return total;
}

size_t
ledger_refs(struct ledger *l, int64_t o, bool reverse, const struct ref *after, struct ref *list,
	size_t max)
{
	struct ref from = after ? *after : (struct ref){ .o = -1, .other = -1, .attribute = -1 };
	size_t got = 0;
	struct db_rows r;

	if (reverse)
		r = db_query(l->db, NULL,
			"SELECT o, attribute, other FROM ref WHERE other = ? AND (o, attribute) > "
			"(?, ?)"
			" ORDER BY o, attribute LIMIT ?",
			o, from.o, from.attribute, max);
	else
		r = db_query(l->db, NULL,
			"SELECT o, attribute, other FROM ref WHERE o = ? AND (attribute, other) > "
			"(?, ?)"
			" ORDER BY attribute, other LIMIT ?",
			o, from.attribute, from.other, max);
	while (db_next(&r))
		list[got++] = (struct ref){
			.o = db_int(&r, 0), .attribute = (int)db_int(&r, 1), .other = db_int(&r, 2)
		};
	return got;
}

/* --- dirty entries --- */

bool
ledger_dirty_add(struct ledger *l, const char *source, int64_t n, enum dirty_why why, struct err *e)
{
	return db_run(l->db, e,
		"INSERT INTO dirty VALUES(?1, ?2, ?3, 0, 0) ON CONFLICT DO UPDATE SET why = why | "
		"?3,"
		" planned = 0, wait = CASE ?3 WHEN 32 THEN wait ELSE 0 END",
		source, n, why);
}

bool
ledger_dirty_done(struct ledger *l, const char *source, int64_t n, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM dirty WHERE source = ? AND n = ?", source, n);
}

bool
ledger_dirty_confirmed(struct ledger *l, const char *source, int64_t n, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM dirty WHERE source = ? AND n = ? AND planned = 1",
		source, n);
}

bool
ledger_dirty_planned(struct ledger *l, const char *source, int64_t now, int64_t first, int64_t last,
	struct err *e)
{
	return db_run(l->db, e,
		"UPDATE dirty SET planned = 1 WHERE source = ? AND n BETWEEN ? AND ? AND planned = "
		"0 AND wait <= ?",
		source, first, last, now);
}

bool
ledger_dirty_wait(struct ledger *l, const char *source, int64_t n, int64_t until, struct err *e)
{
	return db_run(l->db, e,
		"INSERT INTO dirty VALUES(?1, ?2, 32, 0, ?3) ON CONFLICT DO UPDATE SET planned = "
		"0, wait = ?3",
		source, n, until);
}

size_t
ledger_dirty(struct ledger *l, const char *source, int64_t now, int64_t after, struct dirty *list,
	size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT n, why FROM dirty WHERE source = ? AND n > ? AND planned = 0 AND wait <= ?"
		" ORDER BY n LIMIT ?",
		source, after, now, max);
	size_t got = 0;

	while (db_next(&r))
		list[got++] = (struct dirty){ .n = db_int(&r, 0), .why = (unsigned)db_int(&r, 1) };
	return got;
}

int64_t
ledger_dirty_count(struct ledger *l)
{
	return db_number(l->db, "SELECT count(*) FROM dirty");
}

/* --- dirty links --- */

bool
ledger_dirty_link_add(
	struct ledger *l, const char *source, const struct dirty_link *d, struct err *e)
{
	return db_run(l->db, e,
		"INSERT INTO dirty_link VALUES(?, ?, ?, ?, 0, 0) ON CONFLICT DO UPDATE SET planned "
		"= 0, wait = 0",
		source, d->owner, d->attribute, d->other);
}

bool
ledger_dirty_link_done(
	struct ledger *l, const char *source, const struct dirty_link *d, struct err *e)
{
	return db_run(l->db, e,
		"DELETE FROM dirty_link WHERE source = ? AND owner = ? AND attribute = ? AND other "
		"= ?",
		source, d->owner, d->attribute, d->other);
}

bool
ledger_dirty_links_planned(struct ledger *l, const char *source, int64_t now,
	const struct dirty_link *first, const struct dirty_link *last, struct err *e)
{
	return db_run(l->db, e,
		"UPDATE dirty_link SET planned = 1 WHERE source = ?"
		" AND (owner, attribute, other) >= (?, ?, ?) AND (owner, attribute, other) <= (?, "
		"?, ?)"
		" AND planned = 0 AND wait <= ?",
		source, first->owner, first->attribute, first->other, last->owner, last->attribute,
		last->other, now);
}

static struct object_brief
view_side(const struct db_rows *r, int col)
{
	return (struct object_brief){ .state = (enum object_state)db_int(r, col),
		.kind = ledger_kind(db_int(r, col + 1)),
		.wanted = db_int(r, col + 2) };
}

bool
ledger_link_view(
	struct ledger *l, const char *source, const struct dirty_link *d, struct link_view *v_r)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT a.o, b.o, a.state, a.kind, a.wanted, b.state, b.kind, b.wanted,"
		" (SELECT shown FROM ref WHERE o = a.o AND attribute = ?1 AND other = b.o),"
		" EXISTS (SELECT 1 FROM op WHERE o = a.o AND attribute = ?1 AND other = b.o AND "
		"state = 0)"
		" FROM object a CROSS JOIN object b WHERE a.n = ?2 AND a.source = ?3 AND b.n = ?4 "
		"AND b.source = ?3",
		d->attribute, d->owner, source, d->other);

	if (!db_next(&r))
		return false;
	*v_r = (struct link_view){ .o = db_int(&r, 0),
		.p = db_int(&r, 1),
		.owner = view_side(&r, 2),
		.other = view_side(&r, 5),
		.has = !db_null(&r, 8),
		.theirs = !db_null(&r, 8) && db_int(&r, 8) == REF_THEIRS,
		.planned = db_int(&r, 9) };
	return true;
}

bool
ledger_dirty_link_wait(struct ledger *l, const char *source, const struct dirty_link *d,
	int64_t until, struct err *e)
{
	return db_run(l->db, e,
		"UPDATE dirty_link SET planned = 0, wait = ? WHERE source = ? AND owner = ? AND "
		"attribute = ?"
		" AND other = ?",
		until, source, d->owner, d->attribute, d->other);
}

size_t
ledger_dirty_links(struct ledger *l, const char *source, int64_t now,
	const struct dirty_link *after, struct dirty_link *ls, size_t max)
{
	struct dirty_link from = after ? *after : (struct dirty_link){ .owner = INT64_MIN };
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT owner, attribute, other FROM dirty_link WHERE source = ?"
		" AND (owner, attribute, other) > (?, ?, ?) AND planned = 0 AND wait <= ?"
		" ORDER BY owner, attribute, other LIMIT ?",
		source, from.owner, from.attribute, from.other, now, max);
	size_t got = 0;

	while (db_next(&r))
		ls[got++] = (struct dirty_link){ .owner = db_int(&r, 0),
			.attribute = (int)db_int(&r, 1),
			.other = db_int(&r, 2) };
	return got;
}

bool
ledger_plan_reset(struct ledger *l, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM op WHERE state = 0") &&
	       db_run(l->db, e, "UPDATE dirty SET planned = 0 WHERE planned <> 0") &&
	       db_run(l->db, e, "UPDATE dirty_link SET planned = 0 WHERE planned <> 0");
}

/* --- wake-ups --- */

bool
ledger_wake_set(struct ledger *l, const char *source, int64_t n, int64_t at, struct err *e)
{
	if (at == INT64_MAX)
		return !l->wakes ||
		       db_run(l->db, e, "DELETE FROM wake WHERE source = ? AND n = ?", source, n);
	l->wakes++;
	return db_run(l->db, e, "INSERT OR REPLACE INTO wake VALUES(?, ?, ?)", source, n, at);
}

bool
ledger_wake_sooner(struct ledger *l, const char *source, int64_t n, int64_t at, struct err *e)
{
	l->wakes++;
	return db_run(l->db, e,
		"INSERT INTO wake VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET at = min(at, ?3)",
		source, n, at);
}

bool
ledger_wake_due(struct ledger *l, const char *source, int64_t now, struct err *e)
{
	return db_run(l->db, e,
		       "INSERT INTO dirty SELECT source, n, 8, 0, 0 FROM wake WHERE at <= ?2 AND "
		       "source = ?1"
		       " ON CONFLICT DO UPDATE SET why = why | 8, planned = 0, wait = 0",
		       source, now) &&
	       db_run(l->db, e, "DELETE FROM wake WHERE at <= ? AND source = ?", now, source);
}

int64_t
ledger_wake_next(struct ledger *l)
{
	int64_t at = INT64_MAX;

	db_value(l->db, NULL, &at, "SELECT min(at) FROM wake");
	return at;
}

int64_t
ledger_due_next(struct ledger *l)
{
	int64_t due = ledger_wake_next(l), at = INT64_MAX;

	db_value(l->db, NULL, &at, "SELECT min(wait) FROM dirty WHERE planned = 0 AND wait > 0");
	due = at < due ? at : due;
	at = INT64_MAX;
	db_value(l->db, NULL, &at,
		"SELECT min(wait) FROM dirty_link WHERE planned = 0 AND wait > 0");
	return at < due ? at : due;
}

/* --- problems of entries that could not become objects --- */

bool
ledger_problem_set(struct ledger *l, const struct problem *p, struct err *e)
{
	if (!p->code && !l->problems)
		return true;
	l->problems += p->code != NULL;
	if (!p->code)
		return db_run(l->db, e, "DELETE FROM problem WHERE n = ? AND source = ?", p->n,
			p->source);
	return db_run(l->db, e,
		"INSERT INTO problem VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET id = "
		"?3,"
		" code = ?4, text = ?5",
		p->n, p->source, p->id, p->code, p->text, p->since);
}

size_t
ledger_problems(struct ledger *l, const struct problem *after, struct arena *a,
	struct problem *list, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT n, source, id, code, text, since FROM problem WHERE (n, source) > (?, ?)"
		" ORDER BY n, source LIMIT ?",
		after ? after->n : (int64_t)-1, after ? after->source : "", max);
	size_t got = 0;

	while (db_next(&r))
		list[got++] = (struct problem){ .n = db_int(&r, 0),
			.source = db_text_dup(&r, 1, a),
			.id = db_text_dup(&r, 2, a),
			.code = db_text_dup(&r, 3, a),
			.text = db_text_dup(&r, 4, a),
			.since = db_int(&r, 5) };
	return got;
}

int64_t
ledger_failing(struct ledger *l)
{
	return db_number(
		l->db, "SELECT (SELECT count(*) FROM attempt) + (SELECT count(*) FROM problem)");
}

size_t
ledger_failing_codes(struct ledger *l, struct arena *a, struct failing_code *list, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT code, count(*) FROM (SELECT code FROM attempt UNION ALL SELECT code FROM "
		"problem)"
		" GROUP BY code ORDER BY 2 DESC, 1 LIMIT ?",
		max);
	size_t got = 0;

	while (db_next(&r))
		list[got++] = (struct failing_code){ db_text_dup(&r, 0, a), db_int(&r, 1) };
	return got;
}

size_t
ledger_names_shared(struct ledger *l, struct arena *a, struct shared_name *list, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT min(name), kind, count(*) FROM object WHERE wanted = 1 AND name IS NOT NULL"
		" GROUP BY kind, lower(name) HAVING count(*) > 1 LIMIT ?",
		max);
	size_t got = 0;

	while (db_next(&r))
		list[got++] = (struct shared_name){ .name = db_text_dup(&r, 0, a),
			.kind = ledger_kind(db_int(&r, 1)),
			.count = db_int(&r, 2) };
	return got;
}
