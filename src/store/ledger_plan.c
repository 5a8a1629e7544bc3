/*
 * The target file: plans kept for `apply` (SEMANTICS 9.1). A plan is kept as copies of its operations, by
 * identity instead of row numbers, each with the values that stood at the target when it was made: what
 * somebody approved is the way from one to the other.
 */
#include "ledger_p.h"

#include <string.h>

/* What was sent of those attributes that an operation changes; removed ones included. */
static struct attrs
before_of(const struct attrs *sent, const struct attrs *changed, struct arena *a)
{
	struct attrs before = attrs_new(a);

	for (size_t i = 0; i < changed->count; i++) {
		const struct attr *was = attrs_get(sent, changed->list[i].name);

		if (was)
			attrs_set(&before, was->name, was->values, was->count);
	}
	return before;
}

/* An application of this plan that was stopped leaves values of which nobody knows whether they were set: they count
 * as what they were before it. */
static void
not_known_as(struct attrs *before, const struct attrs *planned)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct attr *at = &before->list[i];
		const struct attr *was = attrs_get(planned, at->name);

		if (!shadow_is_unknown(at))
			continue;
		if (was)
			attrs_set(before, was->name, was->values, was->count);
		else
			attrs_remove(before, before->list[i--].name);
	}
}

static bool
forget_plan(struct ledger *l, int64_t plan, struct err *e)
{
	return db_run(l->db, e, "DELETE FROM plan_op WHERE plan = ?", plan) &&
	       db_run(l->db, e, "DELETE FROM plan_run WHERE plan = ?", plan) &&
	       db_run(l->db, e, "DELETE FROM plan WHERE plan = ?", plan);
}

static bool
forget_old(struct ledger *l, struct err *e)
{
	int64_t old = 0;

	for (;;) {
		old = 0;
		if (!db_value(l->db, e, &old,
			    "SELECT plan FROM plan ORDER BY plan DESC LIMIT 1 OFFSET ?",
			    PLANS_KEPT))
			return false;
		if (!old)
			return true;
		if (!forget_plan(l, old, e))
			return false;
	}
}

static bool
keep_op(struct ledger *l, int64_t plan, const struct op *op, struct arena *a, struct err *e)
{
	CLEAN_BUF struct buf before = { 0 };
	struct object ob, other = { .anchor = "" };
	struct attrs was;

	if (!ledger_object(l, op->o, a, &ob, e) ||
		(op->other && !ledger_object(l, op->other, a, &other, e)))
		return false;
	was = before_of(&ob.sent, &op->attrs, a);
	return db_run(l->db, e, "INSERT INTO plan_op VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
		plan, ob.anchor, (int64_t)(ob.kind - kinds), op->class, op->attribute, op->remove,
		other.anchor, op->held, ledger_pack(&op->attrs, &l->pack),
		ledger_pack(&was, &before));
}

bool
ledger_plan_keep(struct ledger *l, const char *digest, int64_t now, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	int64_t after = 0, plan, same = ledger_plan_find(l, digest);
	struct op ops[64];
	size_t got;

	if (same && !forget_plan(l, same, e))
		return false;
	if (!db_run(l->db, e, "INSERT INTO plan(digest, run, made) SELECT ?, max(run), ? FROM run",
		    digest, now))
		return false;
	plan = db_last_id(l->db);
	while ((got = ledger_ops_all(l, after, a, ops, ARRAY_LEN(ops)))) {
		for (size_t i = 0; i < got; i++)
			if (!keep_op(l, plan, &ops[i], a, e))
				return false;
		after = ops[got - 1].id;
		arena_reset(a);
	}
	return forget_old(l, e);
}

int64_t
ledger_plan_find(struct ledger *l, const char *digest)
{
	return db_number(l->db, "SELECT plan FROM plan WHERE digest = ?", digest);
}

bool
ledger_plan_run(struct ledger *l, int64_t plan, int64_t run, struct err *e)
{
	/* Somebody asks for them: what failed before is tried at once. */
	return db_run(l->db, e, "INSERT OR IGNORE INTO plan_run VALUES(?, ?)", plan, run) &&
	       db_run(l->db, e,
		       "UPDATE dirty SET wait = 0 WHERE wait > 0 AND EXISTS (SELECT 1 FROM object "
		       "b JOIN plan_op p"
		       "  ON p.anchor = b.anchor AND p.plan = ? WHERE b.source = dirty.source AND "
		       "b.n = dirty.n)",
		       plan) &&
	       db_run(l->db, e,
		       "UPDATE dirty_link SET wait = 0 WHERE wait > 0 AND EXISTS (SELECT 1 FROM "
		       "object b JOIN plan_op p"
		       "  ON p.anchor = b.anchor AND p.plan = ? WHERE b.source = dirty_link.source "
		       "AND b.n = dirty_link.owner)",
		       plan);
}

/* --- comparing --- */

static bool
same_bytes(struct str a, struct str b)
{
	return a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0);
}

/* One row of the plan with its candidate: the same in everything but, perhaps, the values. */
static bool
match_row(struct ledger *l, const struct db_rows *r, bool begun, struct arena *a, struct err *e)
{
	CLEAN_BUF struct buf before = { 0 };
	struct attrs wanted = ledger_unpack(db_str(r, 2), a), sent = ledger_unpack(db_str(r, 5), a);
	struct attrs was = before_of(&sent, &wanted, a), planned = ledger_unpack(db_str(r, 4), a);

	if (begun)
		not_known_as(&was, &planned);
	if (db_null(r, 1) || !same_bytes(db_str(r, 2), db_str(r, 3)) ||
		!same_bytes(ledger_pack(&was, &before), db_str(r, 4)))
		return true;
	return db_run(
		l->db, e, "UPDATE plan_op SET op = ? WHERE rowid = ?", db_int(r, 1), db_int(r, 0));
}

bool
ledger_plan_match(struct ledger *l, int64_t plan, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	int64_t after = 0, runs = 0;
	bool more = true;

	if (!db_value(l->db, e, &runs, "SELECT count(*) FROM plan_run WHERE plan = ?", plan) ||
		!db_run(l->db, e, "UPDATE plan_op SET op = NULL WHERE op IS NOT NULL"))
		return false;
	while (more) {
		CLEAN_ROWS struct db_rows r = db_query(l->db, e,
			"SELECT p.rowid, op.id, p.attrs, op.attrs, p.before, b.sent FROM plan_op p"
			" LEFT JOIN object b ON b.anchor = p.anchor"
			" LEFT JOIN object q ON q.anchor = p.other"
			" LEFT JOIN op ON op.o = b.o AND op.attribute = p.attribute AND op.other = "
			"ifnull(q.o, 0)"
			"  AND op.class = p.class AND op.remove = p.remove AND op.state = 0"
			" WHERE p.plan = ? AND p.rowid > ? ORDER BY p.rowid LIMIT 256",
			plan, after);

		more = false;
		while (db_next(&r)) {
			more = true;
			after = db_int(&r, 0);
			if (!match_row(l, &r, runs > 1, a, e))
				return false;
		}
		if (r.failed)
			return false;
		arena_reset(a);
	}
	return true;
}

/* An operation in a few words. */
static void
add_words(struct buf *out, enum op_class c, const struct kind *k, int attribute, bool remove,
	const char *other, const struct attrs *as)
{
	buf_addf(out, "%s%s", out->n ? "; " : "", op_class_name(c));
	if (attribute >= 0)
		buf_addf(out, "%s%s %s", k->refs[attribute].multi ? "" : " ",
			k->refs[attribute].multi ? "" : k->refs[attribute].attribute,
			remove && !k->refs[attribute].multi ? "none" : other);
	for (size_t i = 0; i < as->count; i++) {
		const struct attr *at = &as->list[i];

		buf_addf(out, "%s%s =", i ? ", " : " ", at->name);
		for (size_t j = 0; j < at->count; j++) {
			buf_adds(out, j ? "|" : " ");
			text_escape(at->values[j].p, at->values[j].n, 60, out);
		}
		if (!at->count)
			buf_adds(out, " (none)");
	}
}

/* Rows: class, kind, attribute, remove, other's name, attrs. */
static const char *
words_of(struct db_rows *r, struct arena *a)
{
	CLEAN_BUF struct buf text = { 0 };
	CLEAN_ARENA struct arena *own = arena_new();

	while (db_next(r)) {
		struct attrs as = ledger_unpack(db_str(r, 5), own);

		if (text.n > 2000) {
			buf_adds(&text, "; ...");
			break;
		}
		add_words(&text, (enum op_class)db_int(r, 0), ledger_kind(db_int(r, 1)),
			(int)db_int(r, 2), db_int(r, 3), db_text(r, 4) ? db_text(r, 4) : "", &as);
	}
	db_rows_end(r);
	return text.n ? arena_strdup(a, buf_cstr(&text)) : "nothing";
}

static void
describe(struct ledger *l, int64_t plan, struct plan_difference *d, struct arena *a)
{
	struct db_rows was = db_query(l->db, NULL,
		"SELECT p.class, p.kind, p.attribute, p.remove, coalesce(q.name, p.other), p.attrs"
		" FROM plan_op p LEFT JOIN object q ON q.anchor = p.other"
		" WHERE p.plan = ? AND p.anchor = ? ORDER BY p.rowid",
		plan, d->anchor);
	struct db_rows now = db_query(l->db, NULL,
		"SELECT op.class, b.kind, op.attribute, op.remove, coalesce(q.name, q.anchor), "
		"op.attrs"
		" FROM object b JOIN op ON op.o = b.o AND op.state = 0 LEFT JOIN object q ON q.o = "
		"op.other"
		" WHERE b.anchor = ? ORDER BY op.id",
		d->anchor);

	d->was = words_of(&was, a);
	d->now = words_of(&now, a);
	if (strcmp(d->was, d->now) == 0) /* the same change, from another value */
		d->now = arena_printf(a, "%s, but from other values", d->now);
}

size_t
ledger_plan_differs(struct ledger *l, int64_t plan, const char *after, struct arena *a,
	struct plan_difference *list, size_t max)
{
	size_t got = 0;
	/* A create of the plan may have been done as an adoption. */
	struct db_rows r = db_query(l->db, NULL,
		"SELECT DISTINCT p.anchor, b.name, p.kind FROM plan_op p LEFT JOIN object b ON "
		"b.anchor = p.anchor"
		" WHERE p.plan = ?1 AND p.anchor > ?2 AND ("
		"  (p.op IS NULL AND NOT EXISTS (SELECT 1 FROM change c JOIN plan_run pr ON pr.run "
		"= c.run"
		"    AND pr.plan = ?1 WHERE c.o = b.o AND c.code IS NULL AND c.attribute = "
		"p.attribute"
		"    AND (c.class = p.class OR c.class = ?3) AND c.other ="
		"     ifnull((SELECT o FROM object q WHERE q.anchor = p.other), 0)))"
		"  OR EXISTS (SELECT 1 FROM op WHERE op.o = b.o AND op.state = 0 AND NOT EXISTS"
		"   (SELECT 1 FROM plan_op m WHERE m.op = op.id)))"
		" ORDER BY p.anchor LIMIT ?4",
		plan, after, CLASS_ADOPT, max);

	while (db_next(&r)) {
		list[got].anchor = db_text_dup(&r, 0, a);
		list[got].name = db_text_dup(&r, 1, a);
		list[got++].kind = ledger_kind(db_int(&r, 2));
	}
	for (size_t i = 0; i < got; i++)
		describe(l, plan, &list[i], a);
	return got;
}

bool
ledger_plan_narrow(struct ledger *l, int64_t plan, bool release, struct err *e)
{
	if (!db_run(l->db, e,
		    "UPDATE op SET held = ? WHERE state = 0 AND NOT EXISTS"
		    " (SELECT 1 FROM plan_op WHERE plan_op.op = op.id)",
		    HOLD_LATER))
		return false;
	return !release ||
	       db_run(l->db, e,
		       "INSERT OR IGNORE INTO approval SELECT op.o, op.class, op.attribute, "
		       "op.other, 0, op.key"
		       " FROM plan_op p JOIN op ON op.id = p.op WHERE p.plan = ? AND p.held <> 0",
		       plan);
}
