/* The target file: operations (plan and journal), holds, approvals. */
#include "ledger_p.h"

#include <string.h>

const char *
op_class_name(enum op_class c)
{
	static const char *const names[] = { "create", "adopt", "update", "disable",
		"disable (seen)", "enable", "delete", "recreate", "member add", "member removal",
		"member removal (follows)", "park" };

	return names[c];
}

const char *
op_hold_name(enum op_hold h)
{
	static const char *const names[] = { "", "guard", "approval", "protected", "ambiguous",
		"scope", "not now" };

	return names[h];
}

bool
ledger_op_add(struct ledger *l, const struct op *op, int64_t *id_r, struct err *e)
{
	if (!db_run(l->db, e,
		    "INSERT INTO op(o, class, rank, state, held, approved, attribute, remove, "
		    "other, key, attrs,"
		    " settle_at) VALUES(?, ?, ?, 0, ?, 0, ?, ?, ?, ?, ?, 0)",
		    op->o, op->class, op->rank, op->held, op->attribute, op->remove, op->other,
		    op->key, ledger_pack(&op->attrs, &l->pack)))
		return false;
	*id_r = db_last_id(l->db);
	return true;
}

bool
ledger_op_sent(struct ledger *l, int64_t id, struct err *e)
{
	return db_run(l->db, e, "UPDATE op SET state = 1 WHERE id = ?", id);
}

bool
ledger_op_unknown(struct ledger *l, int64_t id, int64_t settle_at, struct err *e)
{
	return db_run(
		l->db, e, "UPDATE op SET state = 2, settle_at = ? WHERE id = ?", settle_at, id);
}

bool
ledger_ops_unknown(struct ledger *l, int64_t settle_at, struct err *e)
{
	return db_run(
		l->db, e, "UPDATE op SET state = 2, settle_at = ? WHERE state = 1", settle_at);
}

bool
ledger_op_planned(struct ledger *l, int64_t id, struct err *e)
{
	return db_run(l->db, e, "UPDATE op SET state = 0 WHERE id = ?", id);
}

bool
ledger_op_adopt(struct ledger *l, int64_t id, const char *key, enum op_hold held, struct err *e)
{
	return db_run(l->db, e,
		"UPDATE op SET class = ?, key = ?, held = ?, state = 0 WHERE id = ?", CLASS_ADOPT,
		key, held, id);
}

bool
ledger_op_drop(struct ledger *l, int64_t id, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM op WHERE id = ?", id);
}

bool
ledger_ops_drop_object(struct ledger *l, int64_t o, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM op WHERE o = ? AND attribute < 0 AND state = 0", o);
}

bool
ledger_op_drop_ref(struct ledger *l, int64_t o, int attribute, int64_t other, struct err *e)
{
	return db_run(l->db, e,
		"DELETE FROM op WHERE o = ? AND attribute = ? AND other = ? AND state = 0", o,
		attribute, other);
}

bool
ledger_op_pending(struct ledger *l, int64_t o)
{
	return db_number(l->db, "SELECT 1 FROM op WHERE o = ? AND attribute < 0 LIMIT 1", o);
}

bool
ledger_op_open(struct ledger *l, int64_t o)
{
	return db_number(
		l->db, "SELECT 1 FROM op WHERE o = ? AND attribute < 0 AND state > 0 LIMIT 1", o);
}

#define OP_COLUMNS                                                                                 \
	"id, o, class, rank, state, held, approved, attribute, remove, other, key, attrs, "        \
	"settle_at"

static size_t
read_ops(struct db_rows *r, struct arena *a, struct op *ops)
{
	size_t got = 0;

	while (db_next(r))
		ops[got++] = (struct op){
			.id = db_int(r, 0),
			.o = db_int(r, 1),
			.class = (enum op_class)db_int(r, 2),
			.rank = (enum op_rank)db_int(r, 3),
			.state = (enum op_state)db_int(r, 4),
			.held = (enum op_hold)db_int(r, 5),
			.approved = db_int(r, 6),
			.attribute = (int)db_int(r, 7),
			.remove = db_int(r, 8),
			.other = db_int(r, 9),
			.key = db_text_dup(r, 10, a),
			.attrs = ledger_unpack(db_str(r, 11), a),
			.settle_at = db_int(r, 12),
		};
	db_rows_end(r);
	return got;
}

size_t
ledger_ops(struct ledger *l, enum op_rank rank, struct op_pos *pos, struct arena *a, struct op *ops,
	size_t max)
{
	struct db_rows r;
	size_t got;

	if (rank == RANK_REFS)
		r = db_query(l->db, NULL,
			"SELECT " OP_COLUMNS
			" FROM op WHERE state = 0 AND held = 0 AND attribute >= 0"
			" AND (o, attribute, id) > (?, ?, ?) ORDER BY o, attribute, id LIMIT ?",
			pos->o, pos->attribute, pos->id, max);
	else
		r = db_query(l->db, NULL,
			"SELECT " OP_COLUMNS
			" FROM op WHERE state = 0 AND held = 0 AND attribute < 0"
			" AND rank = ? AND id > ? ORDER BY id LIMIT ?",
			rank, pos->id, max);
	got = read_ops(&r, a, ops);
	if (got)
		*pos = (struct op_pos){ ops[got - 1].id, ops[got - 1].o, ops[got - 1].attribute };
	return got;
}

size_t
ledger_ops_open(struct ledger *l, int64_t after, struct arena *a, struct op *ops, size_t max)
{
	struct db_rows r = db_query(l->db, NULL,
		"SELECT " OP_COLUMNS " FROM op WHERE state > 0 AND id > ? ORDER BY id LIMIT ?",
		after, max);

	return read_ops(&r, a, ops);
}

size_t
ledger_ops_all(struct ledger *l, int64_t after, struct arena *a, struct op *ops, size_t max)
{
	struct db_rows r = db_query(l->db, NULL,
		"SELECT " OP_COLUMNS " FROM op WHERE state = 0 AND id > ? ORDER BY id LIMIT ?",
		after, max);

	return read_ops(&r, a, ops);
}

size_t
ledger_op_counts(struct ledger *l, struct arena *a, struct op_count **list_r)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT object.sync, object.kind, op.class, count(*), sum(op.held <> 0), "
		"sum(op.approved)"
		" FROM op JOIN object USING(o) WHERE op.state = 0 AND op.held <> ? GROUP BY 1, 2, "
		"3",
		HOLD_LATER);
	size_t got = 0, cap = 0;

	*list_r = NULL;
	while (db_next(&r)) {
		if (got == cap) {
			struct op_count *more =
				arena_alloc(a, (cap = cap ? cap * 2 : 16) * sizeof(*more));

			for (size_t i = 0; i < got; i++)
				more[i] = (*list_r)[i];
			*list_r = more;
		}
		(*list_r)[got++] = (struct op_count){ .sync = db_text_dup(&r, 0, a),
			.kind = ledger_kind(db_int(&r, 1)),
			.class = (enum op_class)db_int(&r, 2),
			.count = db_int(&r, 3),
			.held = db_int(&r, 4),
			.approved = db_int(&r, 5) };
	}
	return got;
}

int64_t
ledger_op_left(struct ledger *l)
{
	return db_number(l->db, "SELECT count(*) FROM op WHERE state = 0 AND held = 0");
}

int64_t
ledger_held_now(struct ledger *l)
{
	return db_number(l->db,
		"SELECT count(*) FROM op WHERE state = 0 AND held NOT IN (0, ?) AND class <> ?",
		HOLD_LATER, CLASS_FOLLOWING);
}

int64_t
ledger_later(struct ledger *l)
{
	return db_number(l->db, "SELECT count(*) FROM op WHERE state = 0 AND held = ?", HOLD_LATER);
}

/* --- holds and approvals --- */

bool
ledger_hold_class(struct ledger *l, const char *sync, const struct kind *k, enum op_class c,
	enum op_hold why, struct err *e)
{
	return db_run(l->db, e,
		"UPDATE op SET held = ? WHERE state = 0 AND held = 0 AND approved = 0 AND class = ?"
		" AND o IN (SELECT o FROM object WHERE sync = ? AND kind = ?)",
		why, c, sync, (int64_t)(k - kinds));
}

bool
ledger_hold_object(struct ledger *l, int64_t o, enum op_class c, enum op_hold why, struct err *e)
{
	return db_run(l->db, e,
		"UPDATE op SET held = ? WHERE o = ? AND state = 0 AND held = 0 AND approved = 0 "
		"AND class = ?",
		why, o, c);
}

bool
ledger_hold_following(struct ledger *l, struct err *e)
{
	return db_run(l->db, e,
		"UPDATE op SET held = 1 WHERE state = 0 AND held = 0 AND class = ?1 AND other IN"
		" (SELECT o FROM op WHERE state = 0 AND held NOT IN (0, ?2) AND attribute < 0)",
		CLASS_FOLLOWING, HOLD_LATER);
}

size_t
ledger_member_removals(
	struct ledger *l, const char *sync, struct arena *a, struct group_removals **list_r)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT op.o, count(*) FROM op JOIN object USING(o) WHERE op.state = 0 AND "
		"op.class = ?"
		" AND op.approved = 0 AND op.held <> ? AND object.sync = ? GROUP BY op.o",
		CLASS_MEMBER_REMOVAL, HOLD_LATER, sync);
	size_t got = 0, cap = 0;

	*list_r = NULL;
	while (db_next(&r)) {
		if (got == cap) {
			struct group_removals *more =
				arena_alloc(a, (cap = cap ? cap * 2 : 16) * sizeof(*more));

			for (size_t i = 0; i < got; i++)
				more[i] = (*list_r)[i];
			*list_r = more;
		}
		(*list_r)[got++] = (struct group_removals){ db_int(&r, 0), db_int(&r, 1) };
	}
	return got;
}

int64_t
ledger_removed_since(struct ledger *l, int64_t o, int64_t since)
{
	return db_number(l->db,
		"SELECT count(*) FROM change WHERE o = ? AND attribute >= 0 AND class = ? AND at > "
		"?"
		" AND code IS NULL AND approved = 0",
		o, CLASS_MEMBER_REMOVAL, since);
}

int64_t
ledger_done_since(
	struct ledger *l, const char *sync, const struct kind *k, enum op_class c, int64_t since)
{
	return db_number(l->db,
		"SELECT count(*) FROM change JOIN object USING(o) WHERE change.class = ? AND "
		"change.at > ?"
		" AND change.code IS NULL AND change.approved = 0 AND object.sync = ? AND "
		"object.kind = ?",
		c, since, sync, (int64_t)(k - kinds));
}

#define HELD_OPS "op.state = 0 AND op.held NOT IN (0, ?1) AND op.class <> ?2"

/* What is held is what was held when it was written down last. */
static bool
holds_same(struct ledger *l, int64_t count, bool *same_r, struct err *e)
{
	int64_t last = 0, there = 0, same = 0;

	if (!db_value(l->db, e, &last, "SELECT ifnull(max(run), 0) FROM hold") ||
		!db_value(l->db, e, &there, "SELECT count(*) FROM hold WHERE run = ?", last))
		return false;
	*same_r = false;
	if (there != count)
		return true;
	if (!db_value(l->db, e, &same,
		    "SELECT count(*) FROM op JOIN hold h ON h.run = ?3 AND h.o = op.o AND h.class "
		    "= op.class"
		    " AND h.attribute = op.attribute AND h.other = op.other AND h.key IS op.key"
		    " WHERE " HELD_OPS,
		    HOLD_LATER, CLASS_FOLLOWING, last))
		return false;
	*same_r = same == count;
	return true;
}

/* Under which run it stands what this one held: its own, or an earlier one that held the same. 0 = it held nothing. */
static int64_t
holds_of(struct ledger *l, int64_t run)
{
	return db_number(l->db,
		"SELECT h.run FROM hold h WHERE h.run <= ?1 AND"
		" (h.run = ?1 OR (SELECT held FROM run WHERE run = ?1) > 0)"
		" ORDER BY h.run DESC LIMIT 1",
		run);
}

/* A hold may last for days, and runs come every few minutes: the same is not written down with each. */
bool
ledger_holds_record(struct ledger *l, int64_t run, int64_t *count_r, struct err *e)
{
	bool same;

	*count_r = ledger_held_now(l);
	if (!*count_r)
		return true;
	if (!holds_same(l, *count_r, &same, e))
		return false;
	if (same)
		return true;
	if (!db_run(l->db, e,
		    "INSERT OR IGNORE INTO hold SELECT ?3, o, class, attribute, other, key FROM op"
		    " WHERE " HELD_OPS,
		    HOLD_LATER, CLASS_FOLLOWING, run))
		return false;
	*count_r = db_changes(l->db);
	return true;
}

bool
ledger_release(struct ledger *l, int64_t run, int64_t *pairs_r, struct err *e)
{
	int64_t known = 0;

	if (!db_value(l->db, e, &known, "SELECT 1 FROM run WHERE run = ?", run))
		return false;
	if (!known)
		return err_set(e, ERR_CONFIG, "no-such-run",
			"there is no run %lld; `lockstep history` lists them", (long long)run);
	if (!db_run(l->db, e,
		    "INSERT OR IGNORE INTO approval SELECT o, class, attribute, other, ?, key "
		    "FROM hold WHERE run = ? AND (class <> ? OR key IS NOT NULL)",
		    run, holds_of(l, run), CLASS_ADOPT))
		return false;
	*pairs_r = db_changes(l->db);
	if (!*pairs_r)
		return err_set(e, ERR_CONFIG, "nothing-held",
			"run %lld holds nothing back that is not released already", (long long)run);
	return db_run(l->db, e, "UPDATE run SET released = 1 WHERE run = ?", run);
}

/* An approval to adopt is one for the create that the plan starts from: what is there is found later, and must
 * then be what was approved, whose key goes with the operation. */
bool
ledger_approvals_apply(struct ledger *l, struct err *e)
{
	int64_t any = 0;

	if (!db_value(l->db, e, &any, "SELECT 1 FROM approval LIMIT 1"))
		return false;
	if (!any)
		return true;
	return db_run(l->db, e,
		       "UPDATE op SET approved = 1, held = 0 WHERE state = 0 AND held <> ?4 AND "
		       "EXISTS "
		       "(SELECT 1 FROM approval a"
		       " WHERE a.o = op.o AND a.attribute = op.attribute AND a.other = op.other AND"
		       " ((a.class = op.class AND (a.key IS NULL OR a.key = op.key)) OR"
		       "  (a.class = ?1 AND op.class IN (?2, ?3))))",
		       CLASS_ADOPT, CLASS_CREATE, CLASS_RECREATE, HOLD_LATER) &&
	       db_run(l->db, e,
		       "UPDATE op SET key = (SELECT a.key FROM approval a WHERE a.o = op.o AND "
		       "a.class = ?1)"
		       " WHERE state = 0 AND approved = 1 AND class IN (?2, ?3)",
		       CLASS_ADOPT, CLASS_CREATE, CLASS_RECREATE) &&
	       db_run(l->db, e,
		       "DELETE FROM approval WHERE NOT EXISTS (SELECT 1 FROM op WHERE op.o = "
		       "approval.o)"
		       " AND NOT EXISTS (SELECT 1 FROM object JOIN dirty ON dirty.source = "
		       "object.source"
		       "  AND dirty.n = object.n WHERE object.o = approval.o)"
		       " AND NOT EXISTS (SELECT 1 FROM object JOIN dirty_link ON dirty_link.source "
		       "= object.source"
		       "  AND dirty_link.owner = object.n WHERE object.o = approval.o)");
}

size_t
ledger_held(
	struct ledger *l, int64_t run, int64_t skip, struct arena *a, struct held *list, size_t max)
{
	CLEAN_ROWS struct db_rows r = db_query(l->db, NULL,
		"SELECT h.class, b.kind, coalesce(b.name, b.anchor), p.name FROM hold h JOIN "
		"object b ON b.o = h.o"
		" LEFT JOIN object p ON p.o = h.other WHERE h.run = ? ORDER BY h.class, h.o, "
		"h.attribute, h.other"
		" LIMIT ? OFFSET ?",
		holds_of(l, run), max, skip);
	size_t got = 0;

	while (db_next(&r))
		list[got++] = (struct held){ .class = (enum op_class)db_int(&r, 0),
			.kind = ledger_kind(db_int(&r, 1)),
			.name = db_text_dup(&r, 2, a),
			.other = db_text_dup(&r, 3, a) };
	return got;
}
