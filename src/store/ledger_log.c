/* The target file: attempts, runs, changes. */
#include "ledger_p.h"

#include <string.h>

/* --- attempts --- */

#define BACKOFF_FIRST 60
#define BACKOFF_MOST  (4 * 3600)

bool
ledger_attempt_failed(struct ledger *l, int64_t o, const char *op, const struct err *why,
	int64_t now, int64_t *next_at_r, struct err *e)
{
	int64_t count = 0, wait = BACKOFF_FIRST, due = 0;

	if (!db_value(l->db, e, &count, "SELECT count FROM attempt WHERE o = ?", o) ||
		!db_value(l->db, e, &due, "SELECT next_at FROM attempt WHERE o = ?", o))
		return false;
	/* Many references of one object that fail together, or a try before its time, are one more failure. */
	if (due > now && count > 0)
		count--;
	for (int64_t i = 0; i < count && wait < BACKOFF_MOST; i++)
		wait *= 2;
	if (wait < (int64_t)why->wait)
		wait = why->wait;
	*next_at_r = now + wait;
	l->attempts++;
	return db_run(l->db, e,
		"INSERT INTO attempt VALUES(?1, 1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET"
		" count = ?7, next_at = ?2, code = ?4, text = ?5, op = ?6",
		o, *next_at_r, now, (const char *)why->code, (const char *)why->text, op,
		count + 1);
}

bool
ledger_attempt_clear(struct ledger *l, int64_t o, struct err *e)
{
	return !l->attempts ||
	       db_run(l->db, e,
		       "DELETE FROM attempt WHERE o = ?1 AND NOT EXISTS (SELECT 1 FROM object JOIN"
		       " dirty_link ON dirty_link.source = object.source AND dirty_link.owner = "
		       "object.n"
		       " WHERE object.o = ?1 AND dirty_link.wait > 0)",
		       o);
}

bool
ledger_attempts_over(struct ledger *l, struct err *e)
{
	return !l->attempts ||
	       db_run(l->db, e,
		       "DELETE FROM attempt WHERE NOT EXISTS (SELECT 1 FROM object JOIN dirty"
		       "  ON dirty.source = object.source AND dirty.n = object.n WHERE object.o = "
		       "attempt.o"
		       "  AND dirty.wait > 0)"
		       " AND NOT EXISTS (SELECT 1 FROM object JOIN dirty_link ON"
		       "  dirty_link.source = object.source AND dirty_link.owner = object.n"
		       "  WHERE object.o = attempt.o AND dirty_link.wait > 0)");
}

bool
ledger_attempts_freed(struct ledger *l, int64_t *due_r, struct err *e)
{
	*due_r = 0;
	if (!l->attempts)
		return true;
	if (!db_run(l->db, e,
		    "UPDATE dirty SET wait = 0, planned = 0 WHERE wait > 0 AND (source, n) IN"
		    " (SELECT source, n FROM attempt JOIN object USING(o)"
		    "  WHERE code IN ('name-taken', 'address-taken'))"))
		return false;
	*due_r = db_changes(l->db);
	return true;
}

bool
ledger_waits_over(struct ledger *l, struct err *e)
{
	return db_run(l->db, e, "UPDATE dirty SET wait = 0, planned = 0 WHERE wait > 0") &&
	       db_run(l->db, e, "UPDATE dirty_link SET wait = 0, planned = 0 WHERE wait > 0");
}

static size_t
read_attempts(struct db_rows *r, struct arena *a, struct attempt *list)
{
	size_t got = 0;

	while (db_next(r))
		list[got++] = (struct attempt){ .o = db_int(r, 0),
			.count = (int)db_int(r, 1),
			.next_at = db_int(r, 2),
			.since = db_int(r, 3),
			.code = db_text_dup(r, 4, a),
			.text = db_text_dup(r, 5, a),
			.op = db_text_dup(r, 6, a) };
	db_rows_end(r);
	return got;
}

bool
ledger_attempt(struct ledger *l, int64_t o, struct arena *a, struct attempt *at_r)
{
	struct db_rows r = db_query(l->db, NULL,
		"SELECT o, count, next_at, since, code, text, op FROM attempt WHERE o = ?", o);

	return read_attempts(&r, a, at_r);
}

size_t
ledger_attempts(
	struct ledger *l, int64_t after_o, struct arena *a, struct attempt *list, size_t max)
{
	struct db_rows r = db_query(l->db, NULL,
		"SELECT o, count, next_at, since, code, text, op FROM attempt WHERE o > ? ORDER BY "
		"o LIMIT ?",
		after_o, max);

	return read_attempts(&r, a, list);
}

/* --- runs --- */

/* Of the newest run, unless it was permitted. */
#define STILL_HELD "run = (SELECT max(run) FROM run) AND released = 0"

bool
ledger_run_start(struct ledger *l, const char *kind, int64_t now, int64_t *run_r, struct err *e)
{
	if (!db_run(l->db, e,
		    "INSERT INTO run(started, kind, released, held, held_why) VALUES(?, ?, 0,"
		    " ifnull((SELECT held FROM run WHERE " STILL_HELD "), 0),"
		    " (SELECT held_why FROM run WHERE " STILL_HELD "))",
		    now, kind))
		return false;
	*run_r = db_last_id(l->db);
	return true;
}

bool
ledger_run_end(struct ledger *l, const struct run_row *r, struct err *e)
{
	return db_run(l->db, e,
		"UPDATE run SET ended = ?, counts = ?, exit = ?, text = ?, held = ?, held_why = ? "
		"WHERE run = ?",
		r->ended, r->counts, r->exit, r->text, r->held, r->held_why, r->run);
}

#define RUN_COLUMNS "run, started, ended, held, kind, counts, text, exit, released, held_why"

static struct run_row
run_of(struct db_rows *r, struct arena *a)
{
	return (struct run_row){ .run = db_int(r, 0),
		.started = db_int(r, 1),
		.ended = db_int(r, 2),
		.held = db_int(r, 3),
		.kind = db_text_dup(r, 4, a),
		.counts = db_text_dup(r, 5, a),
		.text = db_text_dup(r, 6, a),
		.exit = (int)db_int(r, 7),
		.released = db_int(r, 8),
		.held_why = db_text_dup(r, 9, a) };
}

size_t
ledger_runs(struct ledger *l, int64_t before, struct arena *a, struct run_row *rows, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT " RUN_COLUMNS " FROM run WHERE run < ? ORDER BY run DESC LIMIT ?",
		before ? before : INT64_MAX, max);
	size_t got = 0;

	while (db_next(&r))
		rows[got++] = run_of(&r, a);
	return got;
}

bool
ledger_run_ended(struct ledger *l, struct arena *a, struct run_row *r_r)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT " RUN_COLUMNS " FROM run WHERE ended > 0 ORDER BY run DESC LIMIT 1");

	if (!db_next(&r))
		return false;
	*r_r = run_of(&r, a);
	return true;
}

/* --- changes --- */

int64_t
ledger_change_last(struct ledger *l)
{
	int64_t id = 0;

	db_value(l->db, NULL, &id, "SELECT ifnull(max(id), 0) FROM change");
	return id;
}

bool
ledger_change_add(struct ledger *l, const struct change *c, struct err *e)
{
	CLEAN_BUF struct buf after = { 0 };

	return db_run(l->db, e,
		"INSERT INTO change(run, o, at, class, attribute, other, before, after, code, "
		"text, approved, remove, was)"
		" VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		c->run, c->o, c->at, c->class, c->attribute, c->other,
		ledger_pack(&c->before, &l->pack), ledger_pack(&c->after, &after), c->code, c->text,
		c->approved, c->remove, c->was);
}

size_t
changes_read(struct db_rows *r, struct arena *a, struct change *cs)
{
	size_t got = 0;

	while (db_next(r))
		cs[got++] = (struct change){ .id = db_int(r, 0),
			.run = db_int(r, 1),
			.o = db_int(r, 2),
			.at = db_int(r, 3),
			.class = (enum op_class)db_int(r, 4),
			.attribute = (int)db_int(r, 5),
			.other = db_int(r, 6),
			.before = ledger_unpack(db_str(r, 7), a),
			.after = ledger_unpack(db_str(r, 8), a),
			.code = db_text_dup(r, 9, a),
			.text = db_text_dup(r, 10, a),
			.approved = db_int(r, 11),
			.anchor = db_text_dup(r, 12, a),
			.name = db_text_dup(r, 13, a),
			.kind = ledger_kind(db_int(r, 14)),
			.other_name = db_text_dup(r, 15, a),
			.remove = db_int(r, 16),
			.was = db_int(r, 17) };
	db_rows_end(r);
	return got;
}

size_t
ledger_changes(struct ledger *l, int64_t run, int64_t o, int64_t after, struct arena *a,
	struct change *cs, size_t max)
{
	struct db_rows r;

	if (run && o)
		r = db_query(l->db, NULL,
			CHANGE_COLUMNS
			"WHERE c.run = ? AND c.o = ? AND c.id > ? ORDER BY c.id LIMIT ?",
			run, o, after, max);
	else if (run)
		r = db_query(l->db, NULL,
			CHANGE_COLUMNS "WHERE c.run = ? AND c.id > ? ORDER BY c.id LIMIT ?", run,
			after, max);
	else if (o)
		r = db_query(l->db, NULL,
			CHANGE_COLUMNS "WHERE c.o = ? AND c.id > ? ORDER BY c.id LIMIT ?", o, after,
			max);
	else
		r = db_query(l->db, NULL, CHANGE_COLUMNS "WHERE c.id > ? ORDER BY c.id LIMIT ?",
			after, max);
	return changes_read(&r, a, cs);
}
