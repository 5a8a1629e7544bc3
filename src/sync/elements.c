/*
 * Lists of which others may have put elements (6.3): an update says which elements are added and which of ours
 * leave, never what the whole list is. Setting the same again is harmless.
 */
#include "apply_p.h"

static void
one_list(const struct attr *wanted, const struct attr *sent, struct attrs *add, struct attrs *gone)
{
	bool open = shadow_is_unknown(sent);

	attrs_set(add, wanted->name, NULL, 0);
	attrs_set(gone, wanted->name, NULL, 0);
	for (size_t i = 0; i < wanted->count; i++)
		if (open || !attr_has(sent, wanted->values[i]))
			attrs_add(add, wanted->name, wanted->values[i]);
	for (size_t i = 0; sent && i < sent->count; i++)
		if (!attr_has(wanted, sent->values[i]) && !str_eq(sent->values[i], shadow_unknown))
			attrs_add(gone, wanted->name, sent->values[i]);
}

void
elements_form(const struct apply *ap, struct flight *f, struct wire_op *w)
{
	struct attrs *add, *gone;

	if (!ap->t->hello.elements || w->type != OP_UPDATE)
		return;
	add = arena_alloc(f->arena, 2 * sizeof(*add));
	gone = add + 1;
	*add = *gone = attrs_new(f->arena);
	for (size_t i = 0; i < f->op.attrs.count; i++) {
		const struct attr *at = &f->op.attrs.list[i];

		if (shadow_is_list(at->name))
			one_list(at, attrs_get(&f->ob.sent, at->name), add, gone);
		else
			attrs_set(add, at->name, at->values, at->count);
	}
	w->attrs = add;
	w->elements = gone;
}
