/* STATE/agent.db: news to be told, the ways that they take, and what runs did. */
#include "agent_p.h"

bool
agent_news_add(
	struct agent_store *s, enum alert_news what, int64_t alert, int64_t now, struct err *e)
{
	return db_run(s->db, e, "INSERT INTO news(at, what, alert) VALUES(?, ?, ?)", now,
		(int64_t)what, alert);
}

size_t
agent_news(struct agent_store *s, int64_t after, struct news_row *list, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(s->db, NULL,
		"SELECT id, at, what, alert FROM news WHERE id > ? ORDER BY id LIMIT ?", after,
		max);
	size_t n = 0;

	while (db_next(&r))
		list[n++] = (struct news_row){ .id = db_int(&r, 0),
			.at = db_int(&r, 1),
			.what = (enum alert_news)db_int(&r, 2),
			.alert = db_int(&r, 3) };
	return n;
}

int64_t
agent_news_newest(struct agent_store *s)
{
	int64_t id = 0;

	db_value(s->db, NULL, &id, "SELECT max(id) FROM news");
	return id;
}

bool
agent_news_done(struct agent_store *s, int64_t up_to, struct err *e)
{
	return db_run(s->db, e, "DELETE FROM news WHERE id <= ?", up_to);
}

/* --- ways --- */

#define WAY_COLUMNS "SELECT way, told, told_at, unwell, daily, attempts, next_at, error FROM way "

/* Ends the query. */
static bool
way_take(struct db_rows *r, struct arena *a, struct way_row *w_r)
{
	bool found = db_next(r);

	if (found)
		*w_r = (struct way_row){ .way = agent_text(r, 0, a),
			.told = db_int(r, 1),
			.told_at = db_int(r, 2),
			.unwell = db_int(r, 3),
			.daily = db_int(r, 4),
			.attempts = db_int(r, 5),
			.next_at = db_int(r, 6),
			.error = agent_text(r, 7, a) };
	db_rows_end(r);
	return found;
}

void
agent_way_get(struct agent_store *s, const char *way, struct arena *a, struct way_row *w_r)
{
	struct db_rows r = db_query(s->db, NULL, WAY_COLUMNS "WHERE way = ?", way);

	if (!way_take(&r, a, w_r))
		*w_r = (struct way_row){ .way = way, .error = "" };
}

bool
agent_way_put(struct agent_store *s, const struct way_row *w, struct err *e)
{
	return db_run(s->db, e, "INSERT OR REPLACE INTO way VALUES(?, ?, ?, ?, ?, ?, ?, ?)", w->way,
		w->told, w->told_at, (int64_t)w->unwell, w->daily, w->attempts, w->next_at,
		w->error);
}

bool
agent_way_drop(struct agent_store *s, const char *way, struct err *e)
{
	return db_run(s->db, e, "DELETE FROM way WHERE way = ?", way);
}

int64_t
agent_ways_waiting(struct agent_store *s)
{
	int64_t n = 0;

	db_value(s->db, NULL, &n,
		"SELECT count(*) FROM way WHERE attempts > 0 OR told < (SELECT max(id) FROM news)");
	return n;
}

/* --- runs --- */

bool
agent_tally_add(struct agent_store *s, const char *sync, int64_t at, bool failed, int64_t changed,
	struct err *e)
{
	return db_run(s->db, e,
		"INSERT INTO tally VALUES(?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET"
		" runs = runs + 1, failed = failed + excluded.failed,"
		" changed = changed + excluded.changed",
		at / 3600, sync, (int64_t)failed, changed);
}

struct agent_tally
agent_tally_read(struct agent_store *s, const char *sync, int64_t since)
{
	struct agent_tally t = { 0 };
	CLEAN_ROWS struct db_rows r = db_query(s->db, NULL,
		"SELECT total(runs), total(failed), total(changed) FROM tally"
		" WHERE hour >= ? AND sync = ?",
		since / 3600, sync);

	if (db_next(&r))
		t = (struct agent_tally){ db_int(&r, 0), db_int(&r, 1), db_int(&r, 2) };
	return t;
}
