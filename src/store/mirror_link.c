/*
 * Links. `subject` is the entry a message speaks of, `end` what it names; a primary group is stored
 * turned round, owner = the group, so that both sorts of membership are read the same way.
 * A read marks the link rows it asserts (one bit each); what it replaces and did not assert ends.
 */
#include <assert.h>
#include <sqlite3.h>
#include <string.h>
#include "db_p.h"
#include "mirror_p.h"

/* Attributes that mirror_bad holds back in this read keep their links. */
#define NOT_HELD(subject)                                                                          \
	" AND NOT EXISTS (SELECT 1 FROM bad b WHERE b.n = " subject " AND b.now = 1"               \
	" AND (b.attribute = '' OR b.attribute = (SELECT name FROM name WHERE a = link.attr)))"

static void
sql_has_bit(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const struct bits *b = sqlite3_user_data(ctx);

	(void)argc;
	sqlite3_result_int(ctx, bits_has(b, sqlite3_value_int64(argv[0])));
}

bool
link_functions(struct mirror *m, struct err *e)
{
	const struct {
		const char *name;
		struct bits *bits;
	} f[] = { { "asserted", &m->asserted }, { "whole", &m->whole }, { "seen", &m->seen } };

	for (size_t i = 0; i < ARRAY_LEN(f); i++) {
		int rc = sqlite3_create_function(m->db->sq, f[i].name, 1,
			SQLITE_UTF8 | SQLITE_DIRECTONLY, f[i].bits, sql_has_bit, NULL, NULL);

		if (rc != SQLITE_OK)
			return db_fail(m->db, rc, "opening", e);
	}
	return true;
}

static void
note_removed(struct mirror *m)
{
	int64_t n = db_changes(m->db);

	m->stats.links_removed += n;
	m->stats.any = m->stats.any || n > 0;
}

static bool
link_row(struct mirror *m, int64_t owner, int name, int64_t other, int64_t *k_r, bool *present_r,
	struct err *e)
{
	CLEAN_ROWS struct db_rows r = db_query(m->db, e,
		"SELECT k, present FROM link WHERE owner = ? AND attr = ? AND other = ?", owner,
		name, other);

	*k_r = 0;
	*present_r = false;
	if (db_next(&r)) {
		*k_r = db_int(&r, 0);
		*present_r = db_int(&r, 1);
	}
	return !r.failed;
}

static void
turn(int64_t subject, int name, int64_t end, int64_t *owner_r, int64_t *other_r)
{
	bool turned = name == NAME_PRIMARY_GROUP;

	*owner_r = turned ? end : subject;
	*other_r = turned ? subject : end;
}

/* In the first read of all a link is usually new: it is put without a look. k = 0: it was there. */
static bool
link_insert(struct mirror *m, int64_t owner, int name, int64_t other, int64_t *k_r, struct err *e)
{
	if (!db_run(m->db, e,
		    "INSERT INTO link(owner, attr, other, present, rev) VALUES (?, ?, ?, 1, ?)"
		    " ON CONFLICT(owner, attr, other) DO NOTHING",
		    owner, name, other, m->rev))
		return false;
	*k_r = db_changes(m->db) ? db_last_id(m->db) : 0;
	return true;
}

bool
link_put(struct mirror *m, int64_t subject, int name, int64_t end, bool mark, struct err *e)
{
	int64_t owner, other, k = 0;
	bool present = false, added;

	turn(subject, name, end, &owner, &other);
	if (m->fresh && !link_insert(m, owner, name, other, &k, e))
		return false;
	added = k;
	if (!k && !link_row(m, owner, name, other, &k, &present, e))
		return false;
	if (!added && !present) {
		if (k ? !db_run(m->db, e, "UPDATE link SET present = 1, rev = ? WHERE k = ?",
				m->rev, k)
		      : !link_insert(m, owner, name, other, &k, e))
			return false;
		added = true;
	}
	m->stats.links_added += added;
	m->stats.any = m->stats.any || added;
	bits_set(&m->linked, subject);
	if (mark)
		bits_set(&m->asserted, k);
	return true;
}

static bool
link_drop(struct mirror *m, int64_t subject, int name, int64_t end, struct err *e)
{
	int64_t owner, other, k;
	bool present;

	turn(subject, name, end, &owner, &other);
	if (!link_row(m, owner, name, other, &k, &present, e))
		return false;
	bits_clear(&m->asserted, k);
	if (!present)
		return true;
	if (!db_run(m->db, e, "UPDATE link SET present = 0, rev = ? WHERE k = ?", m->rev, k))
		return false;
	note_removed(m);
	return true;
}

/* --- sets --- */

/* True when this line goes on with a set; remembers or forgets the set as `more` says. */
static bool
set_goes_on(struct mirror *m, int64_t subject, int name, bool more, bool *known_r, struct err *e)
{
	size_t i = 0;

	while (i < m->set_count && (m->sets[i].subject != subject || m->sets[i].name != name))
		i++;
	*known_r = i < m->set_count;
	if (*known_r && !more)
		m->sets[i] = m->sets[--m->set_count];
	if (*known_r || !more)
		return true;
	if (m->set_count >= OPEN_SETS_MAX)
		return err_set(e, ERR_SIDE, "bad-message",
			"more than %d sets of links are open at once", OPEN_SETS_MAX);
	if (m->set_count == m->set_cap) {
		m->set_cap = m->set_cap ? m->set_cap * 2 : 16;
		m->sets = xrealloc(m->sets, m->set_cap * sizeof(*m->sets));
	}
	m->sets[m->set_count++] = (struct open_set){ subject, name };
	return true;
}

/* A set begins: what the read said before of this attribute no longer holds. */
static bool
set_begin(struct mirror *m, int64_t subject, int name, struct err *e)
{
	if (!bits_has(&m->linked, subject))
		return true;
	if (m->staged_links &&
		!db_run(m->db, e, "DELETE FROM staged_link WHERE subject = ? AND attr = ?", subject,
			name))
		return false;
	CLEAN_ROWS struct db_rows r =
		name == NAME_PRIMARY_GROUP
			? db_query(m->db, e, "SELECT k FROM link WHERE other = ? AND attr = 2",
				  subject)
			: db_query(m->db, e, "SELECT k FROM link WHERE owner = ? AND attr = ?",
				  subject, name);

	while (db_next(&r))
		bits_clear(&m->asserted, db_int(&r, 0));
	return !r.failed;
}

static bool
set_end(struct mirror *m, int64_t subject, int name, struct err *e)
{
	bool ok = name == NAME_PRIMARY_GROUP
			  ? db_run(m->db, e,
				    "UPDATE link SET present = 0, rev = ?1 WHERE other = ?2 AND "
				    "attr = 2 AND present = 1"
				    " AND NOT asserted(k)" NOT_HELD("?2"),
				    m->rev, subject)
			  : db_run(m->db, e,
				    "UPDATE link SET present = 0, rev = ?1 WHERE owner = ?2 AND "
				    "attr = ?3 AND present = 1"
				    " AND NOT asserted(k)" NOT_HELD("?2"),
				    m->rev, subject, name);

	if (ok)
		note_removed(m);
	return ok;
}

bool
links_replace(struct mirror *m, int64_t subject, struct err *e)
{
	if (!db_run(m->db, e,
		    "UPDATE link SET present = 0, rev = ?1 WHERE owner = ?2 AND attr <> 2 AND "
		    "present = 1"
		    " AND NOT asserted(k)" NOT_HELD("?2"),
		    m->rev, subject))
		return false;
	note_removed(m);
	if (!db_run(m->db, e,
		    "UPDATE link SET present = 0, rev = ?1 WHERE other = ?2 AND attr = 2 AND "
		    "present = 1"
		    " AND NOT asserted(k)" NOT_HELD("?2"),
		    m->rev, subject))
		return false;
	note_removed(m);
	return true;
}

/* Of every entry that came whole, and of stubs (which the read did not name, or they would be asserted). */
bool
links_replace_all(struct mirror *m, struct err *e)
{
#define SUBJECT "(CASE attr WHEN 2 THEN other ELSE owner END)"
	if (!db_run(m->db, e,
		    "UPDATE link SET present = 0, rev = ? WHERE present = 1 AND NOT asserted(k)"
		    " AND (whole(" SUBJECT ") OR EXISTS (SELECT 1 FROM entry WHERE n = " SUBJECT
		    " AND presence = 0))" NOT_HELD(SUBJECT),
		    m->rev))
		return false;
	note_removed(m);
	return true;
#undef SUBJECT
}

/* As directories do: with an entry go its links, its own and those to it. What a read that tells a state
 * asserts (a full one, or a delta by id, whose messages have no order) stays: the entry is to come back in it. */
bool
links_leave(struct mirror *m, int64_t n, bool state, struct err *e)
{
	if (!db_run(m->db, e,
		    "UPDATE link SET present = 0, rev = ? WHERE owner = ? AND present = 1 AND NOT "
		    "(? AND asserted(k))",
		    m->rev, n, state))
		return false;
	note_removed(m);
	if (!db_run(m->db, e,
		    "UPDATE link SET present = 0, rev = ? WHERE other = ? AND present = 1 AND NOT "
		    "(? AND asserted(k))",
		    m->rev, n, state))
		return false;
	note_removed(m);
	return true;
}

/* --- merging --- */

/* A link that both the stub and the entry have: one row stays, with what either said. */
static bool
link_fold(struct mirror *m, int64_t k, int64_t owner, int64_t name, int64_t other, struct err *e)
{
	int64_t kept = 0, present = 0;

	if (!db_value(m->db, e, &kept,
		    "SELECT k FROM link WHERE owner = ? AND attr = ? AND other = ?", owner, name,
		    other) ||
		!db_value(m->db, e, &present, "SELECT present FROM link WHERE k = ?", k))
		return false;
	if (present && !db_run(m->db, e,
			       "UPDATE link SET present = 1, rev = ? WHERE k = ? AND present = 0",
			       m->rev, kept))
		return false;
	if (bits_has(&m->asserted, k))
		bits_set(&m->asserted, kept);
	bits_clear(&m->asserted, k); /* the number may be used again */
	return db_run(m->db, e, "DELETE FROM link WHERE k = ?", k);
}

static bool
fold_left(struct mirror *m, int64_t stub, int64_t to, struct err *e)
{
	CLEAN_BUF struct buf rows = { 0 };
	CLEAN_ROWS struct db_rows r = db_query(m->db, e,
		"SELECT k, owner, attr, other FROM link WHERE owner = ?1 OR other = ?1", stub);

	while (db_next(&r)) {
		int64_t v[4] = { db_int(&r, 0), db_int(&r, 1), db_int(&r, 2), db_int(&r, 3) };

		buf_add(&rows, v, sizeof(v));
	}
	bool ok = !r.failed;

	for (size_t i = 0; ok && i < rows.n; i += sizeof(int64_t[4])) {
		int64_t v[4];

		memcpy(v, rows.p + i, sizeof(v));
		ok = link_fold(
			m, v[0], v[1] == stub ? to : v[1], v[2], v[3] == stub ? to : v[3], e);
	}
	return ok;
}

bool
links_join(struct mirror *m, int64_t stub, int64_t to, struct err *e)
{
	if (bits_has(&m->linked, stub))
		bits_set(&m->linked, to);
	return db_run(m->db, e, "UPDATE OR IGNORE link SET owner = ?, rev = ? WHERE owner = ?", to,
		       m->rev, stub) &&
	       db_run(m->db, e, "UPDATE OR IGNORE link SET other = ?, rev = ? WHERE other = ?", to,
		       m->rev, stub) &&
	       fold_left(m, stub, to, e);
}

/* --- messages --- */

/* n of an end; 0 when it is left to the end of the read, or (removing) is nothing we know. */
static bool
end_find(struct mirror *m, const struct mirror_end *end, bool make, int64_t *n_r, struct err *e)
{
	*n_r = 0;
	if (end->id)
		return make ? stub_by_id(m, end, n_r, e) : row_find(m, end->id, n_r, e);
	if (end->sid)
		return make ? stub_by_sid(m, end->sid, n_r, e)
			    : sid_find(m, end->sid, false, n_r, e);
	if (!end->dn || *end->dn == '\0')
		return err_set(e, ERR_OBJECT, "bad-message", "a link without id, DN and SID");
	if (!place_find(m, end->dn, !make ? PLACE_LOOK : m->full ? PLACE_SURE : PLACE_MAKE, n_r, e))
		return false;
	if (*n_r == PLACE_NONE)
		*n_r = 0;
	return true;
}

static bool
link_end(struct mirror *m, int64_t subject, int name, enum mirror_links mode,
	const struct mirror_end *end, bool mark, struct err *e)
{
	int64_t n;

	if (!end_find(m, end, mode != MIRROR_REMOVE, &n, e))
		return false;
	if (mode == MIRROR_REMOVE)
		return !n || link_drop(m, subject, name, n, e);
	if (n)
		return link_put(m, subject, name, n, mark, e);
	m->staged_links = true;
	bits_set(&m->linked, subject);
	return db_run(m->db, e, "INSERT INTO staged_link(subject, attr, dn) VALUES (?, ?, ?)",
		subject, name, end->dn);
}

/* The row of a links message. Links may come before their entry; in a delta, of what we lack the rest is asked for. */
static bool
link_subject(struct mirror *m, const char *id, const char *dn, int64_t *n_r, struct err *e)
{
	struct row r;

	if (id && m->last_n && str_eqc(buf_str(&m->last_id), id)) {
		*n_r = m->last_n;
		return true;
	}
	if (!read_subject(m, id, dn, &r, e))
		return false;
	*n_r = r.n;
	if (row_present(&r)) {
		read_last(m, id, r.n);
		return true;
	}
	if (!m->full && !read_missing(m, id, dn, e))
		return false;
	if (r.n)
		return true;
	return id ? stub_by_id(m, &(struct mirror_end){ .id = id }, n_r, e)
		  : place_find(m, dn, PLACE_MAKE, n_r, e);
}

bool
mirror_links(struct mirror *m, const char *id, const char *dn, const char *attribute,
	enum mirror_links mode, const struct mirror_end *ends, size_t count, bool more,
	struct err *e)
{
	int64_t subject;
	int name;
	bool known = false, mark;

	assert(m->reading);
	arena_reset(m->scratch);
	if (!name_intern(m, attribute, &name, e) || !link_subject(m, id, dn, &subject, e))
		return false;
	if (mode == MIRROR_SET && (!set_goes_on(m, subject, name, more, &known, e) ||
					  (!known && !set_begin(m, subject, name, e))))
		return false;
	mark = m->full || id || mode == MIRROR_SET || bits_has(&m->whole, subject);
	for (size_t i = 0; i < count; i++)
		if (!link_end(m, subject, name, mode, &ends[i], mark, e))
			return err_wrap(e, "%s of %.300s", attribute, id ? id : dn);
	return mode != MIRROR_SET || more || m->full || set_end(m, subject, name, e);
}
