/* Random directories, and how a mirror is told all of one. */
#pragma once
#include "mirror_kit.h"

#define OBJECTS 36

struct object {
	char id[40], sid[32], name[32];
	int parent; /* -1: the base */
	bool container, alive, known;
	int mail, title; /* title 0 = none */
	uint64_t members;
	bool outside;         /* a member that is in no directory of ours */
	int manager, primary; /* -1 = none */
};

struct world {
	uint64_t seed;
	bool no_names; /* changes in any order: a DN may be somebody else's for a while, ids never are */
	struct object o[OBJECTS];
	int count;
};

static inline unsigned
roll(struct world *w, unsigned n)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return (unsigned)((w->seed >> 11) % n);
}

static inline const char *
dn(struct kit *k, const struct world *w, int i)
{
	const struct object *o = &w->o[i];

	if (o->parent < 0)
		return arena_printf(k->a, "%s,DC=top", o->name);
	return arena_printf(k->a, "%s,%s", o->name, dn(k, w, o->parent));
}

static inline const char *
who(const struct world *w, int i)
{
	return w->o[i].id;
}

static inline bool
name_free(const struct world *w, int parent, const char *name)
{
	for (int i = 0; i < w->count; i++)
		if (w->o[i].alive && w->o[i].parent == parent &&
			strcasecmp(w->o[i].name, name) == 0)
			return false;
	return true;
}

/* Few names, so that they are used again. */
static inline const char *
pick_name(struct world *w, struct kit *k, int parent)
{
	for (;;) {
		const char *name = arena_printf(k->a, "CN=N%u", roll(w, 60));

		if (name_free(w, parent, name))
			return name;
	}
}

static inline bool
is_under(const struct world *w, int i, int above)
{
	for (; i >= 0; i = w->o[i].parent)
		if (i == above)
			return true;
	return false;
}

/* A living object (but the base, unless `container`), or -1. */
static inline int
pick(struct world *w, bool container, bool alive)
{
	for (int tries = 0; tries < 50; tries++) {
		int i = (int)roll(w, (unsigned)w->count);

		if (w->o[i].alive == alive && (container ? w->o[i].container : i > 0))
			return i;
	}
	return -1;
}

/* --- telling everything --- */

static inline struct mirror_end
end_of(struct world *w, struct kit *k, int i)
{
	switch (roll(w, 4)) {
	case 0:
		if (w->no_names)
			return (struct mirror_end){ .id = who(w, i) };
		return (struct mirror_end){ .dn = dn(k, w, i) };
	case 1:
		return (struct mirror_end){ .sid = w->o[i].sid };
	case 2:
		return (struct mirror_end){
			.id = who(w, i), .dn = dn(k, w, i), .sid = w->o[i].sid
		};
	default:
		return (struct mirror_end){ .id = who(w, i) };
	}
}

static inline void
tell_set(struct world *w, struct kit *k, int i, const char *attribute,
	const struct mirror_end *ends, size_t count)
{
	size_t at = 0;

	do {
		size_t part = count - at > 2 && roll(w, 2) ? 2 : count - at;

		OK(k, mirror_links(k->m, who(w, i), NULL, attribute, MIRROR_SET, ends + at, part,
			      at + part < count, &k->e));
		at += part;
	} while (at < count);
}

static inline void
tell_links(struct world *w, struct kit *k, int i)
{
	const struct object *o = &w->o[i];
	struct mirror_end ends[OBJECTS + 1], one;
	size_t count = 0;

	for (int j = 0; j < w->count; j++)
		if (o->members >> j & 1)
			ends[count++] = end_of(w, k, j);
	if (o->outside)
		ends[count++] = (struct mirror_end){ .dn = "CN=Guest,DC=elsewhere" };
	if (count)
		tell_set(w, k, i, "member", ends, count);
	if (o->manager >= 0) {
		one = end_of(w, k, o->manager);
		tell_set(w, k, i, "manager", &one, 1);
	}
	if (o->primary >= 0) {
		one = (struct mirror_end){ .sid = w->o[o->primary].sid };
		tell_set(w, k, i, "primaryGroup", &one, 1);
	}
}

static inline struct attrs
attrs_of(struct kit *k, const struct object *o, bool part)
{
	struct attrs as = attrs_new(k->a);

	attrs_set_c(&as, "mail", arena_printf(k->a, "m%d@x", o->mail));
	if (o->title)
		attrs_set_c(&as, "title", arena_printf(k->a, "t%d", o->title));
	else if (part)
		attrs_set(&as, "title", NULL, 0);
	return as;
}

static inline void
tell_full(struct world *w, struct kit *k, int i, bool by_name)
{
	const struct object *o = &w->o[i];
	struct attrs as = attrs_of(k, o, false);
	bool links_first = roll(w, 3) == 0;
	struct mirror_entry en = { .id = who(w, i),
		.dn = dn(k, w, i),
		.sid = o->sid,
		.full = true,
		.attrs = &as,
		.parent = o->parent >= 0 && !by_name ? who(w, o->parent) : NULL };

	if (links_first)
		tell_links(w, k, i);
	OK(k, mirror_entry(k->m, &en, &k->e));
	if (!links_first)
		tell_links(w, k, i);
}

static inline void
shuffle(struct world *w, int *order, int count)
{
	for (int i = 0; i < count; i++)
		order[i] = i;
	for (int i = count - 1; i > 0; i--) {
		int j = (int)roll(w, (unsigned)i + 1), t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
}

static inline void
read_full(struct world *w, struct kit *k)
{
	int order[OBJECTS];
	bool by_name = roll(w, 2);

	shuffle(w, order, w->count);
	k->whole = true;
	kit_begin(k, true);
	for (int i = 0; i < w->count; i++)
		if (w->o[order[i]].alive)
			tell_full(w, k, order[i], by_name);
	kit_commit(k);
}
