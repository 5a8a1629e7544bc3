#include "attrs_p.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * The room of a value list is not stored: it is always the power of two at or above its count, so
 * that attrs_add can grow it in place and a list costs two words.
 */
static size_t
values_room(size_t count)
{
	size_t room = 1;

	while (room < count)
		room *= 2;
	return room;
}

static struct str *
values_new(struct arena *a, size_t count)
{
	return arena_alloc(a, values_room(count) * sizeof(struct str));
}

static struct str
value_copy(struct arena *a, struct str v)
{
	return (struct str){ arena_strndup(a, v.n ? v.p : "", v.n), v.n };
}

struct attrs
attrs_new(struct arena *a)
{
	return (struct attrs){ .arena = a };
}

static struct attr *
attrs_find(const struct attrs *as, const char *name)
{
	for (size_t i = 0; i < as->count; i++) {
		const char *has = as->list[i].name;

		/* letters of either case differ in one bit: most names are told apart by the first */
		if (((has[0] ^ name[0]) & ~0x20) == 0 && strcasecmp(has, name) == 0)
			return &as->list[i];
	}
	return NULL;
}

const struct attr *
attrs_get(const struct attrs *as, const char *name)
{
	return attrs_find(as, name);
}

struct str
attrs_first(const struct attrs *as, const char *name)
{
	const struct attr *at = attrs_find(as, name);

	return at && at->count ? at->values[0] : (struct str){ "", 0 };
}

struct attr *
attrs_put(struct attrs *as, const char *name, size_t count)
{
	if (as->count == as->cap) {
		size_t cap = as->cap ? as->cap * 2 : 16;
		struct attr *list = arena_alloc(as->arena, cap * sizeof(*list));

		if (as->count)
			memcpy(list, as->list, as->count * sizeof(*list));
		as->list = list;
		as->cap = cap;
	}
	struct attr *at = &as->list[as->count++];
	*at = (struct attr){ .name = name, .count = count };
	if (count)
		at->values = values_new(as->arena, count);
	return at;
}

static struct attr *
attrs_append(struct attrs *as, const char *name)
{
	return attrs_put(as, arena_strdup(as->arena, name), 0);
}

void
attrs_set(struct attrs *as, const char *name, const struct str *values, size_t count)
{
	struct attr *at = attrs_find(as, name);
	struct str *list = values_new(as->arena, count);

	/* Copied before the old list goes: the caller may hand in values of this very attribute. */
	for (size_t i = 0; i < count; i++)
		list[i] = value_copy(as->arena, values[i]);
	if (!at)
		at = attrs_append(as, name);
	at->values = list;
	at->count = count;
}

void
attrs_add(struct attrs *as, const char *name, struct str value)
{
	struct attr *at = attrs_find(as, name);

	if (!at)
		at = attrs_append(as, name);
	if (attr_has(at, value))
		return;
	if (!at->values || at->count == values_room(at->count)) {
		struct str *list = values_new(as->arena, at->count + 1);

		if (at->values)
			memcpy(list, at->values, at->count * sizeof(*list));
		at->values = list;
	}
	at->values[at->count++] = value_copy(as->arena, value);
}

void
attrs_set_c(struct attrs *as, const char *name, const char *value)
{
	struct str v = str_c(value);

	attrs_set(as, name, &v, 1);
}

void
attrs_remove(struct attrs *as, const char *name)
{
	struct attr *at = attrs_find(as, name);

	if (!at)
		return;
	size_t i = (size_t)(at - as->list);
	memmove(at, at + 1, (as->count - i - 1) * sizeof(*at));
	as->count--;
}

bool
attr_has(const struct attr *a, struct str value)
{
	for (size_t i = 0; a && i < a->count; i++)
		if (str_eq(a->values[i], value))
			return true;
	return false;
}

static int
value_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

size_t
attr_sorted(const struct attr *a, struct str *out)
{
	size_t n = 0;

	if (!a || !a->count)
		return 0;
	memcpy(out, a->values, a->count * sizeof(*out));
	/* what comes from the state is in order already */
	for (size_t i = 1; i < a->count; i++)
		if (str_cmp(out[i - 1], out[i]) > 0) {
			qsort(out, a->count, sizeof(*out), value_order);
			break;
		}
	for (size_t i = 0; i < a->count; i++)
		if (n == 0 || !str_eq(out[n - 1], out[i]))
			out[n++] = out[i];
	return n;
}

static bool
all_in(const struct attr *a, const struct attr *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (!attr_has(b, a->values[i]))
			return false;
	return true;
}

bool
attr_same_set(const struct attr *a, const struct attr *b)
{
	const struct attr none = { .name = "" };

	a = a ? a : &none;
	b = b ? b : &none;
	if (a->count <= 8 && b->count <= 8)
		return all_in(a, b) && all_in(b, a);

	CLEAN_FREE struct str *x = xcalloc(a->count + 1, sizeof(*x));
	CLEAN_FREE struct str *y = xcalloc(b->count + 1, sizeof(*y));
	size_t n = attr_sorted(a, x), m = attr_sorted(b, y);

	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!str_eq(x[i], y[i]))
			return false;
	return true;
}

/* Into an empty set: in one piece, and nothing to look for. */
static void
copy_whole(struct attrs *to, const struct attrs *from)
{
	size_t room = 0, bytes = 0;

	for (size_t i = 0; i < from->count; i++) {
		const struct attr *at = &from->list[i];

		room += values_room(at->count);
		bytes += strlen(at->name) + 1;
		for (size_t k = 0; k < at->count; k++)
			bytes += at->values[k].n + 1;
	}
	struct str *values = arena_alloc(to->arena, room * sizeof(*values));
	char *text = arena_alloc(to->arena, bytes);

	to->list = arena_alloc(to->arena, from->count * sizeof(*to->list));
	to->count = to->cap = from->count;
	for (size_t i = 0; i < from->count; i++) {
		const struct attr *at = &from->list[i];

		to->list[i] = (struct attr){ text, at->count, values };
		text = stpcpy(text, at->name) + 1;
		for (size_t k = 0; k < at->count; k++) {
			values[k] = (struct str){ text, at->values[k].n };
			if (at->values[k].n)
				memcpy(text, at->values[k].p, at->values[k].n);
			text += at->values[k].n + 1;
		}
		values += values_room(at->count);
	}
}

void
attrs_copy(struct attrs *to, const struct attrs *from)
{
	if (!to->count) {
		copy_whole(to, from);
		return;
	}
	for (size_t i = 0; i < from->count; i++)
		attrs_set(to, from->list[i].name, from->list[i].values, from->list[i].count);
}

void
attrs_share(struct attrs *to, const struct attrs *change)
{
	bool all = to->count == 0;

	if (all) {
		to->list = arena_alloc(to->arena, change->count * sizeof(*to->list));
		to->cap = change->count;
	}
	for (size_t i = 0; i < change->count; i++) {
		const struct attr *from = &change->list[i];
		struct attr *at = all ? NULL : attrs_find(to, from->name);

		if (!from->count) {
			attrs_remove(to, from->name);
			continue;
		}
		if (!at)
			at = attrs_put(to, from->name, 0);
		at->values = from->values;
		at->count = from->count;
	}
}
