/*
 * The target file: what is forgotten of the past. Whole runs, oldest first, in steps: the run's row and what it
 * held go with its first changes, so that nobody undoes half a run; what is left of its changes follows.
 * What stands on a run keeps it: pins of an undo, plans that are kept.
 */
#include "ledger_p.h"

#define RUN_BYTES    200 /* of a row beside its texts */
#define CHANGE_BYTES 80
#define GUARD_TIME   172800 /* the guard counts what was done in 24 hours (8.1) */

#define KEPT                                                                                       \
	"(SELECT run FROM pin UNION SELECT run FROM pin_ref UNION SELECT run FROM plan"            \
	" UNION SELECT run FROM plan_run UNION SELECT max(run) FROM run)"
#define CHANGE_SIZE "ifnull(length(before), 0) + ifnull(length(after), 0) + ifnull(length(text), 0)"
#define RUN_SIZE    "ifnull(length(counts), 0) + ifnull(length(text), 0)"

/* How large the history is, about: what was added since it was counted last is counted now. */
static bool
measure(struct ledger *l, int64_t *bytes_r, struct err *e)
{
	int64_t change = ledger_number(l, "history-change"), run = ledger_number(l, "history-run");
	int64_t changes = 0, runs = 0, last_change = change, last_run = run;

	*bytes_r = ledger_number(l, "history-bytes");
	if (!db_value(l->db, e, &changes,
		    "SELECT ifnull(sum(" CHANGE_SIZE " + ?), 0) FROM change WHERE id > ?",
		    CHANGE_BYTES, change) ||
		!db_value(l->db, e, &runs,
			"SELECT ifnull(sum(" RUN_SIZE
			" + ?), 0) FROM run WHERE run > ? AND ended > 0",
			RUN_BYTES, run) ||
		!db_value(l->db, e, &last_change, "SELECT ifnull(max(id), 0) FROM change") ||
		!db_value(
			l->db, e, &last_run, "SELECT ifnull(max(run), 0) FROM run WHERE ended > 0"))
		return false;
	*bytes_r += changes + runs;
	return ledger_number_set(l, "history-change", last_change, e) &&
	       ledger_number_set(l, "history-run", last_run, e);
}

/* Changes of the run that is being forgotten, not more than *left. *done_r: there are no more. */
static bool
drop_changes(
	struct ledger *l, int64_t run, int64_t *left, int64_t *bytes, bool *done_r, struct err *e)
{
	int64_t size = 0;

	if (!db_value(l->db, e, &size,
		    "SELECT ifnull(sum(" CHANGE_SIZE
		    " + ?1), 0) FROM (SELECT * FROM change WHERE run = ?2"
		    " ORDER BY id LIMIT ?3)",
		    CHANGE_BYTES, run, *left) ||
		!db_run(l->db, e,
			"DELETE FROM change WHERE id IN (SELECT id FROM change WHERE run = ? ORDER "
			"BY id"
			" LIMIT ?)",
			run, *left))
		return false;
	*done_r = db_changes(l->db) < *left;
	*left -= db_changes(l->db);
	*bytes -= size;
	return true;
}

/* The oldest run that nothing stands on; 0 = none. */
static int64_t
oldest(struct ledger *l, int64_t *ended_r)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT run, ifnull(ended, started) FROM run WHERE run NOT IN " KEPT
		" ORDER BY run LIMIT 1");

	if (!db_next(&r))
		return 0;
	*ended_r = db_int(&r, 1);
	return db_int(&r, 0);
}

/* What a later run held, too, stands under the first of these from now on (ledger_holds_record). */
static bool
drop_holds(struct ledger *l, int64_t run, struct err *e)
{
	return db_run(l->db, e,
		       "UPDATE hold SET run = (SELECT min(run) FROM run WHERE run > ?1 AND held > "
		       "0)"
		       " WHERE run = ?1 AND (SELECT min(run) FROM run WHERE run > ?1 AND held > 0)"
		       " < ifnull((SELECT min(run) FROM hold WHERE run > ?1), 9e18)",
		       run) &&
	       db_run(l->db, e, "DELETE FROM hold WHERE run = ?", run);
}

static bool
drop_run(struct ledger *l, int64_t run, int64_t *bytes, struct err *e)
{
	int64_t size = 0;

	if (!db_value(l->db, e, &size,
		    "SELECT " RUN_SIZE " + ? FROM run WHERE run = ? AND ended > 0", RUN_BYTES,
		    run) ||
		!drop_holds(l, run, e) ||
		!db_run(l->db, e, "DELETE FROM ref_lost WHERE run = ?", run) ||
		!db_run(l->db, e, "DELETE FROM run WHERE run = ?", run))
		return false;
	*bytes -= size;
	return true;
}

static bool
is_due(const struct history_limits *h, int64_t ended, int64_t bytes)
{
	if (ended >= h->now - GUARD_TIME)
		return false;
	return ended < h->before || (h->bytes && bytes > h->bytes);
}

bool
ledger_history_keep(
	struct ledger *l, const struct history_limits *h, int64_t *runs_r, struct err *e)
{
	int64_t left = h->rows, bytes, ended, run, dropping = ledger_number(l, "history-dropping");

	*runs_r = 0;
	if (!measure(l, &bytes, e))
		return false;
	while (left > 0) {
		bool done = true;

		if (dropping && !drop_changes(l, dropping, &left, &bytes, &done, e))
			return false;
		if (!done)
			break;
		dropping = 0;
		run = oldest(l, &ended);
		if (!run || left <= 0 || !is_due(h, ended, bytes))
			break;
		if (!drop_run(l, run, &bytes, e))
			return false;
		dropping = run;
		left--;
		++*runs_r;
	}
	return ledger_number_set(l, "history-dropping", dropping, e) &&
	       ledger_number_set(l, "history-bytes", bytes, e);
}
