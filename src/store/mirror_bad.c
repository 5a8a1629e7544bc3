/*
 * What a source holds back (mirror_bad): what is known stays, and the entry counts as present. The word
 * may come before or after the entry itself.
 */
#include <assert.h>
#include <string.h>
#include "mirror_p.h"

/* Attributes that an earlier message of this read held back stay as they are. */
bool
bad_keep(struct mirror *m, struct row *r, struct attrs *new, struct err *e)
{
	struct attrs old;
	CLEAN_ROWS struct db_rows rows =
		db_query(m->db, e, "SELECT attribute FROM bad WHERE n = ? AND now = 1", r->n);

	if (!r->attrs.n || !attrs_unpack(r->attrs, m->scratch, &old, e))
		return !r->attrs.n;
	while (db_next(&rows)) {
		const struct attr *a = attrs_get(&old, db_text(&rows, 0));

		if (a && !attrs_get(new, a->name))
			attrs_set(new, a->name, a->values, a->count);
	}
	return !rows.failed;
}

/* A full entry that drops an attribute may be followed by the word that it was held back. */
bool
bad_save_before(struct mirror *m, struct row *r, const struct attrs *new, struct err *e)
{
	struct attrs old;

	if (!r->attrs.n)
		return true;
	if (!attrs_unpack(r->attrs, m->scratch, &old, e))
		return false;
	for (size_t i = 0; i < old.count; i++) {
		if (attrs_get(new, old.list[i].name))
			continue;
		m->any_before = true;
		return db_run(m->db, e, "INSERT OR IGNORE INTO before(n, attrs) VALUES (?, ?)",
			r->n, r->attrs);
	}
	return true;
}

/* Notes of earlier reads about what is now well. */
bool
bad_over(struct mirror *m, int64_t n, const struct mirror_entry *en, struct err *e)
{
	if (!m->bad_known)
		return true;
	if (en->full)
		return db_run(m->db, e, "DELETE FROM bad WHERE n = ? AND now = 0", n);
	for (size_t i = 0; i < en->attrs->count; i++)
		if (!db_run(m->db, e, "DELETE FROM bad WHERE n = ? AND now = 0 AND attribute = ?",
			    n, en->attrs->list[i].name))
			return false;
	return true;
}

/* The full entry came first and dropped the attribute: put it back. */
static bool
restore_held(struct mirror *m, struct row *r, const char *attribute, struct err *e)
{
	struct attrs before, now;
	CLEAN_ROWS struct db_rows rows =
		db_query(m->db, e, "SELECT attrs FROM before WHERE n = ?", r->n);

	if (!db_next(&rows))
		return !rows.failed;
	if (!attrs_unpack(db_str(&rows, 0), m->scratch, &before, e) ||
		!attrs_unpack(r->attrs, m->scratch, &now, e))
		return false;
	const struct attr *a = attrs_get(&before, attribute);

	if (!a || attrs_get(&now, attribute))
		return true;
	attrs_set(&now, a->name, a->values, a->count);
	row_pack(m, &now);
	return row_write_attrs(m, r, e);
}

bool
mirror_bad(struct mirror *m, const char *id, const char *dn, const char *attribute, const char *why,
	struct err *e)
{
	CLEAN_BUF struct buf text = { 0 };
	struct row r;

	assert(m->reading);
	arena_reset(m->scratch);
	m->stats.bad++;
	if (!read_subject(m, id, dn, &r, e))
		return false;
	if (!r.n && id && strlen(id) <= ID_MAX &&
		!stub_by_id(m, &(struct mirror_end){ .id = id, .dn = dn }, &r.n, e))
		return false;
	if (!r.n)
		return true; /* only a name, of nothing we have: it is counted */
	if (!row_seen(m, &r, e))
		return false;
	m->bad_known = m->bad_now = true;
	text_escape(why ? why : "", why ? strlen(why) : 0, 500, &text);
	return db_run(m->db, e,
		       "INSERT INTO bad(n, attribute, why, now) VALUES (?, ?, ?, 1)"
		       " ON CONFLICT(n, attribute) DO UPDATE SET why = excluded.why, now = 1",
		       r.n, attribute ? attribute : "", buf_cstr(&text)) &&
	       (!attribute || !m->any_before || restore_held(m, &r, attribute, e));
}
