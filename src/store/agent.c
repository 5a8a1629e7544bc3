/* STATE/agent.db: opening, alerts. */
#include "agent_p.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/json.h"

/* since version 2 */
#define WAYS                                                                                       \
	"CREATE TABLE way(way TEXT PRIMARY KEY, told INTEGER, told_at INTEGER, unwell INTEGER,"    \
	" daily INTEGER, attempts INTEGER, next_at INTEGER, error TEXT) WITHOUT ROWID;"            \
	"CREATE TABLE tally(hour INTEGER, sync TEXT, runs INTEGER, failed INTEGER,"                \
	" changed INTEGER, PRIMARY KEY(hour, sync)) WITHOUT ROWID;"

static const char schema[] =
	"CREATE TABLE alert(id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, domain TEXT, "
	"code TEXT,"
	" severity INTEGER, state INTEGER, object TEXT, cause TEXT, remedy TEXT, look TEXT,"
	" examples TEXT, count INTEGER, found INTEGER, raised INTEGER, last INTEGER, good INTEGER,"
	" cleared INTEGER, seen_at INTEGER, seen_by TEXT, flaps INTEGER);"
	"CREATE INDEX alert_key ON alert(key, id);"
	"CREATE INDEX alert_live ON alert(domain, id) WHERE state < 2;"
	"CREATE TABLE news(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, what INTEGER, alert "
	"INTEGER);"
	"CREATE TABLE fact(name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;"
	"CREATE TABLE series(s INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE point(s INTEGER, at INTEGER, value TEXT, PRIMARY KEY(s, at)) WITHOUT ROWID;"
	"CREATE TABLE session(hash TEXT PRIMARY KEY, token TEXT, by TEXT, created INTEGER, expires "
	"INTEGER)"
	" WITHOUT ROWID;"
	"CREATE TABLE link(hash TEXT PRIMARY KEY, by TEXT, created INTEGER, expires INTEGER)"
	" WITHOUT ROWID;"
	"CREATE TABLE version(version INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, by TEXT, note "
	"TEXT,"
	" text TEXT);" WAYS;

/* Messages were kept as made: where one waited, what is open is told anew. */
static const char *const steps[] = {
	NULL,
	"DELETE FROM alert WHERE state < 2 AND domain IN ('watch', 'fresh');" /* named anew */
	"INSERT INTO news(at, what, alert) SELECT raised, 0, id FROM alert"
	" WHERE state = 1 AND EXISTS (SELECT 1 FROM message);"
	"INSERT INTO fact SELECT 'unwell', 1 FROM alert WHERE state = 1 LIMIT 1;"
	"DROP TABLE message; DELETE FROM fact WHERE name = 'told';" WAYS,
};

static const struct db_kind kind = { .name = "agent",
	.id = 0x4c6b4167,
	.version = 2,
	.sql = schema,
	.steps = steps,
	.cache_mb = 1 };

char *
agent_store_path(const char *state_folder, struct arena *a)
{
	return arena_printf(a, "%s/agent.db", state_folder);
}

/* The journal belongs to the file: it goes with it. */
static bool
put_aside(const char *path, struct err *e)
{
	static const char *const tails[] = { "-wal", "-shm" };
	CLEAN_FREE char *to = xasprintf("%s.damaged", path);

	if (rename(path, to) != 0)
		return err_errno(e, ERR_SIDE, "%s cannot be put aside", path);
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		CLEAN_FREE char *tail = xasprintf("%s%s", path, tails[i]);

		unlink(tail);
	}
	return true;
}

/* A file that opens may still be torn: one look through its tables, which are small. */
static bool
open_whole(const char *path, const struct store_env *env, bool read_only, struct db **d_r,
	struct err *e)
{
	int64_t findings = 0;

	if (!db_open(&kind, path, env, read_only, d_r, e))
		return false;
	if (read_only)
		return true;
	if (db_integrity(*d_r, NULL, NULL, &findings, e) && findings == 0)
		return true;
	db_close(d_r);
	return err_set(e, ERR_SIDE, "state-damaged", "%s is damaged", path);
}

bool
agent_store_open(const char *path, const struct store_env *env, bool read_only,
	struct agent_store **s_r, bool *damaged_r, struct err *e)
{
	struct db *d = NULL;
	struct err why = { 0 };
	bool ok = open_whole(path, env, read_only, &d, &why), damaged = false;

	*s_r = NULL;
	if (!ok && !read_only && strcmp(why.code, "state-damaged") == 0) {
		damaged = put_aside(path, &why);
		ok = damaged && db_open(&kind, path, env, false, &d, &why);
	}
	if (damaged_r)
		*damaged_r = damaged;
	if (!ok) {
		if (e)
			*e = why;
		return false;
	}
	*s_r = xcalloc(1, sizeof(**s_r));
	(*s_r)->db = d;
	if (stat(path, &(*s_r)->file) != 0)
		(*s_r)->file = (struct stat){ 0 };
	return true;
}

/* SQLite goes on with a file that has no name any more, and nobody else would see what it writes. */
bool
agent_store_well(struct agent_store *s, const char *path)
{
	struct stat now;

	return stat(path, &now) == 0 && now.st_ino == s->file.st_ino &&
	       now.st_dev == s->file.st_dev;
}

void
agent_store_close(struct agent_store **s)
{
	if (*s)
		db_close(&(*s)->db);
	free(*s);
	*s = NULL;
}

bool
agent_begin(struct agent_store *s, struct err *e)
{
	return db_begin(s->db, e);
}

bool
agent_commit(struct agent_store *s, struct err *e)
{
	return db_commit(s->db, e);
}

void
agent_rollback(struct agent_store *s)
{
	db_rollback(s->db);
}

const char *
agent_text(const struct db_rows *r, int col, struct arena *a)
{
	const char *s = db_text(r, col);

	return s ? arena_strdup(a, s) : "";
}

int64_t
agent_fact(struct agent_store *s, const char *name)
{
	int64_t v = 0;

	db_value(s->db, NULL, &v, "SELECT value FROM fact WHERE name = ?", name);
	return v;
}

bool
agent_fact_set(struct agent_store *s, const char *name, int64_t value, struct err *e)
{
	return db_run(s->db, e, "INSERT OR REPLACE INTO fact VALUES(?, ?)", name, value);
}

/* --- alerts --- */

const char *
alert_severity_name(enum alert_severity s)
{
	static const char *const names[] = { "info", "warning", "critical" };

	return (size_t)s < ARRAY_LEN(names) ? names[s] : "warning";
}

const char *
alert_state_name(enum alert_state s)
{
	static const char *const names[] = { "pending", "open", "cleared" };

	return (size_t)s < ARRAY_LEN(names) ? names[s] : "open";
}

#define ALERT_COLUMNS                                                                              \
	"SELECT id, key, domain, code, severity, state, object, cause, remedy, look, examples, "   \
	"count, found, raised, last, good, cleared, seen_at, seen_by, flaps FROM alert "

static struct alert_row
alert_of(const struct db_rows *r, struct arena *a)
{
	return (struct alert_row){ .id = db_int(r, 0),
		.key = agent_text(r, 1, a),
		.domain = agent_text(r, 2, a),
		.code = agent_text(r, 3, a),
		.severity = (enum alert_severity)db_int(r, 4),
		.state = (enum alert_state)db_int(r, 5),
		.object = agent_text(r, 6, a),
		.cause = agent_text(r, 7, a),
		.remedy = agent_text(r, 8, a),
		.look = agent_text(r, 9, a),
		.examples = agent_text(r, 10, a),
		.count = db_int(r, 11),
		.found = db_int(r, 12),
		.raised = db_int(r, 13),
		.last = db_int(r, 14),
		.good = db_int(r, 15),
		.cleared = db_int(r, 16),
		.seen_at = db_int(r, 17),
		.seen_by = agent_text(r, 18, a),
		.flaps = db_int(r, 19) };
}

/* Ends the query. */
static size_t
alerts_take(struct db_rows *r, struct arena *a, struct alert_row *list)
{
	size_t n = 0;

	while (db_next(r))
		list[n++] = alert_of(r, a);
	db_rows_end(r);
	return n;
}

bool
agent_alert_find(struct agent_store *s, const char *key, struct arena *a, struct alert_row *r_r)
{
	struct db_rows r =
		db_query(s->db, NULL, ALERT_COLUMNS "WHERE key = ? ORDER BY id DESC LIMIT 1", key);

	return alerts_take(&r, a, r_r) == 1;
}

bool
agent_alert_get(struct agent_store *s, int64_t id, struct arena *a, struct alert_row *r_r)
{
	struct db_rows r = db_query(s->db, NULL, ALERT_COLUMNS "WHERE id = ?", id);

	return alerts_take(&r, a, r_r) == 1;
}

bool
agent_alert_put(struct agent_store *s, struct alert_row *r, struct err *e)
{
	struct db_val id = r->id ? db_val_int(r->id) : (struct db_val){ .type = DB_NULL };

	if (!db_run(s->db, e,
		    "INSERT OR REPLACE INTO alert(id, key, domain, code, severity, state, object, "
		    "cause,"
		    " remedy, look, examples, count, found, raised, last, good, cleared, seen_at,"
		    " seen_by, flaps) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
		    "?, ?)",
		    id, r->key, r->domain, r->code, (int64_t)r->severity, (int64_t)r->state,
		    r->object, r->cause, r->remedy, r->look, r->examples, r->count, r->found,
		    r->raised, r->last, r->good, r->cleared, r->seen_at, r->seen_by, r->flaps))
		return false;
	if (!r->id)
		r->id = db_last_id(s->db);
	return true;
}

bool
agent_alert_drop(struct agent_store *s, int64_t id, struct err *e)
{
	return db_run(s->db, e, "DELETE FROM alert WHERE id = ?", id);
}

size_t
agent_alerts_live(struct agent_store *s, const char *domain, struct arena *a,
	struct alert_row *list, size_t max)
{
	struct db_rows r = db_query(s->db, NULL,
		ALERT_COLUMNS
		"WHERE state < 2 AND (?1 IS NULL OR domain = ?1) ORDER BY id LIMIT ?2",
		domain, max);

	return alerts_take(&r, a, list);
}

size_t
agent_alerts_open(struct agent_store *s, struct arena *a, struct alert_row *list, size_t max)
{
	struct db_rows r = db_query(s->db, NULL,
		ALERT_COLUMNS
		"WHERE state = 1 ORDER BY severity DESC, raised DESC, id DESC LIMIT ?",
		max);

	return alerts_take(&r, a, list);
}

size_t
agent_alerts_all(
	struct agent_store *s, int64_t before, struct arena *a, struct alert_row *list, size_t max)
{
	struct db_rows r = db_query(s->db, NULL,
		ALERT_COLUMNS "WHERE state > 0 AND (?1 = 0 OR id < ?1) ORDER BY id DESC LIMIT ?2",
		before, max);

	return alerts_take(&r, a, list);
}

int64_t
agent_alerts_count(struct agent_store *s, enum alert_severity sev)
{
	int64_t n = 0;

	db_value(s->db, NULL, &n, "SELECT count(*) FROM alert WHERE state = 1 AND severity = ?",
		(int64_t)sev);
	return n;
}

void
agent_alerts_since(struct agent_store *s, int64_t since, int64_t *raised_r, int64_t *cleared_r)
{
	*raised_r = *cleared_r = 0;
	db_value(s->db, NULL, raised_r,
		"SELECT count(*) FROM alert WHERE state > 0 AND raised >= ?", since);
	db_value(s->db, NULL, cleared_r,
		"SELECT count(*) FROM alert WHERE state = 2 AND cleared >= ?", since);
}

bool
agent_alert_seen(struct agent_store *s, int64_t id, const char *by, int64_t now, struct err *e)
{
	if (!db_run(s->db, e,
		    "UPDATE alert SET seen_at = ?, seen_by = ? WHERE id = ? AND state > 0", now, by,
		    id))
		return false;
	if (db_changes(s->db))
		return true;
	return err_set(e, ERR_OBJECT, "no-such-alert",
		"there is no alert %lld; `lockstep alerts` lists them", (long long)id);
}

bool
agent_alerts_prune(struct agent_store *s, int64_t before, struct err *e)
{
	return db_run(s->db, e, "DELETE FROM alert WHERE state = 2 AND cleared < ?", before) &&
	       db_run(s->db, e, "DELETE FROM news WHERE at < ?", before) &&
	       db_run(s->db, e, "DELETE FROM tally WHERE hour < ?", before / 3600);
}

static void
json_time(struct jsonw *w, const char *name, int64_t t)
{
	if (t)
		jsonw_int(w, name, t);
	else
		jsonw_null(w, name);
}

void
alert_json(const struct alert_row *r, struct jsonw *w, const char *name)
{
	jsonw_obj(w, name);
	jsonw_int(w, "id", r->id);
	jsonw_str(w, "key", r->key);
	jsonw_str(w, "code", r->code);
	jsonw_str(w, "severity", alert_severity_name(r->severity));
	jsonw_str(w, "state", alert_state_name(r->state));
	jsonw_str(w, "object", r->object);
	jsonw_str(w, "cause", r->cause);
	jsonw_str(w, "remedy", r->remedy);
	jsonw_str(w, "look", r->look);
	jsonw_int(w, "count", r->count);
	if (r->examples && *r->examples)
		jsonw_raw(w, "examples", r->examples, strlen(r->examples));
	json_time(w, "since", r->found);
	json_time(w, "raised", r->raised);
	json_time(w, "last", r->last);
	json_time(w, "cleared", r->cleared);
	json_time(w, "seen", r->seen_at);
	jsonw_str(w, "seen_by", r->seen_by);
	jsonw_end(w);
}
