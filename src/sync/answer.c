/* One answer of the target: what it means for its flight. Runs inside the launch transaction. */
#include "apply_p.h"

#include <string.h>

#define LOST_ROUNDS 3

static bool
is_create(const struct flight *f)
{
	return f->op.class == CLASS_CREATE || f->op.class == CLASS_RECREATE;
}

static bool
is_taken(const struct err *why)
{
	return strcmp(why->code, "address-taken") == 0 || strcmp(why->code, "name-taken") == 0;
}

/* Back to the plan: certainly not done, and to be tried again in this run. */
static bool
put_back(struct apply *ap, struct flight *f, struct err *e)
{
	for (size_t i = 0; i < f->op_count; i++)
		if (!ledger_op_planned(ap->t->ledger, f->ops[i].id, e))
			return false;
	flight_end(ap, f);
	return true;
}

/* The row of the plan that stands behind one member of a reference flight. */
static struct op
flight_row(const struct flight *f, size_t i)
{
	struct op op = f->op;

	op.id = f->ops[i].id;
	if (op.attribute >= 0) {
		op.other = f->ops[i].other;
		op.remove = f->ops[i].remove;
		op.class = f->ops[i].class;
	}
	return op;
}

static bool
fail_all(struct apply *ap, struct flight *f, const struct err *why, struct err *e)
{
	for (size_t i = 0; i < f->op_count; i++) {
		struct op op = flight_row(f, i);

		if (!confirm_failed(ap->t, &f->ob, &op, why, e))
			return false;
	}
	flight_end(ap, f);
	return true;
}

bool
answer_conflict(struct apply *ap, struct flight *f, const struct err *why, struct err *e)
{
	if (ap->last_pass && ap->final)
		return fail_all(ap, f, why, e);
	if (ap->last_pass) {
		ap->deferred = true; /* after the other ranks once more */
		return put_back(ap, f, e);
	}
	ap->conflicts++;
	return put_back(ap, f, e);
}

/* One member of a batch is refused: it alone fails, the others go again. */
static bool
take_batch_refusal(struct apply *ap, struct flight *f, const struct wire_result *r, struct err *e)
{
	bool named = false;

	for (size_t i = 0; i < f->op_count; i++) {
		struct op op = flight_row(f, i);
		bool this = r->other && strcmp(r->other, f->ops[i].key) == 0;

		named |= this;
		if (this ? !confirm_failed(ap->t, &f->ob, &op, &r->error, e)
			 : !ledger_op_planned(ap->t->ledger, op.id, e))
			return false;
	}
	if (!named)
		ap->singly = true;
	ap->requeue = true;
	flight_end(ap, f);
	return true;
}

static bool
take_unknown(struct apply *ap, struct flight *f, struct err *e)
{
	int64_t settle = ap->t->hello.settle > 0 ? ap->t->hello.settle : 1;
	const struct clock *c = ap->t->run->env->store.clock;

	for (size_t i = 0; i < f->op_count; i++)
		if (!ledger_op_unknown(ap->t->ledger, f->ops[i].id, c->now(c->ctx) + settle, e))
			return false;
	ap->t->unknown = true;
	flight_end(ap, f);
	return true;
}

/* Of a look nothing can have happened: it is made again soon, a few times. */
static bool
take_lost_look(struct apply *ap, struct flight *f, const struct err *why, struct err *e)
{
	if (ap->lost_rounds >= LOST_ROUNDS)
		return fail_all(ap, f, why, e);
	ap->lost = true;
	return put_back(ap, f, e);
}

/* Refused because it is not as it was when we last saw it: read, and perhaps sent again. */
static bool
take_stale(struct apply *ap, struct flight *f, struct err *e)
{
	if (!ledger_op_planned(ap->t->ledger, f->op.id, e))
		return false;
	f->stale = true;
	f->phase = FLIGHT_READ;
	return flight_ask(ap, f, OP_GET, e);
}

static bool
take_read(struct apply *ap, struct flight *f, const struct wire_result *r, struct err *e)
{
	struct err why = { 0 };

	f->read = true;
	if (r->version)
		f->ob.version = arena_strdup(f->arena, r->version);
	if (!careful_same(ap->t, f, r, &why) && ap->t->run->options->undo) {
		flight_end(ap, f);
		return undo_leave(ap->t, &f->ob, &f->op, &why, e);
	}
	if (why.kind != ERR_NONE)
		return fail_all(ap, f, &why, e);
	f->phase = FLIGHT_READY;
	return true;
}

static bool
take_error(struct apply *ap, struct flight *f, const struct wire_result *r, struct err *e)
{
	const struct err *why = &r->error;

	if (f->phase == FLIGHT_READ && strcmp(why->code, "gone") == 0) {
		f->phase = FLIGHT_READY; /* the change itself will meet it */
		return true;
	}
	if (f->phase == FLIGHT_SENT && careful_version(ap, f) && !f->read &&
		strcmp(why->code, "stale") == 0)
		return take_stale(ap, f, e);
	if (f->phase != FLIGHT_SENT && (why->kind == ERR_UNKNOWN || why->kind == ERR_RETRY))
		return take_lost_look(ap, f, why, e);
	switch (why->kind) {
	case ERR_UNKNOWN:
		return take_unknown(ap, f, e);
	case ERR_WAIT:
		ap->t->told_to_wait = true;
		ap->t->resume_at_ms =
			run_mono(ap->t->run) + 1000 * (int64_t)(why->wait ? why->wait : 5);
		ap->requeue = true;
		return put_back(ap, f, e);
	case ERR_SIDE:
	case ERR_CONFIG:
		ap->fatal = *why;
		return put_back(ap, f, e);
	default:
		break;
	}
	if (f->phase == FLIGHT_SENT && f->op_count > 1 && why->kind == ERR_OBJECT)
		return take_batch_refusal(ap, f, r, e);
	if (f->phase == FLIGHT_SENT && is_taken(why)) {
		if (!is_create(f))
			return answer_conflict(ap, f, why, e);
		f->phase = FLIGHT_LOOK;
		f->refused = arena_alloc(f->arena, sizeof(*f->refused));
		*f->refused = *why;
		f->answered = false;
		return true;
	}
	if (f->phase == FLIGHT_SENT && strcmp(why->code, "gone") == 0 && f->op.attribute < 0 &&
		!is_create(f)) {
		if (!confirm_missing(ap->t, &f->ob, &f->op, e))
			return false;
		ap->again = true;
		flight_end(ap, f);
		return true;
	}
	return fail_all(ap, f, why, e);
}

static const struct wire_found *
pick(const struct flight *f, const struct wire_result *r)
{
	for (size_t i = 0; i < r->found_count; i++)
		if (r->found[i].by_external && r->found[i].external &&
			strcmp(r->found[i].external, f->ob.anchor) == 0)
			return &r->found[i];
	return r->found_count ? &r->found[0] : NULL;
}

static bool
take_done(struct apply *ap, struct flight *f, const struct wire_result *r, const char *key,
	struct err *e)
{
	struct outcome out = {
		.key = key, .version = r->version, .has_seen = r->has_seen, .seen = r->seen
	};

	for (size_t i = 0; i < f->op_count; i++) {
		struct op op = flight_row(f, i);

		if (op.attribute >= 0 ? !confirm_ref(ap->t, &f->ob, &op, e)
				      : !confirm_object(ap->t, &f->ob, &op, &out, e))
			return false;
		ap->done++;
	}
	flight_end(ap, f);
	return true;
}

/* After a refused create: ours after all (an earlier attempt that was answered late), or taken. */
static bool
take_look(struct apply *ap, struct flight *f, const struct wire_result *r, struct err *e)
{
	const struct wire_found *w = pick(f, r);
	bool ours = w && ((w->external && strcmp(w->external, f->ob.anchor) == 0) || !w->external ||
				 !w->external[0]);
	struct err why = *f->refused;

	if (ours)
		return take_done(ap, f, r, w->key, e);
	return answer_conflict(ap, f, &why, e);
}

bool
answer_take(struct apply *ap, struct answer *an, struct err *e)
{
	struct flight *f = an->flight;
	const struct wire_result *r = &an->result;

	if (!r->ok)
		return take_error(ap, f, r, e);
	switch (f->phase) {
	case FLIGHT_FIND:
		return match_found(ap, f, r, e);
	case FLIGHT_READ:
		return take_read(ap, f, r, e);
	case FLIGHT_SENT:
		if (f->op.class == CLASS_ADOPT)
			return take_done(ap, f, r, f->op.key, e);
		return take_done(ap, f, r, r->key, e);
	case FLIGHT_LOOK:
		return take_look(ap, f, r, e);
	case FLIGHT_FREE:
	case FLIGHT_READY:
		break;
	}
	return true;
}
