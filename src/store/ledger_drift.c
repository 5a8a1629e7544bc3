/* The target file: what a listing of the target showed (store/drift.h). */
#include "ledger_p.h"
#include "store/drift.h"

#include <string.h>

bool
ledger_listing_begin(struct ledger *l, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM listed") &&
	       db_run(l->db, e, "DELETE FROM listed_ref") &&
	       db_run(l->db, e, "DELETE FROM drift") &&
	       db_run(l->db, e, "DELETE FROM stranger WHERE approved = 0");
}

/* --- listed --- */

int64_t
ledger_listed_find(struct ledger *l, const struct kind *k, const char *key, const char *external,
	const struct attrs *seen, bool *same_r)
{
	struct db_rows r = db_query(l->db, NULL,
		"SELECT o, anchor, seen FROM object WHERE key = ? AND kind = ? AND state <> ?", key,
		(int64_t)(k - kinds), OBJECT_FOREIGN);
	struct str now = ledger_pack(seen, &l->pack);
	int64_t o = 0;

	*same_r = false;
	if (db_next(&r)) {
		o = db_int(&r, 0);
		*same_r = str_eq(db_str(&r, 2), now) &&
			  (!external || strcmp(external, db_text(&r, 1)) == 0);
		db_rows_end(&r);
		return o;
	}
	return external ? ledger_find(l, external) : 0;
}

bool
ledger_listed_add(struct ledger *l, int64_t o, enum listed_as as, struct err *e)
{
	return db_run(l->db, e, "INSERT OR REPLACE INTO listed VALUES(?, ?)", o, as);
}

bool
ledger_listed_absent(struct ledger *l, const struct kind *k, struct err *e)
{
	return db_run(l->db, e,
		"INSERT INTO listed SELECT o, ? FROM object WHERE kind = ? AND state IN (?, ?) AND "
		"key IS NOT NULL AND o NOT IN (SELECT o FROM listed)",
		LISTED_SUSPECT, (int64_t)(k - kinds), OBJECT_LINKED, OBJECT_LEFT);
}

size_t
ledger_listed(struct ledger *l, enum listed_as as, int64_t after, int64_t *os, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT o FROM listed WHERE o > ? AND suspect = ? ORDER BY o LIMIT ?", after, as,
		max);
	size_t got = 0;

	while (db_next(&r))
		os[got++] = db_int(&r, 0);
	return got;
}

/* --- drift --- */

const char *
drift_what_name(enum drift_what w)
{
	static const char *const names[] = { "ours", "elsewhere", "missing" };

	return names[w];
}

/* What was found of the object before, and is not found again now, stays: its references are read apart. */
static bool
drift_join(struct ledger *l, const struct drift *d, struct drift *all, struct err *e)
{
	CLEAN_ROWS struct db_rows r = db_query(
		l->db, e, "SELECT was, now FROM drift WHERE o = ? AND what = ?", d->o, d->what);

	if (!db_next(&r))
		return !r.failed;
	all->was = ledger_unpack(db_str(&r, 0), d->was.arena);
	all->now = ledger_unpack(db_str(&r, 1), d->was.arena);
	attrs_copy(&all->was, &d->was);
	attrs_copy(&all->now, &d->now);
	return true;
}

bool
ledger_drift_add(struct ledger *l, const struct drift *one, struct err *e)
{
	CLEAN_BUF struct buf now = { 0 };
	struct drift all = *one, *d = &all;

	return drift_join(l, one, &all, e) &&
	       db_run(l->db, e, "INSERT OR REPLACE INTO drift VALUES(?, ?, ?, ?)", d->o, d->what,
		       ledger_pack(&d->was, &l->pack), ledger_pack(&d->now, &now));
}

size_t
ledger_drifts(struct ledger *l, const struct drift *after, struct arena *a, struct drift *list,
	size_t max)
{
	int64_t o = after ? after->o : -1, what = after ? (int64_t)after->what : -1;
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT o, what, was, now FROM drift WHERE (o, what) > (?, ?) ORDER BY o, what "
		"LIMIT ?",
		o, what, max);
	size_t got = 0;

	while (db_next(&r))
		list[got++] = (struct drift){ .o = db_int(&r, 0),
			.what = (enum drift_what)db_int(&r, 1),
			.was = ledger_unpack(db_str(&r, 2), a),
			.now = ledger_unpack(db_str(&r, 3), a) };
	return got;
}

void
ledger_drift_counts(struct ledger *l, struct drift_counts *c_r)
{
	*c_r = (struct drift_counts){ 0 };
	db_value(l->db, NULL, &c_r->ours, "SELECT count(*) FROM drift WHERE what = ?", DRIFT_OURS);
	db_value(l->db, NULL, &c_r->elsewhere, "SELECT count(*) FROM drift WHERE what = ?",
		DRIFT_ELSEWHERE);
	db_value(l->db, NULL, &c_r->missing, "SELECT count(*) FROM drift WHERE what = ?",
		DRIFT_MISSING);
}

/* --- strangers --- */

const char *
stranger_proof_name(enum stranger_proof p)
{
	static const char *const names[] = { "foreign", "none", "tombstone", "out-of-scope",
		"exclusive" };

	return names[p];
}

bool
ledger_stranger_add(struct ledger *l, const struct stranger *s, struct err *e)
{
	return db_run(l->db, e,
		"INSERT OR IGNORE INTO stranger(kind, key, external, name, active, proof, n, "
		"approved) VALUES(?, ?, ?, ?, ?, 0, 0, 0)",
		(int64_t)(s->kind - kinds), s->key, s->external, s->name, s->active);
}

bool
ledger_stranger_judged(struct ledger *l, const struct stranger *s, struct err *e)
{
	return db_run(l->db, e, "UPDATE stranger SET proof = ?, source = ?, n = ? WHERE id = ?",
		s->proof, s->source, s->n, s->id);
}

bool
ledger_stranger_drop(struct ledger *l, int64_t id, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM stranger WHERE id = ?", id);
}

bool
ledger_stranger_approve(struct ledger *l, int64_t id, struct err *e)
{
	return db_run(l->db, e, "UPDATE stranger SET approved = 1 WHERE id = ?", id);
}

#define STRANGER_COLUMNS                                                                           \
	"SELECT id, kind, key, external, name, active, proof, source, n, approved FROM stranger "

size_t
ledger_strangers(struct ledger *l, bool approved, int64_t after, struct arena *a,
	struct stranger *list, size_t max)
{
	size_t got = 0;
	struct db_rows r;

	if (approved)
		r = db_query(l->db, NULL,
			STRANGER_COLUMNS "WHERE approved = 1 AND id > ? ORDER BY id LIMIT ?", after,
			max);
	else
		r = db_query(l->db, NULL, STRANGER_COLUMNS "WHERE id > ? ORDER BY id LIMIT ?",
			after, max);
	while (db_next(&r))
		list[got++] = (struct stranger){ .id = db_int(&r, 0),
			.kind = ledger_kind(db_int(&r, 1)),
			.key = db_text_dup(&r, 2, a),
			.external = db_text_dup(&r, 3, a),
			.name = db_text_dup(&r, 4, a),
			.active = db_int(&r, 5),
			.proof = (enum stranger_proof)db_int(&r, 6),
			.source = db_text_dup(&r, 7, a),
			.n = db_int(&r, 8),
			.approved = db_int(&r, 9) };
	db_rows_end(&r);
	return got;
}

int64_t
ledger_stranger_count(struct ledger *l, bool orphans)
{
	return db_number(l->db, "SELECT count(*) FROM stranger WHERE proof >= ?",
		orphans ? PROOF_NONE : PROOF_FOREIGN);
}
