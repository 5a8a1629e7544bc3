/* One object: what is wanted against what is there. See plan/plan.h for the order of doing. */
#include "plan/plan.h"

static void
op_put(struct decision *d, enum op_class class, enum op_rank rank, const struct attrs *attrs)
{
	struct op *op = &d->ops[d->op_count++];

	*op = (struct op){ .class = class, .rank = rank, .attribute = -1 };
	if (attrs)
		op->attrs = *attrs;
}

/* The disable alone, so that no other attribute's refusal can hold it up (I5). */
static void
op_put_disable(struct decision *d, enum op_class class, const struct kind *k, struct arena *a)
{
	struct attrs off = attrs_new(a);

	attrs_set_c(&off, k->active_attribute, "false");
	op_put(d, class, RANK_DISABLE, &off);
}

void
plan_disable(const struct kind *k, const struct object *ob, const struct mapped *m, struct arena *a,
	struct decision *d_r)
{
	*d_r = (struct decision){ .wake = m->wake, .state = ob->state };
	if (k->active_attribute && ob->active &&
		str_eqc(attrs_first(&m->wanted, k->active_attribute), "false"))
		op_put_disable(d_r, CLASS_SEEN_DISABLE, k, a);
}

static void
decide_wanted(const struct decide_input *in, struct arena *a, struct decision *d)
{
	const struct object *ob = in->object;
	const struct kind *k = in->kind;
	const struct attr *active;
	struct attrs diff = attrs_new(a);

	if (!ob || ob->state == OBJECT_NEW || ob->state == OBJECT_DELETED ||
		ob->state == OBJECT_MISSING) {
		bool again = ob && ob->state == OBJECT_MISSING;

		d->add = !ob;
		op_put(d, again ? CLASS_RECREATE : CLASS_CREATE, RANK_CREATE, &in->mapped->wanted);
		return;
	}
	d->state = OBJECT_LINKED;
	plan_diff(in->mapped, &ob->sent, &diff);
	active = k->active_attribute ? attrs_get(&diff, k->active_attribute) : NULL;
	if (active && active->count && str_eqc(active->values[0], "false")) {
		attrs_remove(&diff, k->active_attribute);
		op_put_disable(d, CLASS_SEEN_DISABLE, k, a);
	} else if (active && active->count) {
		op_put(d, CLASS_ENABLE, RANK_UPDATE, &diff);
		return;
	}
	if (diff.count)
		op_put(d, CLASS_UPDATE, RANK_UPDATE, &diff);
}

static void
decide_leave(const struct decide_input *in, struct arena *a, struct decision *d)
{
	const struct object *ob = in->object;
	enum leave leave = in->leave;
	int64_t end;

	d->leaves = ob->state == OBJECT_LINKED;
	/* Whatever holds up or forbids the leaving: this is no leaver's disable (I5). */
	if (in->seen_off && ob->active) {
		op_put_disable(d, CLASS_SEEN_DISABLE, in->kind, a);
		if (leave != LEAVE_DELETE)
			return;
	}
	if (leave == LEAVE_DELETE) {
		op_put(d, CLASS_DELETE, RANK_REMOVE, NULL);
		return;
	}
	if (leave != LEAVE_KEEP && in->kind->active_attribute && ob->active) {
		op_put_disable(d, CLASS_DISABLE, in->kind, a);
		return;
	}
	d->state = OBJECT_LEFT;
	if (leave != LEAVE_GRACE)
		return;
	/* Nothing to disable (a group, or disabled before it left): grace begins now. */
	end = (ob->left_at ? ob->left_at : in->now) + in->grace;
	if (end <= in->now)
		op_put(d, CLASS_DELETE, RANK_REMOVE, NULL);
	else
		d->wake = end;
}

void
plan_decide(const struct decide_input *in, struct arena *a, struct decision *d_r)
{
	const struct object *ob = in->object;

	*d_r = (struct decision){ .wake = INT64_MAX, .state = ob ? ob->state : OBJECT_NEW };
	if (in->wanted) {
		decide_wanted(in, a, d_r);
		return;
	}
	if (!ob)
		return;
	switch (ob->state) {
	case OBJECT_NEW:
		d_r->forget = true;
		break;
	case OBJECT_MISSING:
		d_r->state = OBJECT_DELETED;
		break;
	case OBJECT_DELETED:
		break;
	case OBJECT_LINKED:
	case OBJECT_LEFT:
		decide_leave(in, a, d_r);
		break;
	}
}
