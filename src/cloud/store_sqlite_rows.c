#include <string.h>
#include "store_sqlite.h"

static struct store_sqlite *
self(struct store *s)
{
	return (struct store_sqlite *)s;
}

bool
sqlite_rid_of(struct store *st, const store_id id, int64_t *rid_r, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_number(s, sqlite_bind(s, Q_RID_OF, "b", id), rid_r, e);
}

/* The columns of Q_GET and Q_SCAN. */
static void
row_of(sqlite3_stmt *q, struct store_row *row)
{
	row->rid = sqlite3_column_int64(q, 0);
	if (sqlite3_column_bytes(q, 1) == (int)sizeof(row->id))
		memcpy(row->id, sqlite3_column_blob(q, 1), sizeof(row->id));
	row->version = sqlite3_column_int64(q, 2);
	row->created = sqlite3_column_int64(q, 3);
	row->modified = sqlite3_column_int64(q, 4);
	row->body.p = (const char *)sqlite3_column_text(q, 5);
	row->body.n = (size_t)sqlite3_column_bytes(q, 5);
}

/* After the last step: all rows were seen, or no more were wanted. */
static bool
rows_end(struct store_sqlite *s, sqlite3_stmt *q, int rc, struct err *e)
{
	bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE || sqlite_fail(s, "read", e);

	sqlite3_reset(q);
	return ok;
}

bool
sqlite_get(struct store *st, int64_t rid, struct arena *a, struct store_row *row_r, struct err *e)
{
	struct store_sqlite *s = self(st);
	sqlite3_stmt *q = sqlite_bind(s, Q_GET, "i", rid);
	int rc = sqlite3_step(q);

	*row_r = (struct store_row){ 0 };
	if (rc == SQLITE_ROW) {
		row_of(q, row_r);
		row_r->body.p = arena_strndup(a, row_r->body.p, row_r->body.n);
	}
	return rows_end(s, q, rc, e);
}

bool
sqlite_insert(struct store *st, struct store_row *row, struct err *e)
{
	struct store_sqlite *s = self(st);
	int64_t set = row->rid, last;

	if (s->last_set != set) {
		int64_t end = set + ((INT64_C(1) << STORE_SEQ_BITS) - 1);
		if (!sqlite_number(s, sqlite_bind(s, Q_LAST, "ii", set, end), &last, e))
			return false;
		s->last_set = set;
		s->last_rid = last ? last : set;
	}
	row->rid = ++s->last_rid;
	return sqlite_run(s,
		sqlite_bind(s, Q_INSERT, "ibiiit", row->rid, row->id, row->version, row->created,
			row->modified, &row->body),
		NULL, e);
}

bool
sqlite_update(struct store *st, const struct store_row *row, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_run(s,
		sqlite_bind(s, Q_UPDATE, "iiti", row->version, row->modified, &row->body, row->rid),
		NULL, e);
}

bool
sqlite_remove(struct store *st, int64_t rid, int64_t now, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_run(s, sqlite_bind(s, Q_LEFT_GROUPS, "ii", rid, now), NULL, e) &&
	       sqlite_run(s, sqlite_bind(s, Q_MEMBER_WIPE, "i", rid), NULL, e) &&
	       sqlite_run(s, sqlite_bind(s, Q_GROUP_WIPE, "i", rid), NULL, e) &&
	       sqlite_run(s, sqlite_bind(s, Q_DELETE, "i", rid), NULL, e);
}

bool
sqlite_scan(struct store *st, int64_t from, int64_t to, size_t limit, store_row_fn *fn, void *ctx,
	struct err *e)
{
	struct store_sqlite *s = self(st);
	sqlite3_stmt *q = sqlite_bind(s, Q_SCAN, "iii", from, to, (int64_t)limit);
	struct store_row row;
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		row_of(q, &row);
		if (!fn(ctx, &row))
			break;
	}
	return rows_end(s, q, rc, e);
}

bool
sqlite_count(struct store *st, int64_t from, int64_t to, int64_t *n_r, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_number(s, sqlite_bind(s, Q_COUNT, "ii", from, to), n_r, e);
}

bool
sqlite_nth(struct store *st, int64_t from, int64_t to, int64_t place, int64_t *rid_r, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_number(s, sqlite_bind(s, Q_NTH, "iii", from, to, place), rid_r, e);
}

bool
sqlite_name_put(struct store *st, int64_t rid, struct str text, unsigned kinds, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_run(s,
		sqlite_bind(s, Q_NAME_PUT, "itii", store_tenant(rid), &text, rid, (int64_t)kinds),
		NULL, e);
}

bool
sqlite_name_del(struct store *st, int64_t rid, struct str text, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_run(
		s, sqlite_bind(s, Q_NAME_DEL, "iti", store_tenant(rid), &text, rid), NULL, e);
}

/* Gives the first column of each row. */
static bool
each_rid(struct store_sqlite *s, sqlite3_stmt *q, store_rid_fn *fn, void *ctx, struct err *e)
{
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (!fn(ctx, sqlite3_column_int64(q, 0)))
			break;
	}
	return rows_end(s, q, rc, e);
}

bool
sqlite_find(struct store *st, int64_t tenant, struct str text, unsigned kinds, store_rid_fn *fn,
	void *ctx, struct err *e)
{
	struct store_sqlite *s = self(st);

	return each_rid(
		s, sqlite_bind(s, Q_FIND, "iti", tenant, &text, (int64_t)kinds), fn, ctx, e);
}

bool
sqlite_conflict(struct store *st, int64_t tenant, struct str text, unsigned kinds, int64_t except,
	int64_t *rid_r, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_number(s,
		sqlite_bind(s, Q_CONFLICT, "itii", tenant, &text, (int64_t)kinds, except), rid_r,
		e);
}

bool
sqlite_member_add(struct store *st, int64_t group, int64_t member, const store_id id,
	bool *changed_r, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_run(s, sqlite_bind(s, Q_MEMBER_ADD, "iib", group, member, id), changed_r, e);
}

bool
sqlite_member_del(struct store *st, int64_t group, int64_t member, bool *changed_r, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_run(s, sqlite_bind(s, Q_MEMBER_DEL, "ii", group, member), changed_r, e);
}

bool
sqlite_member_has(struct store *st, int64_t group, int64_t member, bool *has_r, struct err *e)
{
	struct store_sqlite *s = self(st);
	int64_t n;

	if (!sqlite_number(s, sqlite_bind(s, Q_MEMBER_HAS, "ii", group, member), &n, e))
		return false;
	*has_r = n != 0;
	return true;
}

bool
sqlite_members(struct store *st, int64_t group, int64_t after, size_t limit, store_member_fn *fn,
	void *ctx, struct err *e)
{
	struct store_sqlite *s = self(st);
	sqlite3_stmt *q = sqlite_bind(s, Q_MEMBERS, "iii", group, after, (int64_t)limit);
	store_id id;
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (sqlite3_column_bytes(q, 1) == (int)sizeof(id))
			memcpy(id, sqlite3_column_blob(q, 1), sizeof(id));
		if (!fn(ctx, sqlite3_column_int64(q, 0), id))
			break;
	}
	return rows_end(s, q, rc, e);
}

bool
sqlite_groups_of(struct store *st, int64_t member, int64_t after, size_t limit, store_rid_fn *fn,
	void *ctx, struct err *e)
{
	struct store_sqlite *s = self(st);

	return each_rid(
		s, sqlite_bind(s, Q_GROUPS_OF, "iii", member, after, (int64_t)limit), fn, ctx, e);
}
