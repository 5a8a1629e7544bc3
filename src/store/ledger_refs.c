/* The target file: references as a reading of the target shows them (store/drift.h). */
#include "ledger_p.h"
#include "store/drift.h"

#include <string.h>

bool
ledger_listed_ref_add(struct ledger *l, int64_t o, int attribute, const char *key,
	const struct kind *k, struct err *e)
{
	return db_run(l->db, e, "INSERT OR REPLACE INTO listed_ref VALUES(?, ?, ?, ?)", o,
		attribute, key, k ? (int64_t)(k - kinds) : (int64_t)-1);
}

bool
ledger_listed_refs_drop(struct ledger *l, int64_t o, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM listed_ref WHERE o = ?", o);
}

size_t
ledger_ref_owners(struct ledger *l, const struct kind *k, int64_t after, int64_t *os, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT o FROM object WHERE o > ? AND kind = ? AND state = ? AND wanted <> 0 AND "
		"key IS NOT NULL ORDER BY o LIMIT ?",
		after, (int64_t)(k - kinds), OBJECT_LINKED, max);
	size_t got = 0;

	while (db_next(&r))
		os[got++] = db_int(&r, 0);
	return got;
}

/* Of p, the other end, to a, the owner: nothing is on its way. */
#define SETTLED                                                                                    \
	" NOT EXISTS (SELECT 1 FROM dirty_link d WHERE d.source = a.source AND d.owner = a.n"      \
	"  AND d.attribute = ?2 AND d.other = p.n)"                                                \
	" AND NOT EXISTS (SELECT 1 FROM op WHERE op.o = a.o AND op.attribute = ?2"                 \
	"  AND op.other = p.o AND op.state > 0)"

bool
ledger_refs_shown(struct ledger *l, int64_t o, int attribute, struct err *e)
{
	return db_run(l->db, e,
		"UPDATE ref SET shown = ?3 WHERE o = ?1 AND attribute = ?2 AND shown IN (?4, ?5)"
		" AND EXISTS (SELECT 1 FROM listed_ref s JOIN object p ON p.o = ref.other"
		"  WHERE s.o = ?1 AND s.attribute = ?2 AND s.key = p.key)",
		o, attribute, REF_SHOWN, REF_UNSHOWN, REF_RESENT);
}

bool
ledger_ref_single_same(struct ledger *l, int64_t o, int attribute, struct str key)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT p.key, r.shown FROM ref r JOIN object p ON p.o = r.other WHERE r.o = ? AND "
		"r.attribute = ? LIMIT 2",
		o, attribute);

	if (!db_next(&r))
		return !key.n;
	return db_text(&r, 0) && str_eqc(key, db_text(&r, 0)) && db_int(&r, 1) == REF_SHOWN &&
	       !db_next(&r);
}

static struct listed_ref
read_one(const struct db_rows *r, struct arena *a)
{
	const char *name = db_text(r, 3);
	int64_t kind = db_int(r, 4);

	return (struct listed_ref){ .other = db_int(r, 0),
		.shown = (enum ref_shown)db_int(r, 1),
		.key = db_text_dup(r, 2, a),
		.name = name ? arena_strdup(a, name) : NULL,
		.kind = kind < 0 ? NULL : ledger_kind(kind) };
}

size_t
ledger_refs_lost_there(struct ledger *l, int64_t o, int attribute, int64_t after, struct arena *a,
	struct listed_ref *list, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT p.o, r.shown, p.key, p.name, p.kind FROM ref r JOIN object a ON a.o = r.o"
		" JOIN object p ON p.o = r.other WHERE r.o = ?1 AND r.attribute = ?2"
		" AND r.other > ?3 AND p.key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM listed_ref s"
		"  WHERE s.o = ?1 AND s.attribute = ?2 AND s.key = p.key) AND" SETTLED
		" ORDER BY r.other LIMIT ?4",
		o, attribute, after, max);
	size_t got = 0;

	while (db_next(&r))
		list[got++] = read_one(&r, a);
	return got;
}

size_t
ledger_refs_extra(struct ledger *l, int64_t o, int attribute, const char *after, struct arena *a,
	struct listed_ref *list, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT coalesce(p.o, 0), coalesce(r.shown, 0), s.key, p.name, s.kind"
		" FROM listed_ref s JOIN object a ON a.o = s.o"
		" LEFT JOIN object p ON p.key = s.key AND p.state <> ?4"
		"  AND (s.kind < 0 OR p.kind = s.kind)"
		" LEFT JOIN ref r ON r.o = s.o AND r.attribute = s.attribute AND r.other = p.o"
		" WHERE s.o = ?1 AND s.attribute = ?2 AND s.key > ?3"
		" AND (r.o IS NULL OR r.shown = ?5) AND" SETTLED
		" AND NOT EXISTS (SELECT 1 FROM object q JOIN ref z ON z.o = ?1"
		"  AND z.attribute = ?2 AND z.other = q.o AND z.shown <> ?5"
		"  WHERE q.key = s.key AND q.state = ?4)"
		" ORDER BY s.key LIMIT ?6",
		o, attribute, after ? after : "", OBJECT_FOREIGN, REF_THEIRS, max);
	size_t got = 0;

	while (db_next(&r))
		list[got++] = read_one(&r, a);
	return got;
}

bool
ledger_ref_gone(
	struct ledger *l, int64_t o, int attribute, const struct listed_ref *r, struct err *e)
{
	l->again++;
	return (r->shown == REF_THEIRS ||
		       db_run(l->db, e, "INSERT OR REPLACE INTO ref_again VALUES(?, ?, ?, ?)", o,
			       attribute, r->other, r->shown)) &&
	       db_run(l->db, e, "DELETE FROM ref WHERE o = ? AND attribute = ? AND other = ?", o,
		       attribute, r->other);
}

bool
ledger_ref_mark(struct ledger *l, int64_t o, int attribute, int64_t other, enum ref_shown shown,
	struct err *e)
{
	return db_run(l->db, e, "INSERT OR REPLACE INTO ref VALUES(?, ?, ?, ?)", o, attribute,
		other, shown);
}

int64_t
ledger_foreign_find(struct ledger *l, const struct kind *k, const char *key)
{
	CLEAN_FREE char *anchor = xasprintf("foreign:%s:%s", k->name, key);

	return ledger_find(l, anchor);
}

bool
ledger_foreign_add(struct ledger *l, const struct kind *k, const char *key, const char *name,
	const struct object *owner, int64_t *o_r, struct err *e)
{
	CLEAN_FREE char *anchor = xasprintf("foreign:%s:%s", k->name, key);
	struct object ob = { .anchor = anchor,
		.kind = k,
		.state = OBJECT_FOREIGN,
		.key = key,
		.name = name,
		.sync = owner->sync,
		.source = owner->source };

	return ledger_object_add(l, &ob, o_r, e) &&
	       db_run(l->db, e, "UPDATE object SET n = ? WHERE o = ?", ledger_n_orphan(*o_r), *o_r);
}
