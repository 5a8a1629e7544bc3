/* STATE/agent.db: points of plots, sign-ins, versions of the configuration. */
#include "agent_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE 60
#define HOUR   3600
#define DAY    86400

/* --- points --- */

static int64_t
series_id(struct agent_store *s, const char *name)
{
	return db_number(s->db, "SELECT s FROM series WHERE name = ?", name);
}

/* Values are text, so that what is not a whole number stays as it is; of one minute the highest counts. */
bool
agent_series_add(struct agent_store *s, const char *name, int64_t at, double value, struct err *e)
{
	char text[32];
	int64_t id = series_id(s, name);

	if (!id) {
		if (!db_run(s->db, e, "INSERT INTO series(name) VALUES(?)", name))
			return false;
		id = db_last_id(s->db);
	}
	snprintf(text, sizeof(text), "%.15g", value);
	return db_run(s->db, e,
		"INSERT INTO point VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET"
		" value = CASE WHEN CAST(?3 AS REAL) > CAST(value AS REAL) THEN ?3 ELSE value END",
		id, at - at % MINUTE, (const char *)text);
}

size_t
agent_series_read(struct agent_store *s, const char *name, int64_t since, struct series_point *list,
	size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(s->db, NULL,
		"SELECT at, value FROM point WHERE s = ? AND at >= ? ORDER BY at LIMIT ?",
		series_id(s, name), since, max);
	size_t n = 0;

	while (db_next(&r)) {
		const char *v = db_text(&r, 1);

		list[n++] = (struct series_point){ db_int(&r, 0), v ? strtod(v, NULL) : 0 };
	}
	return n;
}

/* Whole hours that are older than a day become one point at their start. */
static bool
thin(struct agent_store *s, int64_t edge, struct err *e)
{
	return db_run(s->db, e,
		       "CREATE TEMP TABLE IF NOT EXISTS hour(s INTEGER, at INTEGER, value TEXT)") &&
	       db_run(s->db, e, "DELETE FROM temp.hour") &&
	       db_run(s->db, e,
		       "INSERT INTO temp.hour SELECT s, at - at % 3600, max(CAST(value AS REAL))"
		       " FROM point WHERE at < ? GROUP BY s, at - at % 3600 HAVING count(*) > 1",
		       edge) &&
	       db_run(s->db, e,
		       "DELETE FROM point WHERE at < ? AND (s, at - at % 3600) IN"
		       " (SELECT s, at FROM temp.hour)",
		       edge) &&
	       db_run(s->db, e, "INSERT INTO point SELECT s, at, value FROM temp.hour");
}

bool
agent_series_thin(struct agent_store *s, int64_t now, struct err *e)
{
	int64_t edge = now - DAY;

	if (!db_begin(s->db, e))
		return false;
	if (thin(s, edge - edge % HOUR, e) &&
		db_run(s->db, e, "DELETE FROM point WHERE at < ?", now - 90 * (int64_t)DAY) &&
		db_run(s->db, e,
			"DELETE FROM series WHERE NOT EXISTS"
			" (SELECT 1 FROM point WHERE point.s = series.s)"))
		return db_commit(s->db, e);
	db_rollback(s->db);
	return false;
}

/* --- sign-ins --- */

bool
agent_session_add(struct agent_store *s, const char *hash, const char *token, const char *by,
	int64_t now, int64_t expires, struct err *e)
{
	return db_run(s->db, e, "INSERT INTO session VALUES(?, ?, ?, ?, ?)", hash, token, by, now,
		expires);
}

bool
agent_session_find(struct agent_store *s, const char *hash, int64_t now, struct arena *a,
	struct session_row *r_r)
{
	CLEAN_ROWS struct db_rows r = db_query(s->db, NULL,
		"SELECT by, token, created, expires FROM session WHERE hash = ? AND expires > ?",
		hash, now);

	if (!db_next(&r))
		return false;
	*r_r = (struct session_row){ .by = agent_text(&r, 0, a),
		.token = agent_text(&r, 1, a),
		.created = db_int(&r, 2),
		.expires = db_int(&r, 3) };
	return true;
}

bool
agent_session_end(struct agent_store *s, const char *hash, struct err *e)
{
	return db_run(s->db, e, "DELETE FROM session WHERE ?1 IS NULL OR hash = ?1", hash);
}

bool
agent_link_add(struct agent_store *s, const char *hash, const char *by, int64_t now,
	int64_t expires, struct err *e)
{
	return db_run(s->db, e, "INSERT INTO link VALUES(?, ?, ?, ?)", hash, by, now, expires);
}

/* The deletion decides, so that of two that use it at once one alone gets in. */
bool
agent_link_use(struct agent_store *s, const char *hash, int64_t now, struct arena *a,
	const char **by_r, struct err *e)
{
	struct db_rows r = db_query(s->db, e, "SELECT by FROM link WHERE hash = ?", hash);
	const char *by = db_next(&r) ? agent_text(&r, 0, a) : NULL;

	db_rows_end(&r);
	if (by && db_run(s->db, e, "DELETE FROM link WHERE hash = ? AND expires > ?", hash, now) &&
		db_changes(s->db) == 1) {
		if (by_r)
			*by_r = by;
		return true;
	}
	return err_set(e, ERR_OBJECT, "no-such-link",
		"this sign-in link was used already or has expired; `lockstep console` makes "
		"another");
}

bool
agent_sessions_prune(struct agent_store *s, int64_t now, struct err *e)
{
	return db_run(s->db, e, "DELETE FROM session WHERE expires <= ?", now) &&
	       db_run(s->db, e, "DELETE FROM link WHERE expires <= ?", now);
}

/* --- versions of the configuration --- */

bool
agent_version_add(struct agent_store *s, const char *by, const char *note, const char *text,
	int64_t now, int64_t *version_r, struct err *e)
{
	int64_t same = 0;

	if (!db_value(s->db, e, &same,
		    "SELECT version FROM (SELECT version, text FROM version ORDER BY version DESC "
		    "LIMIT 1) WHERE text = ?",
		    text))
		return false;
	if (same) {
		*version_r = same;
		return true;
	}
	if (!db_run(s->db, e, "INSERT INTO version(at, by, note, text) VALUES(?, ?, ?, ?)", now, by,
		    note, text))
		return false;
	*version_r = db_last_id(s->db);
	return db_run(s->db, e, "DELETE FROM version WHERE version <= ?",
		*version_r - AGENT_VERSIONS_KEPT);
}

static struct version_row
version_of(const struct db_rows *r, struct arena *a)
{
	return (struct version_row){ .version = db_int(r, 0),
		.at = db_int(r, 1),
		.by = agent_text(r, 2, a),
		.note = agent_text(r, 3, a) };
}

bool
agent_version_get(struct agent_store *s, int64_t version, struct arena *a, struct version_row *r_r)
{
	CLEAN_ROWS struct db_rows r = db_query(s->db, NULL,
		"SELECT version, at, by, note, text FROM version WHERE version = ?", version);

	if (!db_next(&r))
		return false;
	*r_r = version_of(&r, a);
	r_r->text = agent_text(&r, 4, a);
	return true;
}

size_t
agent_versions(struct agent_store *s, int64_t before, struct arena *a, struct version_row *list,
	size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(s->db, NULL,
		"SELECT version, at, by, note FROM version WHERE ?1 = 0 OR version < ?1"
		" ORDER BY version DESC LIMIT ?2",
		before, max);
	size_t n = 0;

	while (db_next(&r))
		list[n++] = version_of(&r, a);
	return n;
}
