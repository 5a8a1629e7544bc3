/* Changes since a revision, and what stands below a container. */
#include <string.h>
#include "mirror_p.h"

/*
 * Pages follow the index by rev, so that a page costs what it holds: first what is left of the rev of the
 * last row given, then later ones. (As one condition on (rev, n) SQLite would walk a rev from its start.)
 */
static size_t
entries_page(struct db_rows *r, int64_t *ns, size_t count, size_t max)
{
	while (count < max && db_next(r))
		ns[count++] = db_int(r, 0);
	return count;
}

/* The caller's position is an n, whose rev is looked up. */
size_t
mirror_changed_entries(struct mirror *m, int64_t since_rev, int64_t after, int64_t *ns, size_t max)
{
	int64_t rev = since_rev;
	size_t count = 0;

	if (after) {
		db_value(m->db, NULL, &rev, "SELECT rev FROM entry WHERE n = ?", after);
		CLEAN_ROWS struct db_rows same = db_query(m->db, NULL,
			"SELECT n FROM entry INDEXED BY entry_rev WHERE presence <> 0 AND rev = ? "
			"AND n > ? ORDER BY n LIMIT ?",
			rev, after, max);

		count = entries_page(&same, ns, count, max);
	}
	if (count == max)
		return count;
	CLEAN_ROWS struct db_rows later = db_query(m->db, NULL,
		"SELECT n FROM entry INDEXED BY entry_rev WHERE presence <> 0 AND rev > ? ORDER BY "
		"rev, n LIMIT ?",
		rev, max - count);

	return entries_page(&later, ns, count, max);
}

/* pos: owner = rev, other = k of the last row given. */
static size_t
links_page(struct mirror *m, struct db_rows *r, struct mirror_link_pos *pos, struct mirror_link *ls,
	size_t count, size_t max)
{
	while (count < max && db_next(r)) {
		struct mirror_link *l = &ls[count++];
		int64_t name = db_int(r, 3);

		pos->owner = db_int(r, 0);
		pos->other = db_int(r, 1);
		*l = (struct mirror_link){
			.owner = db_int(r, 2), .other = db_int(r, 4), .present = db_int(r, 5)
		};
		if (name == NAME_PRIMARY_GROUP)
			name = NAME_MEMBER;
		l->attribute = m->names[name - 1];
		/* a member in two ways is one while either holds */
		if (name == NAME_MEMBER && !l->present)
			l->present = mirror_link_present(m, l->owner, "member", l->other);
	}
	return count;
}

size_t
mirror_changed_links(struct mirror *m, int64_t since_rev, struct mirror_link_pos *pos,
	struct mirror_link *ls, size_t max)
{
	size_t count = 0;

	if (pos->owner) {
		CLEAN_ROWS struct db_rows same = db_query(m->db, NULL,
			"SELECT rev, k, owner, attr, other, present FROM link WHERE rev = ? AND k "
			"> ? ORDER BY k LIMIT ?",
			pos->owner, pos->other, max);

		count = links_page(m, &same, pos, ls, count, max);
	}
	if (count == max)
		return count;
	CLEAN_ROWS struct db_rows later = db_query(m->db, NULL,
		"SELECT rev, k, owner, attr, other, present FROM link INDEXED BY link_rev WHERE "
		"rev > ? ORDER BY rev, k LIMIT ?",
		pos->owner ? pos->owner : since_rev, max - count);

	return links_page(m, &later, pos, ls, count, max);
}

/* UNION, not UNION ALL: a circle of parents, which only a broken source makes, ends. */
bool
mirror_below(
	struct mirror *m, int64_t n, bool (*each)(void *ctx, int64_t n), void *ctx, struct err *e)
{
	CLEAN_ROWS struct db_rows r = db_query(m->db, e,
		"WITH RECURSIVE below(n) AS (SELECT n FROM entry WHERE parent = ?1"
		" UNION SELECT entry.n FROM below JOIN entry ON entry.parent = below.n)"
		" SELECT n FROM below WHERE n <> ?1",
		n);

	while (db_next(&r))
		if (!each(ctx, db_int(&r, 0)))
			return false;
	return !r.failed;
}

bool
mirror_place_changed(struct mirror *m, int64_t n, int64_t since_rev)
{
	return db_number(m->db, "SELECT abs(moved_rev) > ? FROM entry WHERE n = ?", since_rev, n);
}

static bool
above_moved(struct mirror *m, int64_t n, int64_t since_rev, bool *moved_r, struct err *e)
{
	int64_t moved = 0;

	*moved_r = false;
	if (!db_value(m->db, e, &moved,
		    "WITH RECURSIVE up(n) AS (SELECT parent FROM entry WHERE n = ?1"
		    " UNION SELECT entry.parent FROM up JOIN entry ON entry.n = up.n WHERE up.n <> "
		    "?1)"
		    " SELECT 1 FROM up JOIN entry ON entry.n = up.n WHERE entry.moved_rev > ?2 AND "
		    "entry.n <> ?1 LIMIT 1",
		    n, since_rev))
		return false;
	*moved_r = moved;
	return true;
}

bool
mirror_moved_below(struct mirror *m, int64_t since_rev, bool (*each)(void *ctx, int64_t n),
	void *ctx, struct err *e)
{
	CLEAN_ROWS struct db_rows r = db_query(m->db, e,
		"SELECT n FROM entry WHERE moved_rev > 0 AND moved_rev > ? ORDER BY moved_rev, n",
		since_rev);

	while (db_next(&r)) {
		bool covered;

		/* told with the container above it */
		if (!above_moved(m, db_int(&r, 0), since_rev, &covered, e))
			return false;
		if (!covered && !mirror_below(m, db_int(&r, 0), each, ctx, e))
			return false;
	}
	return !r.failed;
}
