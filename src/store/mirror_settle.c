/*
 * The end of a sealed read. Order matters in a full one:
 *   places (every entry where the read put it) > absences (who is gone leaves its place) >
 *   links named by DN (to who is there now) > links that the read did not name any more.
 */
#include <string.h>
#include "mirror_p.h"

/* From the top down: when an entry's turn comes, all above it have their places. */
static bool
settle_places(struct mirror *m, struct err *e)
{
	CLEAN_ROWS struct db_rows rows =
		db_query(m->db, e, "SELECT n, dn FROM staged_place ORDER BY depth, n");

	while (db_next(&rows)) {
		const char *rdn, *parent;
		struct row r;
		int64_t at;

		arena_reset(m->scratch);
		if (!row_load(m, db_int(&rows, 0), &r, e) ||
			!place_split(m, db_text(&rows, 1), &rdn, &parent, e) ||
			!place_parent(m, parent, PLACE_MAKE, &at, e))
			return false;
		if (!row_present(&r))
			continue;
		int64_t rev = r.rev;

		if (!place_set(m, &r, at, rdn, NULL, e))
			return false;
		m->stats.changed += r.rev != rev;
	}
	return !rows.failed;
}

/* --- absences (I1) --- */

static bool
text_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static const char *
controller(const struct mirror_origin *o)
{
	return o->invocation && *o->invocation ? o->invocation : o->server;
}

static bool
absence_begins(struct mirror *m, struct row *r, struct err *e)
{
	if (!db_run(m->db, e,
		    "INSERT OR REPLACE INTO absent(n, since, invocation, bind) VALUES (?, ?, ?, ?)",
		    r->n, m->origin.now, controller(&m->origin), m->origin.bind))
		return false;
	return r->presence == PRESENCE_ABSENT ||
	       db_run(m->db, e, "UPDATE entry SET presence = 2 WHERE n = ?", r->n);
}

static bool
absence(struct mirror *m, struct row *r, int64_t missing_after, struct err *e)
{
	if (m->origin.whole)
		return row_leave(m, r, true, e);
	if (r->presence == PRESENCE_HERE)
		return absence_begins(m, r, e);
	CLEAN_ROWS struct db_rows a =
		db_query(m->db, e, "SELECT since, invocation, bind FROM absent WHERE n = ?", r->n);

	if (!db_next(&a))
		return a.failed ? false : absence_begins(m, r, e);
	int64_t since = db_int(&a, 0);
	bool witness = text_same(db_text(&a, 1), controller(&m->origin)) &&
		       text_same(db_text(&a, 2), m->origin.bind);

	db_rows_end(&a);
	/* another controller or account may just not see it; a clock set back proves nothing */
	if (!witness || since > m->origin.now)
		return absence_begins(m, r, e);
	return m->origin.now - since < missing_after || row_leave(m, r, true, e);
}

/* Every row is met once: its bit is set before its change may put it further on in the index. */
static bool
settle_absent(struct mirror *m, int64_t missing_after, struct err *e)
{
	CLEAN_ROWS struct db_rows rows = db_query(m->db, e,
		"SELECT n FROM entry INDEXED BY entry_rev WHERE presence <> 0 AND NOT seen(n)");

	while (db_next(&rows)) {
		int64_t n = db_int(&rows, 0);
		struct row r;

		arena_reset(m->scratch);
		bits_set(&m->seen, n);
		if (!row_load(m, n, &r, e) ||
			(row_present(&r) && !absence(m, &r, missing_after, e)))
			return false;
	}
	return !rows.failed;
}

/* --- links --- */

static bool
settle_links(struct mirror *m, struct err *e)
{
	CLEAN_ROWS struct db_rows rows =
		db_query(m->db, e, "SELECT subject, attr, dn FROM staged_link ORDER BY k");

	while (db_next(&rows)) {
		int64_t n;

		arena_reset(m->scratch);
		if (!place_find(m, db_text(&rows, 2), PLACE_MAKE, &n, e) ||
			!link_put(m, db_int(&rows, 0), (int)db_int(&rows, 1), n, true, e))
			return false;
	}
	return !rows.failed;
}

bool
settle_full(struct mirror *m, int64_t missing_after, struct err *e)
{
	m->settling = true;
	if ((m->staged_places && !settle_places(m, e)) ||
		(!m->fresh && !settle_absent(m, missing_after, e)) ||
		(m->staged_links && !settle_links(m, e)))
		return false;
	return m->fresh || links_replace_all(m, e);
}

bool
settle_delta(struct mirror *m, struct err *e)
{
	for (int64_t n = bits_next(&m->whole, 0); n >= 0; n = bits_next(&m->whole, n + 1))
		if (!links_replace(m, n, e))
			return false;
	return true;
}

/* What served this read alone goes; notes that a full read did not repeat are over. */
bool
settle_clean(struct mirror *m, struct err *e)
{
	const struct {
		bool needed;
		const char *sql;
	} steps[] = {
		{ m->full && m->bad_known, "DELETE FROM bad WHERE now = 0" },
		{ m->bad_now, "UPDATE bad SET now = 0 WHERE now = 1" },
		{ m->any_before, "DELETE FROM before" },
		{ m->any_missing, "DELETE FROM missing" },
		{ m->staged_places, "DELETE FROM staged_place" },
		{ m->staged_links, "DELETE FROM staged_link" },
	};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (steps[i].needed && !db_exec(m->db, steps[i].sql, e))
			return false;
	return true;
}
