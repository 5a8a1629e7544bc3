/*
 * Swaps of unique names (7.1). Chains come right by trying again, for each step frees the name of the next; a pure
 * cycle does not: everybody waits for everybody. So when a pass over the updates brings nothing any more, the
 * cycles among those that are left are looked for - who wants a value that another one of them gives up - and one
 * object of each is parked: its name becomes one that nobody wants (the connector's hello says of what form), its
 * other unique values are cleared. That is an operation like any other, journaled and confirmed, and the object stays
 * dirty: should we die, the next run sends what is wanted.
 *
 * What could not follow (refused for another reason) gets its old name back at the end of the run.
 */
#include "apply_p.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define PAGE     256
#define NODE_MAX 10000 /* more objects than that in conflict are not a swap */

struct node {
	struct object ob;
	struct op op;
	enum { NODE_NEW, NODE_OPEN, NODE_DONE, NODE_PARKED } state;
	size_t attr, value; /* where the walk over its wanted values is */
};

struct cycles {
	struct arena *arena;
	struct node **nodes;
	size_t count;
	struct map *gives; /* value -> the node that holds it and gives it up */
};

/* What a target may hold only once, besides the name. */
static bool
is_unique(const struct kind *k, const char *name)
{
	return strcmp(name, k->name_attribute) == 0 || strncmp(name, "emails.", 7) == 0 ||
	       strcmp(name, "aliases") == 0 || strcmp(name, "mail") == 0;
}

/* What the object holds now. Of an update that was cut short nobody knows what became of it: the name of before
 * is the best guess, and whatever else there is, is nobody's for sure. */
static const struct attr *
held_now(const struct object *ob, const char *name, struct arena *a)
{
	const struct attr *now = attrs_get(&ob->sent, name);
	struct attrs guess = attrs_new(a);

	if (!shadow_is_unknown(now))
		return now && now->count ? now : NULL;
	if (strcmp(name, ob->kind->name_attribute) != 0 || !ob->name)
		return NULL;
	attrs_set_c(&guess, name, ob->name);
	return attrs_get(&guess, name);
}

/* Addresses are one space, plain names are their kind's. */
static void
key_of(const struct kind *k, struct str value, struct buf *out)
{
	buf_reset(out);
	buf_addf(out, "%s:", value.n && memchr(value.p, '@', value.n) ? "" : k->name);
	utf8_fold(value.p, value.n, out);
}

static bool
has_value(const struct node *n, struct str value)
{
	CLEAN_BUF struct buf a = { 0 }, b = { 0 };

	key_of(n->ob.kind, value, &a);
	for (size_t i = 0; i < n->op.attrs.count; i++)
		for (size_t j = 0; j < n->op.attrs.list[i].count; j++) {
			if (!is_unique(n->ob.kind, n->op.attrs.list[i].name))
				continue;
			key_of(n->ob.kind, n->op.attrs.list[i].values[j], &b);
			if (str_eq(buf_str(&a), buf_str(&b)))
				return true;
		}
	return false;
}

static void
note_given(struct cycles *c, struct node *n)
{
	CLEAN_BUF struct buf key = { 0 };

	for (size_t i = 0; i < n->op.attrs.count; i++) {
		const char *name = n->op.attrs.list[i].name;
		const struct attr *now = held_now(&n->ob, name, c->arena);

		for (size_t j = 0; now && j < now->count && is_unique(n->ob.kind, name); j++) {
			if (has_value(n, now->values[j]))
				continue;
			key_of(n->ob.kind, now->values[j], &key);
			map_set(c->gives, buf_str(&key), n);
		}
	}
}

/* All updates that are left: each was refused because a name is taken. */
static bool
gather(struct apply *ap, struct cycles *c, struct err *e)
{
	CLEAN_ARENA struct arena *page = arena_new();
	struct op_pos pos = { 0 };
	struct op *ops = arena_alloc(c->arena, PAGE * sizeof(*ops));
	size_t got;

	c->nodes = arena_alloc(c->arena, NODE_MAX * sizeof(struct node *));
	while ((got = ledger_ops(ap->t->ledger, RANK_UPDATE, &pos, page, ops, PAGE))) {
		for (size_t i = 0; i < got && c->count < NODE_MAX; i++) {
			struct node *n = arena_alloc(c->arena, sizeof(*n));

			*n = (struct node){ .op = ops[i] };
			n->op.attrs = attrs_new(c->arena);
			attrs_copy(&n->op.attrs, &ops[i].attrs);
			if (!ledger_object(ap->t->ledger, ops[i].o, c->arena, &n->ob, e))
				return false;
			c->nodes[c->count++] = n;
			note_given(c, n);
		}
		arena_reset(page);
	}
	return true;
}

/* The next one whose value this one waits for; NULL at the end. */
static struct node *
next_awaited(struct cycles *c, struct node *n)
{
	CLEAN_BUF struct buf key = { 0 };

	for (; n->attr < n->op.attrs.count; n->attr++, n->value = 0) {
		const struct attr *a = &n->op.attrs.list[n->attr];

		while (n->value < a->count && is_unique(n->ob.kind, a->name)) {
			struct node *holder;

			key_of(n->ob.kind, a->values[n->value++], &key);
			holder = map_get(c->gives, buf_str(&key));
			if (holder && holder != n)
				return holder;
		}
	}
	return NULL;
}

/* A walk in depth; who is met again while it is still open closes a cycle. */
static void
walk(struct cycles *c, struct node *from, struct node **stack)
{
	size_t depth = 0;

	if (from->state != NODE_NEW)
		return;
	from->state = NODE_OPEN;
	stack[depth++] = from;
	while (depth) {
		struct node *n = stack[depth - 1], *to = next_awaited(c, n);

		if (!to) {
			if (n->state == NODE_OPEN)
				n->state = NODE_DONE;
			depth--;
		} else if (to->state == NODE_OPEN) {
			to->state = NODE_PARKED;
		} else if (to->state == NODE_NEW) {
			to->state = NODE_OPEN;
			stack[depth++] = to;
		}
	}
}

/* "parked-{id}", and the domain of the name it has now, so that an address stays one. */
static const char *
park_name(const struct target_run *t, const struct object *ob, struct arena *a)
{
	const char *form = t->hello.park ? t->hello.park : "parked-{id}";
	const char *id = strstr(form, "{id}");
	const char *at = ob->name ? strrchr(ob->name, '@') : NULL;

	if (!id)
		return arena_printf(a, "%s%s%s", form, ob->anchor, at ? at : "");
	return arena_printf(
		a, "%.*s%s%s%s", (int)(id - form), form, ob->anchor, id + 4, at ? at : "");
}

static bool
add_op(struct apply *ap, int64_t o, const struct attrs *as, struct err *e)
{
	struct op op = {
		.o = o, .class = CLASS_PARK, .rank = RANK_PARK, .attribute = -1, .attrs = *as
	};
	int64_t id;

	return ledger_op_add(ap->t->ledger, &op, &id, e);
}

static bool
park(struct apply *ap, struct node *n, struct arena *a, struct err *e)
{
	struct attrs parked = attrs_new(a), before = attrs_new(a);

	for (size_t i = 0; i < n->op.attrs.count; i++) {
		const char *name = n->op.attrs.list[i].name;
		const struct attr *now = held_now(&n->ob, name, a);

		if (!is_unique(n->ob.kind, name) || !attrs_get(&n->ob.sent, name))
			continue;
		if (now)
			attrs_set(&before, name, now->values, now->count);
		if (strcmp(name, n->ob.kind->name_attribute) == 0)
			attrs_set_c(&parked, name, park_name(ap->t, &n->ob, a));
		else
			attrs_set(&parked, name, NULL, 0);
	}
	run_event(ap->t->run, "parking", n->ob.name,
		"it swaps names with others of ours: out of the way");
	return ledger_park(ap->t->ledger, n->ob.o, &before, e) && add_op(ap, n->ob.o, &parked, e);
}

static bool
plan_parking(struct apply *ap, struct cycles *c, size_t *count_r, struct err *e)
{
	struct node **stack = arena_alloc(c->arena, (c->count + 1) * sizeof(struct node *));

	*count_r = 0;
	for (size_t i = 0; i < c->count; i++)
		walk(c, c->nodes[i], stack);
	if (!ledger_begin(ap->t->ledger, e))
		return false;
	for (size_t i = 0; i < c->count; i++) {
		if (c->nodes[i]->state != NODE_PARKED)
			continue;
		++*count_r;
		if (!park(ap, c->nodes[i], c->arena, e)) {
			ledger_rollback(ap->t->ledger);
			return false;
		}
	}
	return ledger_commit(ap->t->ledger, e);
}

bool
park_cycles(struct apply *ap, size_t *count_r, struct err *e)
{
	struct cycles c = { .arena = arena_new(), .gives = map_new() };
	bool ok = gather(ap, &c, e) && plan_parking(ap, &c, count_r, e);

	map_free(c.gives, NULL);
	arena_free(c.arena);
	return ok;
}

/* Is it parked still, that is: does the shadow lack what it had? */
static bool
lacks_before(const struct object *ob, const struct attrs *before)
{
	for (size_t i = 0; i < before->count; i++)
		if (!attr_same_set(attrs_get(&ob->sent, before->list[i].name), &before->list[i]))
			return true;
	return false;
}

bool
park_restore(struct apply *ap, size_t *count_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct ledger *l = ap->t->ledger;
	struct parked list[PAGE];
	struct object ob;
	int64_t after = 0;
	size_t got;

	*count_r = 0;
	while ((got = ledger_parked(l, after, a, list, PAGE))) {
		after = list[got - 1].o;
		if (!ledger_begin(l, e))
			return false;
		for (size_t i = 0; i < got; i++) {
			bool still, ok = ledger_object(l, list[i].o, a, &ob, e);

			still = ok && ob.state == OBJECT_LINKED && ob.key &&
				lacks_before(&ob, &list[i].before);
			*count_r += still;
			if (!ok || !(still ? add_op(ap, ob.o, &list[i].before, e)
					   : ledger_park_over(l, ob.o, e))) {
				ledger_rollback(l);
				return false;
			}
		}
		if (!ledger_commit(l, e))
			return false;
		arena_reset(a);
	}
	return true;
}
