/*
 * Rows of the mirror and stubs. Entries with an id own their row for good (I8); a stub known by place or
 * SID alone gives way to the entry that turns out to be the same thing.
 */
#include <string.h>
#include "mirror_p.h"

/* --- ids --- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
uuid_pack(const char *s, unsigned char out[16])
{
	size_t n = 0;

	for (size_t i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s[i] != '-')
				return false;
			continue;
		}
		int high = hex_digit(s[i]), low = high < 0 ? -1 : hex_digit(s[i + 1]);

		if (low < 0)
			return false;
		out[n++] = (unsigned char)(high << 4 | low);
		i++;
	}
	return s[36] == '\0';
}

static char *
uuid_text(const unsigned char b[16], char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[n++] = '-';
		out[n++] = digits[b[i] >> 4];
		out[n++] = digits[b[i] & 15];
	}
	out[n] = '\0';
	return out;
}

/* Half the size in the one index that is in random order. Only what uuid_pack can give back is packed. */
struct db_val
id_value(const char *id, unsigned char room[16])
{
	if (id && uuid_pack(id, room))
		return db_val_str((struct str){ (const char *)room, 16 });
	return db_val_text(id);
}

char *
id_text(const struct db_rows *r, int col, struct arena *a)
{
	bool blob = db_blob(r, col);
	struct str s = db_str(r, col);
	const unsigned char *b = (const unsigned char *)s.p;

	if (!s.p)
		return NULL;
	if (s.n != 16 || !blob)
		return arena_strndup(a, s.p, s.n);
	return uuid_text(b, arena_alloc(a, 37));
}

bool
entry_of_row(const struct mirror *m, const struct db_rows *r, struct arena *a, struct entry *en_r,
	struct err *e)
{
	*en_r = (struct entry){
		.n = db_int(r, 0),
		.id = id_text(r, 1, a),
		.rdn = db_null(r, 2) ? "" : db_text_dup(r, 2, a),
		.parent = db_int(r, 3),
		.presence = (enum presence)db_int(r, 4),
		.rev = db_int(r, 5),
		.attrs = attrs_new(a),
	};
	if (!db_null(r, 6) && !attrs_unpack(db_str(r, 6), a, &en_r->attrs, e))
		return err_wrap(e, "%s: entry %lld (%s)", db_path(m->db), (long long)en_r->n,
			en_r->id ? en_r->id : en_r->rdn);
	return true;
}

/* --- rows --- */

#define ROW_COLUMNS "n, parent, presence, rev, moved_rev, rdn_key IS NOT NULL, rdn, sid, attrs"

static const char *
scratch_text(struct mirror *m, const struct db_rows *r, int col)
{
	return db_null(r, col) ? NULL : arena_strdup(m->scratch, db_text(r, col));
}

static bool
row_take(struct mirror *m, struct db_rows *r, struct row *r_r)
{
	*r_r = (struct row){ 0 };
	if (!db_next(r))
		return !r->failed;
	struct str attrs = db_str(r, 8);

	buf_reset(&m->old);
	buf_add(&m->old, attrs.p ? attrs.p : "", attrs.n);
	*r_r = (struct row){
		.n = db_int(r, 0),
		.parent = db_int(r, 1),
		.presence = (enum presence)db_int(r, 2),
		.rev = db_int(r, 3),
		.moved_rev = db_int(r, 4),
		.placed = db_int(r, 5),
		.rdn = scratch_text(m, r, 6),
		.sid = scratch_text(m, r, 7),
		.attrs = buf_str(&m->old),
	};
	return true;
}

bool
row_load(struct mirror *m, int64_t n, struct row *r_r, struct err *e)
{
	CLEAN_ROWS struct db_rows r =
		db_query(m->db, e, "SELECT " ROW_COLUMNS " FROM entry WHERE n = ?", n);

	return row_take(m, &r, r_r);
}

bool
row_load_id(struct mirror *m, const char *id, struct row *r_r, struct err *e)
{
	unsigned char room[16];
	CLEAN_ROWS struct db_rows r = db_query(
		m->db, e, "SELECT " ROW_COLUMNS " FROM entry WHERE id = ?", id_value(id, room));

	return row_take(m, &r, r_r);
}

bool
row_find(struct mirror *m, const char *id, int64_t *n_r, struct err *e)
{
	unsigned char room[16];

	*n_r = 0;
	return db_value(m->db, e, n_r, "SELECT n FROM entry WHERE id = ?", id_value(id, room));
}

bool
row_has_children(struct mirror *m, int64_t n, bool *has_r, struct err *e)
{
	int64_t has = 0;
	bool ok =
		db_value(m->db, e, &has, "SELECT EXISTS(SELECT 1 FROM entry WHERE parent = ?)", n);

	*has_r = has;
	return ok;
}

/* --- stubs --- */

bool
stub_insert(struct mirror *m, const char *id, int64_t parent, const char *rdn, const char *key,
	const char *sid, int64_t *n_r, struct err *e)
{
	unsigned char room[16];

	if (!db_run(m->db, e,
		    "INSERT INTO entry(id, parent, rdn, rdn_key, sid, presence, rev, moved_rev) "
		    "VALUES (?, ?, ?, ?, ?, 0, ?, 0)",
		    id_value(id, room), parent, rdn, key, sid, m->rev))
		return false;
	*n_r = db_last_id(m->db);
	m->sid_stubs = m->sid_stubs || (!id && sid);
	return true;
}

/* Usually there are none, and then nobody need look for one at each entry. */
static bool
sid_stubs(struct mirror *m, bool *there_r, struct err *e)
{
	int64_t there = 0;

	if (!m->sid_stubs_asked && !db_value(m->db, e, &there,
					   "SELECT EXISTS(SELECT 1 FROM entry INDEXED BY "
					   "entry_stub WHERE presence = 0 AND id IS NULL"
					   " AND sid IS NOT NULL)"))
		return false;
	if (!m->sid_stubs_asked)
		m->sid_stubs = there;
	m->sid_stubs_asked = true;
	*there_r = m->sid_stubs;
	return true;
}

bool
sid_find(struct mirror *m, const char *sid, bool stubs_only, int64_t *n_r, struct err *e)
{
	static const int rank[] = {
		[PRESENCE_STUB] = 1, [PRESENCE_HERE] = 3, [PRESENCE_ABSENT] = 2, [PRESENCE_GONE] = 0
	};
	int best = 0;
	bool stubs = true;

	*n_r = 0;
	if (stubs_only && (!sid_stubs(m, &stubs, e) || !stubs))
		return !stubs;
	CLEAN_ROWS struct db_rows r = db_query(
		m->db, e, "SELECT n, presence, id IS NOT NULL FROM entry WHERE sid = ?", sid);

	while (db_next(&r)) {
		int presence = (int)db_int(&r, 1);

		if (stubs_only && (presence != PRESENCE_STUB || db_int(&r, 2)))
			continue;
		if (rank[presence] > best) {
			best = rank[presence];
			*n_r = db_int(&r, 0);
		}
	}
	return !r.failed;
}

/* Nearly everybody's primary group is the same. */
bool
stub_by_sid(struct mirror *m, const char *sid, int64_t *n_r, struct err *e)
{
	*n_r = memo_get(m, str_c(sid));
	if (*n_r)
		return true;
	if (!sid_find(m, sid, false, n_r, e) ||
		(!*n_r && !stub_insert(m, NULL, 0, NULL, NULL, sid, n_r, e)))
		return false;
	memo_put(m, str_c(sid), *n_r);
	return true;
}

/* The DN of a reference is shown, not resolved: the id says who it is. */
bool
stub_by_id(struct mirror *m, const struct mirror_end *end, int64_t *n_r, struct err *e)
{
	unsigned char room[16];

	if (!row_find(m, end->id, n_r, e) || *n_r)
		return *n_r != 0;
	if (end->sid && !sid_find(m, end->sid, true, n_r, e))
		return false;
	if (*n_r)
		return db_run(m->db, e, "UPDATE entry SET id = ? WHERE n = ?",
			id_value(end->id, room), *n_r);
	return stub_insert(m, end->id, 0, end->dn, NULL, end->sid, n_r, e);
}

/* Below a place that was two until now, a stub and an entry may have one name: they are the same as well. */
static bool
children_join(struct mirror *m, int64_t parent, struct err *e)
{
	for (;;) {
		CLEAN_ROWS struct db_rows r = db_query(m->db, e,
			"SELECT s.n, o.n FROM entry s INDEXED BY entry_stub JOIN entry o"
			" ON o.parent = s.parent AND o.rdn_key = s.rdn_key AND o.n <> s.n AND "
			"o.presence <> 3"
			" WHERE s.presence = 0 AND s.id IS NULL AND s.parent = ? ORDER BY "
			"o.presence = 0 LIMIT 1",
			parent);

		if (!db_next(&r))
			return !r.failed;
		int64_t stub = db_int(&r, 0), to = db_int(&r, 1);

		db_rows_end(&r);
		if (!stub_merge(m, stub, to, e))
			return false;
	}
}

bool
stub_merge(struct mirror *m, int64_t stub, int64_t to, struct err *e)
{
	struct db *d = m->db;
	bool below;

	if (!db_run(d, e, "UPDATE entry SET parent = ? WHERE parent = ?", to, stub))
		return false;
	below = db_changes(d) > 0;
	if (below && !db_run(d, e, "UPDATE entry SET moved_rev = ? WHERE n = ?", m->rev, to))
		return false;
	if (!links_join(m, stub, to, e) ||
		!db_run(d, e, "UPDATE OR REPLACE bad SET n = ? WHERE n = ?", to, stub) ||
		!db_run(d, e, "UPDATE staged_link SET subject = ? WHERE subject = ?", to, stub) ||
		!db_run(d, e,
			"UPDATE entry SET presence = 3, rev = ?, parent = 0, rdn = NULL, rdn_key = "
			"NULL, sid = NULL,"
			" moved_rev = 0 WHERE n = ?",
			m->rev, stub))
		return false;
	memo_clear(m);
	m->stats.any = true;
	return !below || children_join(m, to, e);
}
