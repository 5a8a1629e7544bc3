/*
 * What goes out: flights are filled with what comes next, their intents committed, their lines sent.
 *
 * Creates fly twice: first a look by identity and by unique name (7.2), then the create. The intent of everything
 * that changes the target is committed before its line goes out; the confirmations of the last answers ride in the
 * same transaction, so that there is one commit per round trip, whatever the window.
 */
#include "apply_p.h"

#include <stdlib.h>

static struct flight *
flight_free(struct apply *ap)
{
	for (size_t i = 0; i < ap->size; i++) {
		struct flight *f = &ap->flights[(ap->next + i) % ap->size];

		if (f->phase == FLIGHT_FREE) {
			ap->next = (ap->next + i + 1) % ap->size;
			arena_reset(f->arena);
			f->op_count = 0;
			f->answered = f->read = f->stale = false;
			ap->used++;
			return f;
		}
	}
	return NULL;
}

void
flight_end(struct apply *ap, struct flight *f)
{
	f->phase = FLIGHT_FREE;
	ap->used--;
}

static bool
object_in_air(const struct apply *ap, int64_t o)
{
	if (ap->rank != RANK_REFS)
		return false; /* at most one operation of each other rank per object */
	for (size_t i = 0; i < ap->size; i++)
		if (ap->flights[i].phase != FLIGHT_FREE && ap->flights[i].ob.o == o)
			return true;
	return false;
}

/* --- fill --- */

static void
copy_op(struct flight *f, const struct op *op)
{
	f->op = *op;
	f->op.key = op->key ? arena_strdup(f->arena, op->key) : NULL;
	f->op.attrs = attrs_new(f->arena);
	attrs_copy(&f->op.attrs, &op->attrs);
}

bool
flight_ask(struct apply *ap, struct flight *f, int type, struct err *e)
{
	/* Each question has an id of its own: an answer given twice is no answer to the next one. */
	struct wire_op w = { .id = f->id = ++ap->t->next_wire_id,
		.type = (enum wire_op_type)type,
		.kind = f->ob.kind->name,
		.external = f->ob.anchor,
		.name = f->ob.name,
		.key = f->ob.key };

	return wire_op_send(ap->t->conn, &w, e);
}

static bool
fill_object(struct apply *ap, const struct op *op, struct err *e)
{
	struct flight *f = flight_free(ap);

	if (!ledger_object(ap->t->ledger, op->o, f->arena, &f->ob, e))
		return false;
	copy_op(f, op);
	f->ops[f->op_count++] = (struct flight_op){ .id = op->id };
	f->phase = FLIGHT_READY;
	if (careful_needs_read(ap, f)) {
		f->phase = FLIGHT_READ;
		return flight_ask(ap, f, OP_GET, e);
	}
	if (op->class != CLASS_CREATE && op->class != CLASS_RECREATE)
		return true;
	f->phase = FLIGHT_FIND;
	return flight_ask(ap, f, OP_FIND, e);
}

/* References of one owner and attribute ride together, as many as the target takes. */
static bool
fill_ref(struct apply *ap, struct flight **open, const struct op *op, struct err *e)
{
	struct flight *f = *open;
	struct object_brief owner, other;
	bool same = f && f->ob.o == op->o && f->op.attribute == op->attribute;

	if (!ledger_brief(ap->t->ledger, op->other, &other) || !other.key[0] ||
		(!same && (!ledger_brief(ap->t->ledger, op->o, &owner) || !owner.key[0])))
		return true; /* one end is not there yet: the link stays dirty */
	if (!same) {
		f = flight_free(ap);
		if (!ledger_object(ap->t->ledger, op->o, f->arena, &f->ob, e))
			return false;
		copy_op(f, op);
		f->phase = FLIGHT_READY;
		*open = f;
	}
	if (f->op_count == f->op_max) {
		f->op_max = f->op_max * 4 < ap->members_max ? f->op_max * 4 : ap->members_max;
		f->ops = xrealloc(f->ops, f->op_max * sizeof(*f->ops));
	}
	f->ops[f->op_count++] = (struct flight_op){ .id = op->id,
		.other = op->other,
		.remove = op->remove,
		.class = op->class,
		.key = arena_strdup(f->arena, other.key),
		.kind = other.kind->name };
	return true;
}

/* Up to the window; stops at an owner that is in the air already (one operation per object). */
static bool
fill(struct apply *ap, struct err *e)
{
	struct flight *open = NULL;

	while (!ap->drained && ap->used < ap->window) {
		size_t got, i, want = ap->window - ap->used;
		struct op_pos before = ap->pos;

		if (ap->rank == RANK_REFS)
			want = ap->op_max;
		else if (want > APPLY_PAGE)
			want = APPLY_PAGE;
		arena_reset(ap->page);
		got = ledger_ops(ap->t->ledger, ap->rank, &ap->pos, ap->page, ap->ops, want);
		if (!got) {
			ap->drained = true;
			break;
		}
		for (i = 0; i < got; i++) {
			const struct op *op = &ap->ops[i];
			bool same =
				open && open->ob.o == op->o && open->op.attribute == op->attribute;

			if (!same && (ap->used >= ap->window || object_in_air(ap, op->o)))
				break;
			if (same && open->op_count >= (ap->singly ? 1 : ap->members_max))
				break;
			if (!(ap->rank == RANK_REFS ? fill_ref(ap, &open, op, e)
						    : fill_object(ap, op, e)))
				return false;
			before = (struct op_pos){ op->id, op->o, op->attribute };
		}
		if (i < got) {
			ap->pos = before;
			break;
		}
	}
	return true;
}

/* --- launch --- */

static bool
send_refs(struct apply *ap, struct flight *f, struct wire_op *w, struct err *e)
{
	struct wire_ref *add = arena_alloc(f->arena, (f->op_count + 1) * sizeof(*add));
	struct wire_ref *rem = arena_alloc(f->arena, (f->op_count + 1) * sizeof(*rem));

	for (size_t i = 0; i < f->op_count; i++) {
		struct wire_ref ref = { .key = f->ops[i].key, .kind = f->ops[i].kind };

		if (f->ops[i].remove)
			rem[w->remove_count++] = ref;
		else
			add[w->add_count++] = ref;
	}
	w->type = OP_REFS;
	w->attribute = f->ob.kind->refs[f->op.attribute].attribute;
	w->add = add;
	w->remove = rem;
	return wire_op_send(ap->t->conn, w, e);
}

static bool
send_flight(struct apply *ap, struct flight *f, struct err *e)
{
	struct wire_op w = { .id = f->id = ++ap->t->next_wire_id,
		.kind = f->ob.kind->name,
		.external = f->ob.anchor,
		.name = f->ob.name,
		.key = f->ob.key,
		.version = careful_version(ap, f),
		.attrs = &f->op.attrs };

	f->phase = FLIGHT_SENT;
	if (f->op.attribute >= 0)
		return send_refs(ap, f, &w, e);
	switch (f->op.class) {
	case CLASS_CREATE:
	case CLASS_RECREATE:
		w.type = OP_CREATE;
		break;
	case CLASS_ADOPT:
		w.type = OP_UPDATE;
		w.key = f->op.key;
		break;
	case CLASS_DELETE:
		w.type = OP_DELETE;
		break;
	default:
		w.type = OP_UPDATE;
		break;
	}
	elements_form(ap, f, &w);
	return wire_op_send(ap->t->conn, &w, e);
}

static bool
may_fill(const struct apply *ap)
{
	return !ap->drained && ap->used < ap->window && ap->t->resume_at_ms <= run_mono(ap->t->run);
}

/* The answers' confirmations, what comes next, and the intents of all that is ready. */
static bool
journal(struct apply *ap, struct err *e)
{
	for (size_t i = 0; i < ap->answer_count; i++)
		if (!answer_take(ap, &ap->answers[i], e))
			return false;
	ap->answer_count = 0;
	if (ap->fatal.kind == ERR_NONE && may_fill(ap) && !fill(ap, e))
		return false;
	for (size_t i = 0; i < ap->size; i++) {
		struct flight *f = &ap->flights[i];

		if (ap->stopping && f->phase == FLIGHT_READY)
			flight_end(ap, f);
		for (size_t j = 0; f->phase == FLIGHT_READY && j < f->op_count; j++)
			if (!ledger_op_sent(ap->t->ledger, f->ops[j].id, e))
				return false;
	}
	return true;
}

bool
flights_launch(struct apply *ap, struct err *e)
{
	struct ledger *l = ap->t->ledger;

	if (!ap->answer_count && !may_fill(ap))
		return true;
	if (!ledger_begin(l, e))
		return false;
	if (!journal(ap, e) || !ledger_commit(l, e)) {
		ledger_rollback(l);
		return false;
	}
	for (size_t i = 0; i < ap->size; i++) {
		struct flight *f = &ap->flights[i];

		if (f->phase == FLIGHT_READY && !send_flight(ap, f, e))
			return false;
		if (f->phase == FLIGHT_LOOK && !f->answered) {
			f->answered = true;
			if (!flight_ask(ap, f, OP_FIND, e))
				return false;
		}
	}
	return true;
}
