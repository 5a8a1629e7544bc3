/* Looking at entries and links. Errors of the file are kept by db.h (mirror_ok). */
#include <stdlib.h>
#include <string.h>
#include "mirror_p.h"

#define DEPTH_MAX 256 /* of a tree; what goes deeper is a circle */

bool
mirror_hold(struct mirror *m, struct err *e)
{
	return db_run(m->db, e, "BEGIN");
}

void
mirror_release(struct mirror *m)
{
	if (!m->reading)
		db_rollback(m->db);
}

static bool
present_now(struct mirror *m, int64_t n)
{
	int64_t presence = 0;

	db_value(m->db, NULL, &presence, "SELECT presence FROM entry WHERE n = ?", n);
	return presence == PRESENCE_HERE || presence == PRESENCE_ABSENT;
}

int64_t
mirror_find_id(struct mirror *m, const char *id)
{
	int64_t n = 0;

	row_find(m, id, &n, NULL);
	return n;
}

int64_t
mirror_find_dn(struct mirror *m, const char *dn)
{
	int64_t n = 0;

	arena_reset(m->scratch);
	if (!place_find(m, dn, PLACE_LOOK, &n, NULL) || n <= 0 || !present_now(m, n))
		return 0;
	return n;
}

static bool
has_folded(const struct attr *a, struct str wanted, struct buf *room)
{
	for (size_t i = 0; a && i < a->count; i++) {
		buf_reset(room);
		utf8_fold(a->values[i].p, a->values[i].n, room);
		if (str_eq(buf_str(room), wanted))
			return true;
	}
	return false;
}

int64_t
mirror_find_value(struct mirror *m, const char *attribute, struct str value)
{
	CLEAN_BUF struct buf wanted = { 0 }, room = { 0 };
	CLEAN_ROWS struct db_rows r = db_query(
		m->db, NULL, "SELECT n, attrs FROM entry WHERE presence IN (1, 2) ORDER BY n");

	utf8_fold(value.p, value.n, &wanted);
	while (db_next(&r)) {
		struct attrs as;

		arena_reset(m->scratch);
		if (attrs_unpack(db_str(&r, 1), m->scratch, &as, NULL) &&
			has_folded(attrs_get(&as, attribute), buf_str(&wanted), &room))
			return db_int(&r, 0);
	}
	return 0;
}

bool
mirror_get(struct mirror *m, int64_t n, struct arena *a, struct entry *en_r, struct err *e)
{
	CLEAN_ROWS struct db_rows r =
		db_query(m->db, e, "SELECT " ENTRY_COLUMNS " FROM entry WHERE n = ?", n);

	if (!db_next(&r))
		return r.failed ? false
				: err_set(e, ERR_OBJECT, "no-entry", "%s: has no entry %lld",
					  db_path(m->db), (long long)n);
	return entry_of_row(m, &r, a, en_r, e);
}

int64_t
mirror_parent(struct mirror *m, int64_t n)
{
	return db_number(m->db, "SELECT parent FROM entry WHERE n = ?", n);
}

char *
mirror_dn(struct mirror *m, int64_t n, struct arena *a)
{
	CLEAN_BUF struct buf dn = { 0 };

	for (int depth = 0; n && depth < DEPTH_MAX; depth++) {
		CLEAN_ROWS struct db_rows r =
			db_query(m->db, NULL, "SELECT parent, rdn FROM entry WHERE n = ?", n);

		if (!db_next(&r))
			break;
		n = db_int(&r, 0);
		if (db_null(&r, 1))
			continue;
		if (dn.n)
			buf_addc(&dn, ',');
		buf_adds(&dn, db_text(&r, 1));
	}
	return arena_strndup(a, buf_cstr(&dn), dn.n);
}

char *
mirror_bad_note(struct mirror *m, int64_t n, struct arena *a)
{
	CLEAN_BUF struct buf note = { 0 };
	CLEAN_ROWS struct db_rows r = db_query(
		m->db, NULL, "SELECT attribute, why FROM bad WHERE n = ? ORDER BY attribute", n);

	while (db_next(&r)) {
		const char *attribute = db_text(&r, 0);

		buf_addf(&note, "%s%s%s%s", note.n ? "; " : "", attribute, *attribute ? ": " : "",
			db_text(&r, 1));
	}
	return note.n ? arena_strndup(a, note.p, note.n) : NULL;
}

size_t
mirror_missing(struct mirror *m, struct arena *a, const char ***ids_r)
{
	CLEAN_BUF struct buf ids = { 0 };
	CLEAN_ROWS struct db_rows r = db_query(m->db, NULL, "SELECT id FROM missing ORDER BY id");

	while (db_next(&r)) {
		const char *id = id_text(&r, 0, a);

		buf_add(&ids, &id, sizeof(id));
	}
	*ids_r = arena_alloc(a, ids.n + 1);
	if (ids.n)
		memcpy(*ids_r, ids.p, ids.n);
	return ids.n / sizeof(char *);
}

/* --- links --- */

/* Which link rows an attribute means, and on which side n stands. */
struct sight {
	int a, b;   /* one or two attributes */
	bool owner; /* n is the owner in the row */
};

static struct sight
sight_of(const struct mirror *m, const char *attribute, bool reverse)
{
	int name = name_find(m, attribute);

	if (ascii_ieq(attribute, "memberOf"))
		return (struct sight){ NAME_MEMBER, NAME_PRIMARY_GROUP, false };
	if (name == NAME_MEMBER)
		return (struct sight){ NAME_MEMBER, NAME_PRIMARY_GROUP, !reverse };
	return (struct sight){ name, name, name == NAME_PRIMARY_GROUP ? reverse : !reverse };
}

/* One attribute at a time: a list in SQL would cost an index made anew for each question. */
static void
links_add(struct mirror *m, bool owner, int64_t n, int attribute, int64_t since, struct buf *ns)
{
	CLEAN_ROWS struct db_rows r =
		owner ? db_query(m->db, NULL,
				"SELECT other FROM link WHERE owner = ? AND attr = ? AND"
				" (present = 1 OR rev > ?) ORDER BY other",
				n, attribute, since)
		      : db_query(m->db, NULL,
				"SELECT owner FROM link WHERE other = ? AND attr = ? AND"
				" (present = 1 OR rev > ?) ORDER BY owner",
				n, attribute, since);

	while (db_next(&r)) {
		int64_t v = db_int(&r, 0);

		buf_add(ns, &v, sizeof(v));
	}
}

static int
number_order(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

size_t
mirror_links_of(struct mirror *m, int64_t n, const char *attribute, bool reverse, int64_t since_rev,
	struct arena *a, int64_t **ns_r)
{
	CLEAN_BUF struct buf ns = { 0 };
	struct sight s = sight_of(m, attribute, reverse);
	int64_t since = since_rev > 0 ? since_rev : INT64_MAX, *list;
	size_t first, count, kept = 0;

	links_add(m, s.owner, n, s.a, since, &ns);
	first = ns.n;
	if (s.b != s.a)
		links_add(m, s.owner, n, s.b, since, &ns);
	count = ns.n / sizeof(int64_t);
	list = *ns_r = arena_alloc(a, ns.n + 1);
	if (ns.n)
		memcpy(list, ns.p, ns.n);
	if (ns.n == first)
		return count;
	qsort(list, count, sizeof(*list), number_order);
	for (size_t i = 0; i < count; i++)
		if (!i || list[i] != list[i - 1])
			list[kept++] = list[i];
	return kept;
}

static bool
link_is_present(struct mirror *m, int64_t owner, int attribute, int64_t other)
{
	return db_number(m->db,
		"SELECT 1 FROM link WHERE owner = ? AND attr = ? AND other = ? AND present = 1",
		owner, attribute, other);
}

bool
mirror_link_present(struct mirror *m, int64_t owner, const char *attribute, int64_t other)
{
	struct sight s = sight_of(m, attribute, false);
	int64_t from = s.owner ? owner : other, to = s.owner ? other : owner;

	return link_is_present(m, from, s.a, to) ||
	       (s.b != s.a && link_is_present(m, from, s.b, to));
}

/* --- nested groups --- */

static struct group_memo *
group_slot(struct mirror *m, int64_t x, int64_t group)
{
	uint64_t h = ((uint64_t)x * 31 + (uint64_t)group) * UINT64_C(0x9E3779B97F4A7C15);

	return &m->groups[h >> 32 & (GROUP_SLOTS - 1)];
}

static void
group_note(struct mirror *m, int64_t x, int64_t group, bool in)
{
	if (!m->reading) /* what is open may still change */
		*group_slot(m, x, group) = (struct group_memo){ x, group, in };
}

struct step {
	int64_t n;
	size_t from; /* index of the step that led here */
};

static bool
steps_have(const struct buf *b, int64_t n)
{
	const struct step *s = (const struct step *)b->p;

	for (size_t i = 0; i < b->n / sizeof(*s); i++)
		if (s[i].n == n)
			return true;
	return false;
}

/* Looks at the groups of step `at`; true when `group` is reached. Puts the others on the list. */
static bool
step_up(struct mirror *m, struct buf *steps, size_t at, int64_t group)
{
	int64_t x = ((const struct step *)steps->p)[at].n;
	CLEAN_ROWS struct db_rows r = db_query(m->db, NULL,
		"SELECT owner FROM link WHERE other = ? AND attr IN (1, 2) AND present = 1", x);

	while (db_next(&r)) {
		struct step next = { db_int(&r, 0), at };
		const struct group_memo *known = group_slot(m, next.n, group);
		bool memo = !m->reading && known->x == next.n && known->group == group;

		if (next.n == group || (memo && known->in))
			return true;
		if (!memo && !steps_have(steps, next.n))
			buf_add(steps, &next, sizeof(next));
	}
	return false;
}

bool
mirror_in_group(struct mirror *m, int64_t n, int64_t group)
{
	CLEAN_BUF struct buf steps = { 0 };
	struct step first = { n, 0 };
	size_t at = 0;
	bool in = false;

	if (n == group || !n || !group)
		return false;
	buf_add(&steps, &first, sizeof(first));
	for (; !in && at < steps.n / sizeof(first); at++)
		in = step_up(m, &steps, at, group);
	const struct step *s = (const struct step *)steps.p;

	/* not found: no group on the list leads there; found: those on the way do */
	if (in)
		for (size_t i = at - 1; i > 0; i = s[i].from)
			group_note(m, s[i].n, group, true);
	else
		for (size_t i = 1; i < steps.n / sizeof(*s); i++)
			group_note(m, s[i].n, group, false);
	return in;
}
