/*
 * I7: whatever happened in a directory, and however it is told - everything anew, changes in order by
 * name, changes in any order by id - the mirror shows the same. Random directories, random histories.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mirror_world.h"

#define SEEDS 100 /* each way; LOCKSTEP_SEEDS for more */

/* --- what happens; k != NULL: told at once, in order, by name --- */

static void
forget_links_to(struct world *w, int i)
{
	for (int j = 0; j < w->count; j++) {
		w->o[j].members &= ~(UINT64_C(1) << i);
		if (w->o[j].manager == i)
			w->o[j].manager = -1;
		if (w->o[j].primary == i)
			w->o[j].primary = -1;
	}
	w->o[i].members = 0;
	w->o[i].outside = false;
	w->o[i].manager = w->o[i].primary = -1;
}

static void
new_object(struct world *w, struct kit *room, int parent, const char *name, bool container)
{
	int i = w->count++;
	struct object *o = &w->o[i];

	*o = (struct object){ .parent = parent,
		.container = container,
		.alive = true,
		.mail = i,
		.manager = -1,
		.primary = -1 };
	if (i % 3)
		snprintf(o->id, sizeof(o->id), "00000000-0000-0000-0000-%012d", i);
	else
		snprintf(o->id, sizeof(o->id), "id%d", i);
	snprintf(o->sid, sizeof(o->sid), "S-1-5-21-1-2-3-%d", 1000 + i);
	snprintf(o->name, sizeof(o->name), "%s", name ? name : pick_name(w, room, parent));
}

static void
do_add(struct world *w, struct kit *room, struct kit *k)
{
	int parent = pick(w, true, true);

	if (w->count == OBJECTS)
		return;
	new_object(w, room, parent, NULL, roll(w, 4) == 0);
	if (k)
		tell_full(w, k, w->count - 1, true);
}

static void
do_rename(struct world *w, struct kit *room, struct kit *k)
{
	int i = pick(w, false, true), to = pick(w, true, true);

	if (i < 0 || is_under(w, to, i))
		return;
	if (roll(w, 2))
		to = w->o[i].parent;
	const char *old = dn(room, w, i), *name = pick_name(w, room, to);

	snprintf(w->o[i].name, sizeof(w->o[i].name), "%s", name);
	w->o[i].parent = to;
	if (k)
		OK(k, mirror_rename(k->m, NULL, old, dn(room, w, i), &k->e));
}

/* Two objects change places. */
static void
do_swap(struct world *w, struct kit *room, struct kit *k)
{
	int i = pick(w, false, true), j = pick(w, false, true);

	if (i < 0 || j < 0 || i == j || is_under(w, i, j) || is_under(w, j, i))
		return;
	const char *i_was = dn(room, w, i), *j_was = dn(room, w, j);
	struct object t = w->o[i];

	memcpy(w->o[i].name, w->o[j].name, sizeof(t.name));
	w->o[i].parent = w->o[j].parent;
	memcpy(w->o[j].name, t.name, sizeof(t.name));
	w->o[j].parent = t.parent;
	if (!k)
		return;
	OK(k, mirror_rename(k->m, NULL, i_was, "CN=Between,CN=B,DC=top", &k->e));
	OK(k, mirror_rename(k->m, NULL, j_was, dn(room, w, j), &k->e));
	OK(k, mirror_rename(k->m, NULL, "CN=Between,CN=B,DC=top", dn(room, w, i), &k->e));
}

static void
do_delete(struct world *w, struct kit *room, struct kit *k, int i)
{
	if (i <= 0)
		return;
	for (int j = 0; j < w->count; j++)
		if (w->o[j].alive && w->o[j].parent == i)
			do_delete(w, room, k, j);
	if (k)
		OK(k, mirror_gone(k->m, NULL, dn(room, w, i), &k->e));
	w->o[i].alive = false;
	forget_links_to(w, i);
}

static void
do_undelete(struct world *w, struct kit *room, struct kit *k)
{
	int i = pick(w, false, false);

	if (i < 0 || !w->o[w->o[i].parent].alive || !name_free(w, w->o[i].parent, w->o[i].name))
		return;
	(void)room;
	w->o[i].alive = true;
	if (k)
		tell_full(w, k, i, true);
}

static void
do_values(struct world *w, struct kit *room, struct kit *k)
{
	int i = pick(w, false, true);

	if (i < 0)
		return;
	struct object *o = &w->o[i];
	struct str was, is;

	was = str_c(arena_printf(room->a, "m%d@x", o->mail));
	o->mail = (int)roll(w, 1000);
	is = str_c(arena_printf(room->a, "m%d@x", o->mail));
	if (roll(w, 2))
		o->title = (int)roll(w, 3);
	if (!k)
		return;
	struct attr add = { "mail", 1, &is }, remove = { "mail", 1, &was };

	OK(k, mirror_values(k->m, NULL, dn(room, w, i), "mail", &add, &remove, &k->e));
	struct attrs as = attrs_of(k, o, true);
	struct mirror_entry en = { .dn = dn(room, w, i), .attrs = &as };

	OK(k, mirror_entry(k->m, &en, &k->e));
}

static void
tell_link(
	struct world *w, struct kit *k, int i, const char *attribute, enum mirror_links mode, int j)
{
	struct mirror_end e = { .dn = j < 0 ? "CN=Guest,DC=elsewhere" : dn(k, w, j) };

	OK(k, mirror_links(k->m, NULL, dn(k, w, i), attribute, mode, &e, 1, false, &k->e));
}

static void
do_links(struct world *w, struct kit *room, struct kit *k)
{
	int i = pick(w, false, true), j = pick(w, false, true);

	if (i < 0 || j < 0)
		return;
	struct object *o = &w->o[i];
	uint64_t bit = UINT64_C(1) << j;
	int was = o->manager;

	(void)room;
	switch (roll(w, 6)) {
	case 0:
		o->manager = j;
		if (k)
			tell_link(w, k, i, "manager", MIRROR_SET, j);
		break;
	case 1:
		o->manager = -1;
		if (k && was >= 0)
			tell_link(w, k, i, "manager", MIRROR_REMOVE, was);
		break;
	case 2:
		o->primary = j;
		if (k)
			tell_link(w, k, i, "primaryGroup", MIRROR_SET, j);
		break;
	case 3:
		o->outside = !o->outside;
		if (k)
			tell_link(w, k, i, "member", o->outside ? MIRROR_ADD : MIRROR_REMOVE, -1);
		break;
	default:
		o->members ^= bit;
		if (k)
			tell_link(w, k, i, "member", o->members & bit ? MIRROR_ADD : MIRROR_REMOVE,
				j);
	}
}

static void
happen(struct world *w, struct kit *room, struct kit *k)
{
	unsigned r = roll(w, 100);

	if (r < 20)
		do_add(w, room, k);
	else if (r < 35)
		do_rename(w, room, k);
	else if (r < 42)
		do_swap(w, room, k);
	else if (r < 50)
		do_delete(w, room, k, pick(w, false, true));
	else if (r < 56)
		do_undelete(w, room, k);
	else if (r < 70)
		do_values(w, room, k);
	else
		do_links(w, room, k);
}

/* --- a delta as Active Directory gives it: what changed since, in any order, by id --- */

static void
delta_links(struct world *w, struct kit *k, const struct object *was, int i)
{
	const struct object *o = &w->o[i];

	for (int j = 0; j < w->count; j++) {
		uint64_t bit = UINT64_C(1) << j;

		if ((o->members & bit) && !(was->members & bit))
			kit_link(k, o->id, "member", MIRROR_ADD, BY_ID, who(w, j));
		/* a link that ended with its other end is not told */
		if (!(o->members & bit) && (was->members & bit) && w->o[j].alive)
			kit_link(k, o->id, "member", MIRROR_REMOVE, BY_ID, who(w, j));
	}
	if (o->outside != was->outside)
		kit_link(k, o->id, "member", o->outside ? MIRROR_ADD : MIRROR_REMOVE, BY_DN,
			"CN=Guest,DC=elsewhere");
	if (o->manager != was->manager && (o->manager >= 0 || w->o[was->manager].alive))
		kit_link(k, o->id, "manager", MIRROR_SET, BY_ID,
			o->manager < 0 ? NULL : who(w, o->manager));
	if (o->primary != was->primary && (o->primary >= 0 || w->o[was->primary].alive))
		kit_link(k, o->id, "primaryGroup", MIRROR_SET, BY_SID,
			o->primary < 0 ? NULL : w->o[o->primary].sid);
}

static void
delta_object(struct world *w, struct kit *k, const struct object *was, int i)
{
	const struct object *o = &w->o[i];

	if (!o->alive) {
		if (was->alive || roll(w, 2))
			OK(k, mirror_gone(k->m, o->id, NULL, &k->e));
		return;
	}
	if (!was->alive && !o->known) {
		tell_full(w, k, i, false);
		return;
	}
	bool place = o->parent != was->parent || strcmp(o->name, was->name) != 0 || !was->alive;

	if (place || o->mail != was->mail || o->title != was->title) {
		struct attrs as = attrs_of(k, o, true);
		struct mirror_entry en = {
			.id = o->id, .dn = dn(k, w, i), .parent = who(w, o->parent), .attrs = &as
		};

		OK(k, mirror_entry(k->m, &en, &k->e));
	}
	if (was->alive)
		delta_links(w, k, was, i);
}

static int
find_object(const struct world *w, const char *id)
{
	for (int i = 0; i < w->count; i++)
		if (strcmp(w->o[i].id, id) == 0)
			return i;
	fail_msg("asked for %s, which nobody knows", id);
	return -1;
}

static void
read_delta(struct world *w, struct kit *k, const struct world *before)
{
	static const struct object none = { .manager = -1, .primary = -1 };
	const char **ids;
	int order[OBJECTS];

	kit_begin(k, false);
	w->no_names = true;
	shuffle(w, order, w->count);
	for (int i = 0; i < w->count; i++)
		if (order[i] > 0)
			delta_object(w, k, order[i] < before->count ? &before->o[order[i]] : &none,
				order[i]);
	size_t count = mirror_missing(k->m, k->a, &ids);

	for (size_t i = 0; i < count; i++)
		tell_full(w, k, find_object(w, ids[i]), false);
	w->no_names = false;
	kit_commit(k);
}

static void
mark_known(struct world *w)
{
	for (int i = 0; i < w->count; i++)
		w->o[i].known = w->o[i].known || w->o[i].alive;
}

static void
show_missing(const char *x, const char *y, const char *mark)
{
	while (*x) {
		size_t n = strcspn(x, "\n") + 1;
		CLEAN_FREE char *line = xstrndup(x, n);

		if (!strstr(y, line))
			print_error("%s %s", mark, line);
		x += n;
	}
}

static void
compare(struct kit *a, struct kit *b, struct arena *out, unsigned seed, const char *what)
{
	const char *x = kit_dump(a, out), *y = kit_dump(b, out);

	if (strcmp(x, y) == 0)
		return;
	show_missing(x, y, "-");
	show_missing(y, x, "+");
	fail_msg("seed %u: %s", seed, what);
}

static void
one_history(unsigned seed, bool by_name)
{
	struct kit *delta = kit_new(), *again = kit_new(), *fresh = kit_new(),
		   *room = xcalloc(1, sizeof(*room));
	CLEAN_ARENA struct arena *out = arena_new();
	struct world w = { .seed = seed * UINT64_C(0x9E3779B97F4A7C15) + 1 }, before;

	room->a = arena_new();
	new_object(&w, room, -1, "CN=B", true);
	for (int i = 0; i < 25; i++)
		happen(&w, room, NULL);
	read_full(&w, delta);
	read_full(&w, again);
	mark_known(&w);
	for (int reads = 1 + (int)roll(&w, 4); reads > 0; reads--) {
		int ops = (int)roll(&w, 25);

		before = w;
		if (by_name)
			kit_begin(delta, false);
		for (int i = 0; i < ops; i++)
			happen(&w, room, by_name ? delta : NULL);
		if (by_name)
			kit_commit(delta);
		else
			read_delta(&w, delta, &before);
		mark_known(&w);
	}
	kit_check(delta);
	read_full(&w, fresh);
	compare(delta, fresh, out, seed, "delta and a fresh full read");
	read_full(&w, again);
	kit_check(again);
	compare(again, fresh, out, seed, "full read over an old one and a fresh one");
	read_full(&w, delta);
	compare(delta, fresh, out, seed, "full read over deltas and a fresh one");
	if (delta->st.added + delta->st.changed + delta->st.gone + delta->st.links_added +
		delta->st.links_removed)
		fail_msg("seed %u: a full read after deltas found something to change", seed);
	kit_free(delta);
	kit_free(again);
	kit_free(fresh);
	arena_free(room->a);
	free(room);
}

static void
histories(unsigned from, bool by_name)
{
	const char *more = getenv("LOCKSTEP_SEEDS");
	unsigned count = more ? (unsigned)strtoul(more, NULL, 10) : SEEDS;

	for (unsigned seed = from; seed < from + count; seed++)
		one_history(seed, by_name);
}

static void
test_mirror_I7_changes_in_order_by_name_equal_a_full_read(void **state)
{
	(void)state;
	histories(1, true);
}

static void
test_mirror_I7_changes_in_any_order_by_id_equal_a_full_read(void **state)
{
	(void)state;
	histories(1000001, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mirror_I7_changes_in_order_by_name_equal_a_full_read),
		cmocka_unit_test(test_mirror_I7_changes_in_any_order_by_id_equal_a_full_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
