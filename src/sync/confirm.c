/*
 * Results into the ledger. One function writes the journal's record - shadow, history - and raises the
 * event that becomes the log line, so that the log cannot tell another story.
 */
#include "run_p.h"

#include <string.h>

static int64_t *
counter_of(struct sync_result *r, enum op_class c)
{
	switch (c) {
	case CLASS_CREATE:
		return &r->created;
	case CLASS_ADOPT:
		return &r->adopted;
	case CLASS_UPDATE:
		return &r->updated;
	case CLASS_ENABLE:
		return &r->enabled;
	case CLASS_DISABLE:
	case CLASS_SEEN_DISABLE:
		return &r->disabled;
	case CLASS_DELETE:
		return &r->deleted;
	case CLASS_RECREATE:
		return &r->recreated;
	case CLASS_MEMBER_ADD:
		return &r->members_added;
	case CLASS_MEMBER_REMOVAL:
	case CLASS_FOLLOWING:
		return &r->members_removed;
	case CLASS_PARK:
		return &r->parked;
	case CLASS_COUNT:
		break;
	}
	return &r->updated;
}

static bool
record(struct target_run *t, const struct object *ob, const struct op *op, struct change *c,
	const struct err *why, struct err *e)
{
	c->run = t->id;
	c->o = ob->o;
	c->at = target_now(t);
	c->class = op->class;
	c->attribute = op->attribute;
	c->other = op->other;
	c->approved = op->approved;
	c->remove = op->remove;
	if (why) {
		c->code = why->code;
		c->text = why->text;
	} else {
		lag_confirmed(t, ob);
	}
	run_event(t->run, why ? "failed" : "done", ob->name ? ob->name : ob->anchor, "%s %s%s%s",
		op_class_name(op->class), ob->kind->name, why ? ": " : "", why ? why->text : "");
	return ledger_change_add(t->ledger, c, e);
}

/* Set again after somebody had changed it: it will show as it did. */
static bool
is_mended(const struct attr *was, const struct attr *sent)
{
	if (!shadow_is_unknown(was) || was->count != sent->count + 1)
		return false;
	for (size_t i = 0; i < sent->count; i++)
		if (!attr_has(was, sent->values[i]))
			return false;
	return true;
}

/* Our write was not shown: how it looks is not known, and the next listing tells (6.2). */
static void
shadow_unshown(struct object *ob, const struct attr *sent)
{
	const struct attr *was = attrs_get(&ob->sent, sent->name);
	const struct attr *seen = attrs_get(&ob->seen, sent->name);

	if (!ob->seen.count || shadow_is_unknown(seen) || !is_mended(was, sent))
		attrs_set(&ob->seen, sent->name,
			shadow_is_unknown(was) && attr_has(seen, shadow_again) ? &shadow_again
									       : &shadow_unknown,
			1);
}

/* In a list only the elements that were sent now are new: one that was there before, and is not now, was taken away
 * by somebody. */
static void
keep_elements(struct attrs *seen, const struct object *ob, const struct attr *sent)
{
	const struct attr *old = attrs_get(&ob->seen, sent->name);

	if (!shadow_is_list(sent->name) || shadow_is_unknown(attrs_get(&ob->sent, sent->name)))
		return;
	for (size_t i = 0; old && i < old->count; i++)
		if (attr_has(sent, old->values[i]) || shadow_is_unknown(old))
			attrs_add(seen, sent->name, old->values[i]);
}

/* What was not written now stays as it showed after it was: a change of it is somebody else's (6.2). */
static struct attrs
shadow_shown(const struct object *ob, const struct op *op, const struct outcome *out)
{
	struct attrs seen = out->seen;

	for (int i = 0; ob->kind->refs[i].attribute; i++)
		attrs_remove(&seen, ob->kind->refs[i].attribute);
	for (size_t i = 0; i < ob->sent.count; i++) {
		const char *name = ob->sent.list[i].name;
		const struct attr *old = attrs_get(&ob->seen, name);

		if (attrs_get(&op->attrs, name))
			continue;
		if (old)
			attrs_set(&seen, name, old->values, old->count);
		else if (!ob->seen.count)
			attrs_set(&seen, name, &shadow_unknown, 1);
		else
			attrs_remove(&seen, name);
	}
	for (size_t i = seen.count; ob->seen.count && i-- > 0;) {
		const char *name = seen.list[i].name;

		/* Not there before, and not by us. */
		if (!attrs_get(&op->attrs, name) && !attrs_get(&ob->seen, name))
			attrs_remove(&seen, name);
	}
	for (size_t i = 0; i < op->attrs.count; i++)
		keep_elements(&seen, ob, &op->attrs.list[i]);
	return seen;
}

/* ob lives no longer than op: what was sent is op's values. */
static void
shadow_take(struct object *ob, const struct op *op, const struct outcome *out)
{
	const char *active = ob->kind->active_attribute;
	struct attrs seen = ob->seen;
	struct str name;

	if (out->has_seen)
		seen = shadow_shown(ob, op, out);
	for (size_t i = 0; !out->has_seen && i < op->attrs.count; i++)
		shadow_unshown(ob, &op->attrs.list[i]);
	attrs_share(&ob->sent, &op->attrs);
	if (out->has_seen)
		ob->seen = seen;
	if (out->key)
		ob->key = out->key;
	if (out->version)
		ob->version = out->version;
	name = attrs_first(&op->attrs, ob->kind->name_attribute);
	if (name.n)
		ob->name = arena_strndup(ob->sent.arena, name.p, name.n);
	ob->active = !active || !str_eqc(attrs_first(&ob->sent, active), "false");
}

/* Disabled on leaving, or because the directory said so of somebody who had left. */
static bool
has_left(struct target_run *t, struct object *ob, struct err *e)
{
	const struct conf_kind *ck = &conf_of(t, ob->sync)->kind[ob->kind - kinds];

	ob->state = OBJECT_LEFT;
	if (!ob->left_at)
		ob->left_at = target_now(t);
	return ck->leave != LEAVE_GRACE ||
	       ledger_wake_sooner(t->ledger, ob->source, ob->n, ob->left_at + ck->grace, e);
}

/* Where a confirmed operation brings its object. */
static bool
state_take(struct target_run *t, struct object *ob, const struct op *op, struct err *e)
{
	if (op->class == CLASS_DISABLE || (op->class == CLASS_SEEN_DISABLE && !ob->wanted))
		return has_left(t, ob, e);
	switch (op->class) {
	case CLASS_DELETE:
		ob->state = OBJECT_DELETED;
		ob->key = ob->version = NULL;
		ob->active = false;
		ob->sent.count = ob->seen.count = 0;
		return ledger_refs_lost(t->ledger, t->id, ob->o, e) &&
		       ledger_refs_forget(t->ledger, ob->o, e);
	case CLASS_CREATE:
	case CLASS_RECREATE:
		/* What was there before, was there at another object. */
		if (!ledger_refs_forget(t->ledger, ob->o, e))
			return false;
		/* fallthrough */
	case CLASS_ADOPT:
		if (!ledger_matches_set(t->ledger, ob->o, NULL, 0, e) ||
			!ledger_tried_over(t->ledger, ob->o, e))
			return false;
		/* fallthrough */
	default:
		ob->state = OBJECT_LINKED;
		ob->left_at = 0;
		break;
	}
	return true;
}

/* Names are unique at the target: who failed because one was taken may have it now (7.1). */
static bool
names_freed(struct target_run *t, const struct object *ob, const struct op *op,
	const struct attrs *before, struct err *e)
{
	bool frees = op->class == CLASS_DELETE;
	int64_t due;

	for (size_t i = 0; i < before->count; i++) {
		const char *name = before->list[i].name;

		frees |= strcmp(name, ob->kind->name_attribute) == 0 ||
			 strncmp(name, "emails.", 7) == 0 || strcmp(name, "aliases") == 0;
	}
	if (!frees)
		return true;
	if (!ledger_attempts_freed(t->ledger, &due, e))
		return false;
	t->freed |= due > 0;
	return true;
}

bool
confirm_object(struct target_run *t, struct object *ob, const struct op *op,
	const struct outcome *out, struct err *e)
{
	struct ledger *l = t->ledger;
	struct change c = { 0 };

	if (op->class == CLASS_CREATE || op->class == CLASS_RECREATE)
		ob->sent.count = ob->seen.count = 0;
	c.before = attrs_new(ob->sent.arena);
	for (size_t i = 0; i < op->attrs.count; i++) {
		const struct attr *was = attrs_get(&ob->sent, op->attrs.list[i].name);

		if (was && !shadow_is_unknown(was))
			attrs_set(&c.before, was->name, was->values, was->count);
	}
	if (op->class == CLASS_DELETE)
		attrs_copy(&c.before, &ob->sent);
	c.after = op->attrs;
	shadow_take(ob, op, out);
	if (!state_take(t, ob, op, e) || !ledger_object_save(l, ob, e) ||
		!record(t, ob, op, &c, NULL, e) || !ledger_op_drop(l, op->id, e) ||
		!names_freed(t, ob, op, &c.before, e))
		return false;
	++*counter_of(t->run->result, op->class);
	/* What is wanted was sent: the swap is over for this one. */
	if ((op->class == CLASS_UPDATE || op->class == CLASS_ENABLE) &&
		!ledger_park_over(l, ob->o, e))
		return false;
	if (op->class == CLASS_PARK)
		return true; /* and looked at again until then */
	return ledger_op_pending(l, ob->o) || ledger_dirty_confirmed(l, ob->source, ob->n, e);
}

static bool
link_row(struct target_run *t, const struct object *owner, const struct op *op,
	struct dirty_link *d_r, struct err *e)
{
	struct object_brief other;

	if (!ledger_brief(t->ledger, op->other, &other))
		return err_set(e, ERR_SIDE, "state-damaged",
			"object %lld is not in the target file", (long long)op->other);
	*d_r = (struct dirty_link){
		.owner = owner->n, .other = other.n, .attribute = op->attribute
	};
	return true;
}

/* A reference of one value was set: what it replaced is not there any more. */
static bool
forget_replaced(struct ledger *l, const struct object *owner, const struct op *op, int64_t *was_r,
	struct err *e)
{
	struct ref refs[8];
	size_t got;

	if (op->remove || owner->kind->refs[op->attribute].multi)
		return true;
	got = ledger_refs(l, owner->o, false, NULL, refs, ARRAY_LEN(refs));
	for (size_t i = 0; i < got; i++) {
		if (refs[i].attribute != op->attribute || refs[i].other == op->other)
			continue;
		*was_r = refs[i].other;
		if (!ledger_ref_set(l, owner->o, op->attribute, refs[i].other, false, e))
			return false;
	}
	return true;
}

bool
confirm_ref(struct target_run *t, const struct object *owner, const struct op *op, struct err *e)
{
	struct ledger *l = t->ledger;
	struct change c = { 0 };
	struct dirty_link d;

	if (!ledger_ref_set(l, owner->o, op->attribute, op->other, !op->remove, e) ||
		!forget_replaced(l, owner, op, &c.was, e) || !record(t, owner, op, &c, NULL, e) ||
		!ledger_op_drop(l, op->id, e) || !link_row(t, owner, op, &d, e) ||
		!ledger_dirty_link_done(l, owner->source, &d, e))
		return false;
	++*counter_of(t->run->result, op->class);
	return true;
}

/* The target says it is gone (6.4): looked at again at once, as a recreate. */
bool
confirm_missing(struct target_run *t, struct object *ob, const struct op *op, struct err *e)
{
	run_event(t->run, "missing", ob->name, "the target has no %s %s any more", ob->kind->name,
		ob->key);
	ob->state = OBJECT_MISSING;
	ob->key = ob->version = NULL; /* so that no reference goes there */
	return ledger_object_save(t->ledger, ob, e) && ledger_refs_forget(t->ledger, ob->o, e) &&
	       ledger_op_drop(t->ledger, op->id, e) &&
	       ledger_dirty_add(t->ledger, ob->source, ob->n, DIRTY_ENTRY, e);
}

bool
confirm_failed(struct target_run *t, const struct object *ob, const struct op *op,
	const struct err *why, struct err *e)
{
	struct ledger *l = t->ledger;
	struct change c = { .after = op->attrs };
	struct dirty_link d;
	int64_t next;

	if (!ledger_attempt_failed(
		    l, ob->o, op_class_name(op->class), why, target_now(t), &next, e) ||
		!record(t, ob, op, &c, why, e) || !ledger_op_drop(l, op->id, e))
		return false;
	if (op->attribute < 0)
		return ledger_dirty_wait(l, ob->source, ob->n, next, e);
	return link_row(t, ob, op, &d, e) && ledger_dirty_link_wait(l, ob->source, &d, next, e);
}
