/*
 * Somebody is there already (3.2): what a look before a create found, and whether we may take it over.
 *
 *   identity   it bears our externalId
 *   address    it has our unique name, and no externalId, or one that is not ours (another tool's): adopting
 *              replaces that
 *   ambiguous  several fit: only a person can say which; never taken by itself
 *
 * What bears the identity of, or is, another object of ours is no candidate: its name is taken.
 */
#include "apply_p.h"

#include <inttypes.h>

#include <string.h>

struct matching {
	struct match *list;
	size_t count, hard;
	const struct wire_found *own; /* another one of ours has that name */
};

static bool
is_another_of_ours(struct apply *ap, const struct flight *f, const struct wire_found *w)
{
	struct ledger *l = ap->t->ledger;
	int64_t o = w->external ? ledger_find(l, w->external) : 0;

	if (!o)
		o = ledger_find_key(l, f->ob.kind, w->key);
	return o && o != f->ob.o;
}

static struct matching
candidates(struct apply *ap, const struct flight *f, const struct wire_result *r)
{
	struct matching m = { .list = arena_alloc(
				      f->arena, (r->found_count + 1) * sizeof(*m.list)) };

	for (size_t i = 0; i < r->found_count; i++) {
		const struct wire_found *w = &r->found[i];
		bool hard = w->external && strcmp(w->external, f->ob.anchor) == 0;

		if (!hard && is_another_of_ours(ap, f, w)) {
			m.own = w;
			continue;
		}
		m.hard += hard;
		m.list[m.count] = (struct match){
			.key = w->key, .external = w->external, .name = w->name, .hard = hard
		};
		if (hard) { /* identity before address */
			struct match first = m.list[0];

			m.list[0] = m.list[m.count];
			m.list[m.count] = first;
		}
		m.count++;
	}
	return m;
}

static const struct match *
with_key(const struct matching *m, const char *key)
{
	for (size_t i = 0; key && i < m->count; i++)
		if (strcmp(m->list[i].key, key) == 0)
			return &m->list[i];
	return NULL;
}

/* Whoever bears the identity is ours: nobody else writes there, we made it once, or we tried to and were never
 * told what became of it (I3). */
static bool
ours_by_identity(const struct apply *ap, const struct flight *f)
{
	return ap->t->conf->exclusive || f->op.class == CLASS_RECREATE ||
	       ledger_tried(ap->t->ledger, f->ob.o);
}

/* The one that is meant; NULL: only a person can say. */
static const struct match *
the_one(const struct apply *ap, const struct flight *f, const struct matching *m)
{
	if (f->op.approved && with_key(m, f->op.key))
		return with_key(m, f->op.key);
	return m->count == 1 || (m->hard == 1 && ours_by_identity(ap, f)) ? &m->list[0] : NULL;
}

/* May it be taken over now? Consent is a person's, the configuration's, or in its being ours already. */
static enum op_hold
consent(struct apply *ap, struct flight *f, const struct match *one)
{
	const struct conf_target *ct = ap->t->conf;

	if (!one)
		return HOLD_AMBIGUOUS;
	if (f->op.approved && (!f->op.key || strcmp(f->op.key, one->key) == 0))
		return HOLD_NONE;
	/* Ours by its identity: nothing that the guard counts. */
	f->op.approved = one->hard && ours_by_identity(ap, f);
	if (f->op.approved)
		return HOLD_NONE;
	if (!ct->adopt)
		return HOLD_APPROVAL;
	return limits_adopt(ap->t, &f->ob) ? HOLD_NONE : HOLD_GUARD;
}

static void
tell(const struct apply *ap, const struct flight *f, const struct matching *m, enum op_hold held)
{
	const struct match *first = &m->list[0];

	if (held == HOLD_AMBIGUOUS)
		run_event(ap->t->run, "adopt-ambiguous", f->ob.name,
			"the target has %zu objects that fit this %s: `lockstep adopt --list` "
			"shows them, `lockstep adopt %s KEY` says which",
			m->count, f->ob.kind->name, f->ob.name);
	else if (held == HOLD_APPROVAL)
		run_event(ap->t->run, "adopt-waits", f->ob.name,
			"the target has a %s of that %s already (%s)%s%s%s; `lockstep adopt "
			"--list` shows all, `lockstep adopt %s` takes it over",
			f->ob.kind->name, first->hard ? "externalId" : "name", first->key,
			first->external && !first->hard ? ", with the externalId " : "",
			first->external && !first->hard ? first->external : "",
			first->external && !first->hard ? ", which adopting replaces" : "",
			f->ob.name);
}

bool
match_found(struct apply *ap, struct flight *f, const struct wire_result *r, struct err *e)
{
	struct matching m = candidates(ap, f, r);
	const struct match *one;
	struct err taken;
	enum op_hold held;

	if (!ledger_matches_set(ap->t->ledger, f->ob.o, m.list, m.count, e))
		return false;
	if (!m.count && m.own) {
		err_set(&taken, ERR_OBJECT, "name-taken",
			"%s is the name of another object of ours (%s); it is tried again when "
			"that one changes",
			f->ob.name, m.own->external ? m.own->external : m.own->key);
		return answer_conflict(ap, f, &taken, e);
	}
	if (!m.count) {
		f->phase = FLIGHT_READY;
		return true;
	}
	one = the_one(ap, f, &m);
	held = consent(ap, f, one);
	f->op.class = CLASS_ADOPT;
	f->op.key = one ? arena_strdup(f->arena, one->key) : NULL;
	if (!ledger_op_adopt(ap->t->ledger, f->op.id, f->op.key, held, e))
		return false;
	if (held == HOLD_NONE) {
		f->phase = FLIGHT_READY;
		return true;
	}
	tell(ap, f, &m, held);
	flight_end(ap, f);
	return true;
}
