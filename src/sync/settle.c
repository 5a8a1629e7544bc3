/*
 * What is open - sent and not confirmed, because we were stopped or the answer was lost - is settled by
 * looking (I3), never by doing it again blindly:
 *   create, adopt   who bears our identity, or the unique name? ours: confirmed; nobody: planned anew
 *   delete          is it still there?
 *   update, refs    setting the same again is harmless: what was sent counts as not known, and the next
 *                   plan sends it
 */
#include "run_p.h"

#include <string.h>

#define PAGE           64
#define UNKNOWN_ROUNDS 3 /* in one run */

static bool
wait_result(
	struct target_run *t, int64_t id, struct arena *a, struct wire_result *r_r, struct err *e)
{
	for (;;) {
		int got = wire_result_next(t->conn, -1, a, r_r, e);

		if (got < 0)
			return false;
		if (got > 0 && r_r->id == id)
			break;
	}
	if (r_r->ok)
		return true;
	*e = r_r->error;
	return false;
}

bool
target_find(struct target_run *t, const struct kind *k, const char *anchor, const char *name,
	struct arena *a, struct find_answer *f_r, struct err *e)
{
	struct wire_op w = { .id = ++t->next_wire_id,
		.type = OP_FIND,
		.kind = k->name,
		.external = anchor,
		.name = name };
	struct wire_result r;

	*f_r = (struct find_answer){ 0 };
	if (!wire_op_send(t->conn, &w, e) || !wait_result(t, w.id, a, &r, e))
		return false;
	for (size_t i = 0; i < r.found_count; i++) {
		const struct wire_found *f = &r.found[i];
		bool ours = f->external && strcmp(f->external, anchor) == 0;

		if (f_r->found && !ours)
			continue;
		*f_r = (struct find_answer){ .found = true,
			.ours = ours || !f->external || !f->external[0],
			.key = f->key,
			.external = f->external,
			.name = f->name,
			.version = f->version };
	}
	return true;
}

static bool
still_there(struct target_run *t, const struct object *ob, struct arena *a, bool *there_r,
	struct err *e)
{
	struct wire_op w = { .id = ++t->next_wire_id,
		.type = OP_GET,
		.kind = ob->kind->name,
		.external = ob->anchor,
		.key = ob->key };
	struct wire_result r;

	*there_r = true;
	if (!wire_op_send(t->conn, &w, e))
		return false;
	if (wait_result(t, w.id, a, &r, e))
		return true;
	if (e->kind != ERR_OBJECT || strcmp(e->code, "gone") != 0)
		return false;
	err_clear(e);
	*there_r = false;
	return true;
}

/* What was sent is not known: the shadow says so, so that the next plan sends it again, or clears it. */
static bool
forget_sent(struct target_run *t, struct object *ob, const struct op *op, struct err *e)
{
	for (size_t i = 0; i < op->attrs.count; i++)
		attrs_set(&ob->sent, op->attrs.list[i].name, &shadow_unknown, 1);
	if (ob->kind->active_attribute && attrs_get(&op->attrs, ob->kind->active_attribute))
		ob->active = true;
	return ledger_object_save(t->ledger, ob, e);
}

/* Planned anew in this run, or, when the target has left us without an answer again and again, after a
 * while (7.3). */
static bool
plan_anew(struct target_run *t, const struct object *ob, const struct op *op, struct err *e)
{
	struct ledger *l = t->ledger;
	struct err why;
	struct dirty_link d = { .owner = ob->n, .attribute = op->attribute };
	struct object_brief other;

	if (t->unknown_rounds > UNKNOWN_ROUNDS) {
		err_set(&why, ERR_RETRY, "no-answer",
			"the target never said what became of %s; it is tried again later: see why "
			"the target is slow",
			ob->name ? ob->name : ob->anchor);
		return confirm_failed(t, ob, op, &why, e);
	}
	if (!ledger_op_drop(l, op->id, e))
		return false;
	if (op->attribute < 0)
		return ledger_dirty_add(l, ob->source, ob->n, DIRTY_ENTRY, e);
	if (!ledger_brief(l, op->other, &other))
		return err_set(e, ERR_SIDE, "state-damaged",
			"object %lld is not in the target file", (long long)op->other);
	d.other = other.n;
	return ledger_dirty_link_add(l, ob->source, &d, e);
}

static bool
settle_create(struct target_run *t, struct object *ob, const struct op *op, struct arena *a,
	struct err *e)
{
	struct find_answer f;
	struct outcome out = { 0 };

	if (!target_find(t, ob->kind, ob->anchor, ob->name, a, &f, e)) {
		struct err why = *e;

		/* One object's look fails: it alone waits, and is looked for again before any create. */
		if (why.kind != ERR_OBJECT && why.kind != ERR_RETRY)
			return false;
		err_clear(e);
		return ledger_begin(t->ledger, e) && confirm_failed(t, ob, op, &why, e) &&
		       ledger_commit(t->ledger, e);
	}
	if (!ledger_begin(t->ledger, e))
		return false;
	out.key = f.key;
	out.version = f.version;
	if (!(f.found && f.ours ? confirm_object(t, ob, op, &out, e) : plan_anew(t, ob, op, e)))
		return false;
	return ledger_commit(t->ledger, e);
}

static bool
settle_one(struct target_run *t, const struct op *op, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct outcome none = { 0 };
	struct object ob;
	bool there = true;

	if (!ledger_object(t->ledger, op->o, a, &ob, e))
		return false;
	run_event(t->run, "settling", ob.name ? ob.name : ob.anchor,
		"%s: outcome not known, looking", op_class_name(op->class));
	if (op->class == CLASS_CREATE || op->class == CLASS_RECREATE)
		return settle_create(t, &ob, op, a, e);
	if (op->class == CLASS_DELETE && !still_there(t, &ob, a, &there, e))
		return false;
	if (!ledger_begin(t->ledger, e))
		return false;
	if (!there) {
		if (!confirm_object(t, &ob, op, &none, e))
			return false;
	} else {
		if (op->attribute < 0 && op->class != CLASS_ADOPT && op->class != CLASS_DELETE &&
			!forget_sent(t, &ob, op, e))
			return false;
		if (!plan_anew(t, &ob, op, e))
			return false;
	}
	return ledger_commit(t->ledger, e);
}

/* What was in the air may still be on its way: to be looked at when the target's settle time is over (7.2). */
static bool
sent_wait(struct target_run *t, int64_t now, struct err *e)
{
	if (!ledger_begin(t->ledger, e))
		return false;
	if (ledger_ops_unknown(t->ledger, now + t->hello.settle, e))
		return ledger_commit(t->ledger, e);
	ledger_rollback(t->ledger);
	return false;
}

/* Looks at everything open whose time has come. *wait_r: seconds until the next one's; 0 = none left. */
bool
settle_open(struct target_run *t, int64_t *wait_r, struct err *e)
{
	const struct clock *c = t->run->env->store.clock;
	CLEAN_ARENA struct arena *a = arena_new();
	struct op ops[PAGE];
	int64_t after = 0, now = c->now(c->ctx);
	bool all_unknown = false;
	size_t got;

	*wait_r = 0;
	while ((got = ledger_ops_open(t->ledger, after, a, ops, PAGE))) {
		if (!target_greet(t, e))
			return false;
		for (size_t i = 0; i < got; i++) {
			bool sent = ops[i].state == OP_SENT;
			int64_t wait = sent ? t->hello.settle : ops[i].settle_at - now;

			if (wait > t->hello.settle) /* our clock was set back */
				wait = t->hello.settle;
			if (run_stopped(t->run, e) ||
				(sent && !all_unknown && !sent_wait(t, now, e)))
				return false;
			all_unknown |= sent;
			after = ops[i].id;
			if (wait > 0) {
				if (!*wait_r || wait < *wait_r)
					*wait_r = wait;
			} else if (!settle_one(t, &ops[i], e)) {
				ledger_rollback(t->ledger);
				return false;
			}
		}
		arena_reset(a);
	}
	return true;
}
