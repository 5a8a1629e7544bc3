/* One object: what it was before a run, from that run's before-images, newest first. */
#include "plan/plan.h"

struct back { /* on the way back */
	bool there, made;
	struct attrs values;
	const char *why, *lost;
};

static void
back_values(struct back *b, const struct change *c)
{
	for (size_t i = 0; i < c->after.count; i++) {
		const char *name = c->after.list[i].name;
		const struct attr *was = attrs_get(&c->before, name);

		if (was)
			attrs_set(&b->values, was->name, was->values, was->count);
		else
			attrs_remove(&b->values, name);
	}
}

static void
back_delete(struct back *b, const struct change *c)
{
	b->there = true;
	b->values.count = 0;
	attrs_copy(&b->values, &c->before);
	b->lost =
		c->kind->active_attribute
			? "it is made anew: its id at the target, its password, and all that the "
			  "service and its users kept with it are lost"
			: "it is made anew: its id at the target, and all that the service and its "
			  "users kept with it are lost";
}

static void
back_one(struct back *b, const struct change *c)
{
	switch (c->class) {
	case CLASS_CREATE:
	case CLASS_RECREATE:
		b->there = false;
		b->made = true;
		b->lost = NULL;
		break;
	case CLASS_ADOPT:
		b->why = "it was taken over in that run, and what it was before is not known";
		break;
	case CLASS_DELETE:
		back_delete(b, c);
		break;
	default:
		back_values(b, c);
		break;
	}
}

void
plan_undo(const struct undo_input *in, struct arena *a, struct undo *u_r)
{
	const struct object *ob = in->object;
	struct back b = { .there = ob->state == OBJECT_LINKED || ob->state == OBJECT_LEFT,
		.values = attrs_new(a) };

	*u_r = (struct undo){ .form = UNDO_NOTHING };
	if (ob->state == OBJECT_MISSING) {
		u_r->why = "it is not at the target any more";
		return;
	}
	if (b.there)
		attrs_copy(&b.values, &ob->sent);
	for (size_t i = in->count; i-- > 0 && !b.why;)
		back_one(&b, &in->changes[i]);
	u_r->values = b.values;
	u_r->why = b.why;
	u_r->lost = b.lost;
	if (b.why)
		return;
	if (b.there)
		u_r->form = UNDO_VALUES;
	else if (!b.made || ob->state == OBJECT_DELETED)
		u_r->why = "it is not there, as before that run";
	else
		u_r->form = ob->kind->active_attribute ? UNDO_OFF : UNDO_GONE;
}
