/*
 * Changes that follow what somebody looked at - an approved plan, an undo - must not take away what somebody
 * else has changed at the target since (9.2). Where the target minds versions the change carries the one we
 * saw last (If-Match); where it does not, or says that ours is stale, the object is read first, and what
 * is to be changed must be as it was seen after our last write, or as we sent it.
 *
 * Disables are not held up by this (I5). References, and elements of lists, are added and taken away singly,
 * which is nobody else's loss.
 */
#include "apply_p.h"

static bool
is_careful(const struct apply *ap, const struct flight *f)
{
	return ap->t->careful && f->op.attribute < 0 &&
	       (f->op.class == CLASS_UPDATE || f->op.class == CLASS_ENABLE ||
		       f->op.class == CLASS_DELETE);
}

bool
careful_needs_read(const struct apply *ap, const struct flight *f)
{
	return is_careful(ap, f) && !(ap->t->hello.versions && f->ob.version);
}

const char *
careful_version(const struct apply *ap, const struct flight *f)
{
	return is_careful(ap, f) && ap->t->hello.versions ? f->ob.version : NULL;
}

bool
careful_same(const struct target_run *t, const struct flight *f, const struct wire_result *r,
	struct err *why_r)
{
	const struct attrs *touched = f->op.class == CLASS_DELETE ? &f->ob.sent : &f->op.attrs;

	/* A target that never showed anything after a write gives nothing to compare with - what we sent it may
	 * have normalized -, unless its version says that something is different. */
	if (!r->has_seen || (!f->ob.seen.count && !f->stale))
		return true;
	for (size_t i = 0; i < touched->count; i++) {
		const char *name = touched->list[i].name;
		const struct attr *now = attrs_get(&r->seen, name);
		const struct attr *sent = attrs_get(&f->ob.sent, name);

		/* Of lists only our elements come and go; what we never heard of may be ours that is there. */
		if (t->hello.elements && shadow_is_list(name))
			continue;
		if (!shadow_is_unknown(sent) && !attr_same_set(now, attrs_get(&f->ob.seen, name)) &&
			!attr_same_set(now, sent) && !attr_same_set(now, &touched->list[i]))
			return err_set(why_r, ERR_OBJECT, "changed-there",
				"%s of %s was changed at the target by somebody else since we last "
				"wrote it; it is left as it is",
				name, f->ob.name ? f->ob.name : f->ob.anchor);
	}
	return true;
}
