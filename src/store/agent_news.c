/* STATE/agent.db: news to be told, messages on their way. */
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

bool
agent_message_add(
	struct agent_store *s, const char *way, const char *body, int64_t now, struct err *e)
{
	return db_run(s->db, e,
		"INSERT INTO message(at, way, body, attempts, next_at, error) VALUES(?1, ?2, ?3, "
		"0, ?1, '')",
		now, way, body);
}

/* Ends the query. */
static bool
message_take(struct db_rows *r, struct arena *a, struct message_row *m_r)
{
	bool found = db_next(r);

	if (found)
		*m_r = (struct message_row){ .id = db_int(r, 0),
			.at = db_int(r, 1),
			.way = agent_text(r, 2, a),
			.body = agent_text(r, 3, a),
			.attempts = db_int(r, 4),
			.next_at = db_int(r, 5),
			.error = agent_text(r, 6, a) };
	db_rows_end(r);
	return found;
}

bool
agent_message_due(struct agent_store *s, int64_t now, struct arena *a, struct message_row *m_r)
{
	struct db_rows r = db_query(s->db, NULL,
		"SELECT id, at, way, body, attempts, next_at, error FROM message WHERE next_at <= ?"
		" OR next_at > ? ORDER BY next_at, id LIMIT 1",
		now, now + AGENT_MESSAGE_WAIT);

	return message_take(&r, a, m_r);
}

bool
agent_message_worst(struct agent_store *s, struct arena *a, struct message_row *m_r)
{
	struct db_rows r = db_query(s->db, NULL,
		"SELECT id, at, way, body, attempts, next_at, error FROM message"
		" ORDER BY attempts DESC, id LIMIT 1");

	return message_take(&r, a, m_r);
}

bool
agent_messages_retry(struct agent_store *s, int64_t now, struct err *e)
{
	return db_run(s->db, e, "UPDATE message SET next_at = ?1 WHERE next_at > ?1", now);
}

int64_t
agent_message_next(struct agent_store *s, int64_t now)
{
	int64_t at = INT64_MAX, most = now + AGENT_MESSAGE_WAIT;

	db_value(s->db, NULL, &at, "SELECT min(min(next_at), ?) FROM message", most);
	return at;
}

bool
agent_message_failed(
	struct agent_store *s, int64_t id, int64_t next_at, const char *error, struct err *e)
{
	return db_run(s->db, e,
		"UPDATE message SET attempts = attempts + 1, next_at = ?, error = ? WHERE id = ?",
		next_at, error, id);
}

bool
agent_message_done(struct agent_store *s, int64_t id, struct err *e)
{
	return db_run(s->db, e, "DELETE FROM message WHERE id = ?", id);
}

int64_t
agent_messages_waiting(struct agent_store *s)
{
	int64_t n = 0;

	db_value(s->db, NULL, &n, "SELECT count(*) FROM message");
	return n;
}
