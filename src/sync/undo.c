/*
 * Undo (9.3): what a run changed is to be as it was before. What that is comes from the run's before-images
 * (plan_undo, pure); it is written down as pins, all of an undo in one transaction, and from then on the
 * ordinary way of a change does the rest: project.c and links.c plan what differs from a pin, the guard
 * counts it, apply performs and journals it. So an undo that is stopped, held or refused is finished by the
 * next run as anything else is, and no later run does again what was taken back: a pin lasts until what is
 * wanted for its object changes, or somebody ends it.
 *
 * What a later run has touched is named and left.
 */
#include "run_p.h"

#include <string.h>

#define CHANGES_MAX 256 /* of one object in one run */

struct undoing {
	struct target_run *t; /* NULL: only to be shown */
	struct ledger *l;
	struct sync_notes *notes; /* when t is NULL */
	int64_t run, found, left;
	struct arena *arena;
	struct err *e;
};

__attribute__((format(printf, 4, 5))) static void
tell(struct undoing *u, const char *what, const char *object, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEAN_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	u->left += strcmp(what, "left") == 0;
	if (u->t)
		run_note(u->t->run, what, object, "%s", text);
	else
		note_add(u->notes, what, object, text);
}

static const char *
name_of(const struct object *ob)
{
	return ob->name ? ob->name : ob->anchor;
}

/* --- objects --- */

/* A run that was stopped leaves values in the shadow of which nobody knows whether they were set; what stood
 * before is what was confirmed last. */
static void
resolve(struct undoing *u, int64_t o, int64_t change, struct attrs *as)
{
	for (size_t i = as->count; i-- > 0;) {
		const struct attr *at = &as->list[i];
		const char *name = at->name;
		struct attr was;

		if (!shadow_is_unknown(at))
			continue;
		if (ledger_value_before(u->l, o, change, name, u->arena, &was))
			attrs_set(as, name, was.values, was.count);
		else
			attrs_remove(as, name);
	}
}

static void
add_values(struct buf *out, const struct attr *at)
{
	for (size_t i = 0; at && i < at->count; i++) {
		buf_adds(out, i ? "|" : "");
		text_escape(at->values[i].p, at->values[i].n, 60, out);
	}
	if (!at || !at->count)
		buf_adds(out, "(none)");
}

static void
add_difference(struct buf *out, const char *name, const struct attr *now, const struct attr *then)
{
	if (attr_same_set(now, then))
		return;
	buf_addf(out, "%s%s: ", out->n ? ", " : "", name);
	add_values(out, now);
	buf_adds(out, " -> ");
	add_values(out, then);
}

static void
show(struct undoing *u, const struct object *ob, const struct undo *un)
{
	CLEAN_BUF struct buf text = { 0 };

	for (size_t i = 0; un->form == UNDO_VALUES && i < un->values.count; i++) {
		const struct attr *then = &un->values.list[i];

		add_difference(&text, then->name, attrs_get(&ob->sent, then->name), then);
	}
	for (size_t i = 0; un->form == UNDO_VALUES && i < ob->sent.count; i++)
		if (!attrs_get(&un->values, ob->sent.list[i].name))
			add_difference(&text, ob->sent.list[i].name, &ob->sent.list[i], NULL);
	tell(u, "undo", name_of(ob), "%s %s%s%s",
		un->form == UNDO_OFF          ? "disable"
		: un->form == UNDO_GONE       ? "delete"
		: ob->state == OBJECT_DELETED ? "create"
					      : "update",
		ob->kind->name, text.n ? ": " : "", buf_cstr(&text));
}

static struct source_run *
source_of(struct target_run *t, const struct object *ob)
{
	for (size_t i = 0; i < t->run->source_count; i++)
		if (strcmp(t->run->sources[i].conf->name, ob->source) == 0)
			return &t->run->sources[i];
	return NULL;
}

static bool
pin_object(struct undoing *u, const struct object *ob, const struct undo *un)
{
	static const enum pin_form forms[] = {
		[UNDO_VALUES] = PIN_VALUES, [UNDO_OFF] = PIN_OFF, [UNDO_GONE] = PIN_GONE
	};
	struct source_run *s = source_of(u->t, ob);
	struct pin pin = { .o = ob->o,
		.run = u->run,
		.at = target_now(u->t),
		.form = forms[un->form],
		.attrs = un->values };
	char wants[65];

	if (!s || !ob->n) {
		tell(u, "left", name_of(ob), "its entry is not in the mirror any more");
		return true;
	}
	if (!project_wants(u->t, s, ob, u->arena, wants, &pin.scoped, u->e)) {
		struct err why = *u->e;

		if (why.kind != ERR_OBJECT)
			return false;
		err_clear(u->e);
		tell(u, "left", name_of(ob), "%s", why.text);
		return true;
	}
	pin.wants = wants;
	if (un->lost)
		tell(u, "lost", name_of(ob), "%s", un->lost);
	return ledger_pin_set(u->l, &pin, u->e);
}

static bool
undo_object(void *ctx, int64_t o)
{
	struct undoing *u = ctx;
	struct change *cs;
	struct object ob;
	struct undo un;
	struct undo_input in = { .object = &ob };
	struct pin pin;

	arena_reset(u->arena);
	u->found++;
	if (!ledger_object(u->l, o, u->arena, &ob, u->e))
		return false;
	if (ledger_pin(u->l, o, u->arena, &pin)) {
		if (pin.run != u->run)
			tell(u, "left", name_of(&ob),
				"it is held by the undo of run %lld; see `lockstep unpin`",
				(long long)pin.run);
		return true;
	}
	cs = arena_alloc(u->arena, CHANGES_MAX * sizeof(*cs));
	in.changes = cs;
	in.count = ledger_changes_of(u->l, u->run, o, u->arena, cs, CHANGES_MAX);
	if (in.count == CHANGES_MAX ||
		ledger_touched(u->l, u->run, o, -1, 0, cs[in.count - 1].id)) {
		tell(u, "left", name_of(&ob), "a later run has changed it since");
		return true;
	}
	for (size_t i = 0; i < in.count; i++)
		resolve(u, o, cs[i].id, &cs[i].before);
	resolve(u, o, INT64_MAX, &ob.sent);
	plan_undo(&in, u->arena, &un);
	if (un.form == UNDO_NOTHING) {
		tell(u, "left", name_of(&ob), "%s", un.why);
		return true;
	}
	if (u->t)
		return pin_object(u, &ob, &un);
	show(u, &ob, &un);
	if (un.lost)
		tell(u, "lost", name_of(&ob), "%s", un.lost);
	return true;
}

/* --- references --- */

static bool
hold_ref(struct undoing *u, const struct object *owner, int attribute, const struct object *other,
	bool present)
{
	struct pin_ref pin = { .o = owner->o,
		.other = other->o,
		.attribute = attribute,
		.run = u->run,
		.present = present };
	const struct kind_ref *ref = &owner->kind->refs[attribute];
	struct source_run *s;

	if (!u->t) {
		tell(u, "undo", name_of(owner), "%s %s%s%s", present ? "add" : "remove",
			ref->multi ? "member" : ref->attribute, " ", name_of(other));
		return true;
	}
	s = source_of(u->t, owner);
	if (!s || !owner->n || !other->n) {
		tell(u, "left", name_of(owner), "%s %s: an entry is not in the mirror any more",
			ref->attribute, name_of(other));
		return true;
	}
	pin.at = target_now(u->t);
	pin.wants = links_wants(u->t, s, owner->kind, owner->n, attribute, other->n);
	return ledger_pin_ref_set(u->l, &pin, u->e);
}

static bool
undo_ref(void *ctx, const struct change *first)
{
	struct undoing *u = ctx;
	struct object owner, other, was;
	struct pin_ref pin;
	bool multi;

	arena_reset(u->arena);
	u->found++;
	if (!ledger_object(u->l, first->o, u->arena, &owner, u->e) ||
		!ledger_object(u->l, first->other, u->arena, &other, u->e))
		return false;
	multi = owner.kind->refs[first->attribute].multi;
	if (ledger_pin_ref(u->l, first->o, first->attribute, first->other, &pin)) {
		if (pin.run != u->run)
			tell(u, "left", name_of(&owner),
				"%s %s: it is held by the undo of run %lld",
				owner.kind->refs[first->attribute].attribute, name_of(&other),
				(long long)pin.run);
		return true;
	}
	if (ledger_touched(u->l, u->run, first->o, first->attribute, multi ? first->other : 0,
		    first->id)) {
		tell(u, "left", name_of(&owner), "%s %s: a later run has changed it since",
			owner.kind->refs[first->attribute].attribute, name_of(&other));
		return true;
	}
	if (!hold_ref(u, &owner, first->attribute, &other, first->remove))
		return false;
	if (!first->was || ledger_pin_ref(u->l, first->o, first->attribute, first->was, &pin))
		return true;
	return ledger_object(u->l, first->was, u->arena, &was, u->e) &&
	       hold_ref(u, &owner, first->attribute, &was, true);
}

/* A reference went with an object that comes back now. */
static bool
undo_lost(void *ctx, const struct ref *r)
{
	struct undoing *u = ctx;
	struct object owner, other;
	struct pin_ref held;
	struct pin pin;

	arena_reset(u->arena);
	if (u->t && (!ledger_pin(u->l, r->o, u->arena, &pin) || pin.run != u->run) &&
		(!ledger_pin(u->l, r->other, u->arena, &pin) || pin.run != u->run))
		return true;
	if (ledger_pin_ref(u->l, r->o, r->attribute, r->other, &held))
		return true;
	if (!ledger_object(u->l, r->o, u->arena, &owner, u->e) ||
		!ledger_object(u->l, r->other, u->arena, &other, u->e))
		return false;
	return (!owner.kind->refs[r->attribute].multi &&
		       ledger_pin_ref_other(u->l, r->o, r->attribute, r->other)) ||
	       hold_ref(u, &owner, r->attribute, &other, true);
}

/* --- the whole --- */

static bool
each_change(struct undoing *u)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct run_row row;

	if (!ledger_runs(u->l, u->run + 1, a, &row, 1) || row.run != u->run)
		return err_set(u->e, ERR_CONFIG, "no-such-run",
			"there is no run %lld; `lockstep history` lists them", (long long)u->run);
	u->arena = a;
	return ledger_run_objects(u->l, u->run, undo_object, u, u->e) &&
	       ledger_run_refs(u->l, u->run, undo_ref, u, u->e) &&
	       ledger_run_lost(u->l, u->run, undo_lost, u, u->e) &&
	       (u->found || err_set(u->e, ERR_CONFIG, "nothing-to-undo", "run %lld changed nothing",
				    (long long)u->run));
}

bool
undo_pin(struct target_run *t, struct err *e)
{
	struct undoing u = { .t = t, .l = t->ledger, .run = t->run->options->undo, .e = e };

	if (!u.run)
		return true;
	if (!ledger_begin(t->ledger, e))
		return false;
	if (each_change(&u) && ledger_undo_dirty(t->ledger, u.run, e) &&
		ledger_commit(t->ledger, e)) {
		if (u.left)
			run_fail(t->run, SYNC_FAILED, NULL);
		return true;
	}
	ledger_rollback(t->ledger);
	return false;
}

bool
undo_narrow(struct target_run *t, struct err *e)
{
	const struct sync_options *o = t->run->options;

	if (!o->undo)
		return true;
	if (!ledger_begin(t->ledger, e))
		return false;
	if (ledger_undo_narrow(t->ledger, o->undo, o->release, e))
		return ledger_commit(t->ledger, e);
	ledger_rollback(t->ledger);
	return false;
}

/* Somebody else has changed it at the target since: touched, too. */
bool
undo_leave(struct target_run *t, const struct object *ob, const struct op *op,
	const struct err *why, struct err *e)
{
	run_note(t->run, "left", name_of(ob), "%s", why->text);
	run_fail(t->run, SYNC_FAILED, NULL);
	return ledger_pin_drop(t->ledger, ob->o, e) && ledger_op_drop(t->ledger, op->id, e) &&
	       ledger_dirty_add(t->ledger, ob->source, ob->n, DIRTY_ENTRY, e);
}

bool
sync_undo_look(const struct conf *c, const struct sync_env *env, const struct sync_options *o,
	struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct undoing u = { .notes = o->notes, .run = o->undo, .e = e };
	bool ok;

	if (!ledger_open(sync_target_path(c, o->undo_target, a), &env->store, true, &u.l, e))
		return false;
	ok = each_change(&u);
	ledger_close(&u.l);
	return ok;
}
