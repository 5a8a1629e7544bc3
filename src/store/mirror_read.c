/* Messages about entries. Each first finds out whether it can be done, then does it: an ERR_OBJECT leaves no trace. */
#include <assert.h>
#include <string.h>
#include "mirror_p.h"

static bool
no_entry(const char *id, const char *dn, const char *what, struct err *e)
{
	return err_set(e, ERR_OBJECT, "no-entry", "%s of an entry that is not known: %.300s", what,
		id   ? id
		: dn ? dn
		     : "(no name)");
}

bool
read_subject(struct mirror *m, const char *id, const char *dn, struct row *r_r, struct err *e)
{
	int64_t n = 0;

	*r_r = (struct row){ 0 };
	if (id)
		return row_load_id(m, id, r_r, e);
	if (!dn || *dn == '\0')
		return err_set(e, ERR_OBJECT, "no-id", "a message names no entry");
	if (!place_find(m, dn, PLACE_LOOK, &n, e))
		return false;
	return n == PLACE_NONE || row_load(m, n, r_r, e);
}

/* Links lines come after their entry, usually. */
void
read_last(struct mirror *m, const char *id, int64_t n)
{
	m->last_n = id ? n : 0;
	if (!id)
		return;
	buf_reset(&m->last_id);
	buf_adds(&m->last_id, id);
}

bool
read_missing(struct mirror *m, const char *id, const char *dn, struct err *e)
{
	unsigned char room[16];

	if (!id)
		return no_entry(id, dn, "a change", e);
	m->any_missing = true;
	return db_run(m->db, e, "INSERT OR IGNORE INTO missing(id) VALUES (?)", id_value(id, room));
}

/* ABSENT becomes HERE again: downstream it was present all the time, so its rev stays. */
bool
row_seen(struct mirror *m, struct row *r, struct err *e)
{
	if (m->full)
		bits_set(&m->seen, r->n);
	if (r->presence != PRESENCE_ABSENT)
		return true;
	r->presence = PRESENCE_HERE;
	return db_run(m->db, e, "UPDATE entry SET presence = 1 WHERE n = ?", r->n) &&
	       db_run(m->db, e, "DELETE FROM absent WHERE n = ?", r->n);
}

/* The first change of an entry in a read counts. */
static void
note_changed(struct mirror *m, int64_t rev_before)
{
	m->stats.changed += rev_before != m->rev;
	m->stats.any = true;
}

void
row_pack(struct mirror *m, const struct attrs *as)
{
	buf_reset(&m->pack);
	attrs_pack(as, &m->pack);
}

bool
row_write_attrs(struct mirror *m, struct row *r, struct err *e)
{
	r->rev = m->rev;
	m->stats.any = true;
	return db_run(m->db, e, "UPDATE entry SET attrs = ?, rev = ? WHERE n = ?",
		buf_str(&m->pack), r->rev, r->n);
}

/* m->pack: the new attributes. */
static bool
attrs_change(struct mirror *m, struct row *r, const struct attrs *new, bool full, struct err *e)
{
	if (str_eq(buf_str(&m->pack), r->attrs))
		return true;
	return (!full || bad_save_before(m, r, new, e)) && row_write_attrs(m, r, e);
}

/* --- places of entries --- */

struct spot {
	const char *rdn, *dn; /* rdn NULL: the message says nothing about the place */
	const char *key;      /* NULL: the rdn is the one that the row has */
	int64_t parent;       /* PLACE_NONE: known at the end of the read only */
};

static bool
spot_find(struct mirror *m, const struct row *r, const char *dn, const char *parent_id,
	struct spot *s_r, struct err *e)
{
	const char *parent;

	*s_r = (struct spot){ .dn = dn };
	if (!dn || *dn == '\0')
		return true;
	if (!place_split(m, dn, &s_r->rdn, &parent, e))
		return false;
	if (!(row_present(r) && r->placed && strcmp(s_r->rdn, r->rdn) == 0) &&
		!place_key(m, s_r->rdn, &s_r->key, e))
		return false;
	if (parent_id)
		return stub_by_id(m, &(struct mirror_end){ .id = parent_id }, &s_r->parent, e);
	return place_parent(m, parent, m->full ? PLACE_SURE : PLACE_MAKE, &s_r->parent, e);
}

static bool
spot_take(struct mirror *m, struct row *r, const struct spot *s, struct err *e)
{
	if (!s->rdn)
		return true;
	if (s->parent != PLACE_NONE)
		return (!m->staged_places ||
			       db_run(m->db, e, "DELETE FROM staged_place WHERE n = ?", r->n)) &&
		       place_set(m, r, s->parent, s->rdn, s->key, e);
	m->staged_places = true;
	return db_run(m->db, e,
		"INSERT OR REPLACE INTO staged_place(n, depth, dn) VALUES (?, ?, ?)", r->n,
		place_depth(s->dn), s->dn);
}

/* --- full entries --- */

static bool
check_entry(const struct mirror_entry *en, struct err *e)
{
	if (en->id && (*en->id == '\0' || strlen(en->id) > ID_MAX))
		return err_set(e, ERR_OBJECT, "bad-id",
			"%.300s: the id is empty or longer than %d bytes", en->dn ? en->dn : en->id,
			ID_MAX);
	if (en->id && en->parent && strcmp(en->id, en->parent) == 0)
		return err_set(
			e, ERR_OBJECT, "bad-id", "%.300s: names itself as the entry above", en->id);
	if (en->full && (!en->dn || *en->dn == '\0'))
		return err_set(e, ERR_OBJECT, "bad-dn", "%.300s: comes without a DN",
			en->id ? en->id : "(no name)");
	return true;
}

static bool
insert_new(struct mirror *m, const struct mirror_entry *en, const struct spot *s, int64_t *n_r,
	struct err *e)
{
	unsigned char room[16];
	bool placed = s->parent != PLACE_NONE;

	if (!db_run(m->db, e,
		    "INSERT INTO entry(id, parent, rdn, rdn_key, sid, presence, rev, moved_rev, "
		    "attrs)"
		    " VALUES (?, ?, ?, ?, ?, 1, ?, 0, ?)",
		    id_value(en->id, room), placed ? s->parent : 0, s->rdn, placed ? s->key : NULL,
		    en->sid, m->rev, buf_str(&m->pack)))
		return false;
	*n_r = db_last_id(m->db);
	if (!placed) {
		struct row r = { .n = *n_r };

		return spot_take(m, &r, s, e);
	}
	if (m->full)
		bits_set(&m->placed, *n_r);
	return true;
}

/* An entry that has no row by its id may be the stub at its place or with its SID. */
static bool
adopt_stub(struct mirror *m, const struct mirror_entry *en, const struct spot *s, struct row *r_r,
	struct err *e)
{
	unsigned char room[16];
	int64_t n = 0;

	*r_r = (struct row){ 0 };
	if (s->parent != PLACE_NONE && !place_stub(m, s->parent, s->key, &n, e))
		return false;
	if (!n && en->sid && !sid_find(m, en->sid, true, &n, e))
		return false;
	if (!n)
		return true;
	return db_run(m->db, e, "UPDATE entry SET id = ? WHERE n = ?", id_value(en->id, room), n) &&
	       row_load(m, n, r_r, e);
}

static bool
sid_set(struct mirror *m, struct row *r, const char *sid, struct err *e)
{
	int64_t stub = 0;

	if (!sid || (r->sid && strcmp(r->sid, sid) == 0))
		return true;
	if (!sid_find(m, sid, true, &stub, e) ||
		(stub && stub != r->n && !stub_merge(m, stub, r->n, e)))
		return false;
	r->rev = m->rev;
	m->stats.any = true;
	return db_run(m->db, e, "UPDATE entry SET sid = ?, rev = ? WHERE n = ?", sid, r->rev, r->n);
}

/* A stub, or an entry that was gone, is here: what stands below it has an entry above it again. */
static bool
row_arrive(struct mirror *m, struct row *r, struct err *e)
{
	if (row_present(r))
		return true;
	if (!place_note(m, r, e))
		return false;
	r->presence = PRESENCE_HERE;
	r->rev = m->rev;
	m->entries++;
	m->stats.added++;
	m->stats.any = true;
	return db_run(m->db, e, "UPDATE entry SET presence = 1, rev = ?, moved_rev = ? WHERE n = ?",
		r->rev, r->moved_rev, r->n);
}

static bool
update_full(struct mirror *m, struct row *r, const struct mirror_entry *en, const struct spot *s,
	struct err *e)
{
	bool was = row_present(r);
	int64_t rev = r->rev;
	struct attrs held;

	row_pack(m, en->attrs);
	if (m->bad_now) {
		held = attrs_new(m->scratch);
		attrs_copy(&held, en->attrs);
		if (!bad_keep(m, r, &held, e))
			return false;
		row_pack(m, &held);
	}
	if (!spot_take(m, r, s, e) || !sid_set(m, r, en->sid, e) ||
		!attrs_change(m, r, en->attrs, true, e) || !row_arrive(m, r, e) ||
		!row_seen(m, r, e))
		return false;
	if (was && r->rev != rev)
		note_changed(m, rev);
	return true;
}

static bool
entry_full(struct mirror *m, const struct mirror_entry *en, struct row *r, struct err *e)
{
	unsigned char room[16];
	struct spot s;
	int64_t n = r->n;

	if (!en->id && !n)
		return err_set(e, ERR_OBJECT, "no-id", "%.300s: has no id", en->dn);
	if (!spot_find(m, r, en->dn, en->parent, &s, e))
		return false;
	if (!n && !adopt_stub(m, en, &s, r, e))
		return false;
	if (r->n) {
		n = r->n;
		if (!update_full(m, r, en, &s, e))
			return false;
	} else {
		row_pack(m, en->attrs);
		if (!insert_new(m, en, &s, &n, e))
			return false;
		m->entries++;
		m->stats.added++;
		m->stats.any = true;
		if (m->full)
			bits_set(&m->seen, n);
	}
	bits_set(&m->whole, n);
	read_last(m, en->id, n);
	if (m->any_missing && en->id &&
		!db_run(m->db, e, "DELETE FROM missing WHERE id = ?", id_value(en->id, room)))
		return false;
	return bad_over(m, n, en, e);
}

/* --- parts --- */

static bool
entry_part(struct mirror *m, const struct mirror_entry *en, struct row *r, struct err *e)
{
	struct attrs as;
	struct spot s;
	int64_t rev = r->rev;

	if (!row_present(r))
		return read_missing(m, en->id, en->dn, e);
	/* what named it is no new place */
	if (!spot_find(m, r, en->id ? en->dn : NULL, en->parent, &s, e) ||
		!attrs_unpack(r->attrs, m->scratch, &as, e))
		return false;
	for (size_t i = 0; i < en->attrs->count; i++) {
		const struct attr *a = &en->attrs->list[i];

		if (a->count)
			attrs_set(&as, a->name, a->values, a->count);
		else
			attrs_remove(&as, a->name);
	}
	row_pack(m, &as);
	if (!attrs_change(m, r, &as, false, e) || !spot_take(m, r, &s, e) ||
		!sid_set(m, r, en->sid, e) || !row_seen(m, r, e))
		return false;
	if (r->rev != rev)
		note_changed(m, rev);
	return bad_over(m, r->n, en, e);
}

bool
mirror_entry(struct mirror *m, const struct mirror_entry *en, struct err *e)
{
	struct row r;

	assert(m->reading);
	arena_reset(m->scratch);
	if (!check_entry(en, e) || !read_subject(m, en->id, en->dn, &r, e))
		return false;
	m->stats.read++;
	return en->full ? entry_full(m, en, &r, e) : entry_part(m, en, &r, e);
}

/* --- values, rename, gone, bad --- */

/* As a server would: the value as it is, else without case. */
static void
value_remove(struct attrs *as, const char *attribute, struct str value)
{
	const struct attr *a = attrs_get(as, attribute);
	struct str *left = a ? arena_alloc(as->arena, a->count * sizeof(*left)) : NULL;
	bool exact = attr_has(a, value);
	size_t count = 0;

	if (!a)
		return;
	for (size_t i = 0; i < a->count; i++)
		if (!(exact ? str_eq(a->values[i], value) : str_ieq(a->values[i], value)))
			left[count++] = a->values[i];
	if (count)
		attrs_set(as, attribute, left, count);
	else
		attrs_remove(as, attribute);
}

bool
mirror_values(struct mirror *m, const char *id, const char *dn, const char *attribute,
	const struct attr *add, const struct attr *remove, struct err *e)
{
	struct row r;
	struct attrs as;

	assert(m->reading);
	arena_reset(m->scratch);
	if (!read_subject(m, id, dn, &r, e))
		return false;
	if (!row_present(&r))
		return read_missing(m, id, dn, e);
	int64_t rev = r.rev;

	if (!attrs_unpack(r.attrs, m->scratch, &as, e))
		return false;
	for (size_t i = 0; remove && i < remove->count; i++)
		value_remove(&as, attribute, remove->values[i]);
	for (size_t i = 0; add && i < add->count; i++)
		attrs_add(&as, attribute, add->values[i]);
	row_pack(m, &as);
	if (!attrs_change(m, &r, &as, false, e) || !row_seen(m, &r, e))
		return false;
	if (r.rev != rev)
		note_changed(m, rev);
	return true;
}

bool
mirror_rename(struct mirror *m, const char *id, const char *dn, const char *new_dn, struct err *e)
{
	struct row r;
	struct spot s;

	assert(m->reading);
	arena_reset(m->scratch);
	if (!read_subject(m, id, dn, &r, e))
		return false;
	if (!row_present(&r))
		return read_missing(m, id, dn, e);
	int64_t rev = r.rev;

	if (!new_dn || *new_dn == '\0')
		return err_set(
			e, ERR_OBJECT, "bad-dn", "%.300s: is renamed to nothing", id ? id : dn);
	if (!spot_find(m, &r, new_dn, NULL, &s, e) || !spot_take(m, &r, &s, e) ||
		!row_seen(m, &r, e))
		return false;
	if (r.rev != rev)
		note_changed(m, rev);
	return true;
}

bool
row_leave(struct mirror *m, struct row *r, bool state, struct err *e)
{
	if (!row_present(r))
		return true;
	if (!place_note(m, r, e))
		return false;
	r->presence = PRESENCE_GONE;
	m->entries--;
	m->last_n = 0;
	m->stats.gone++;
	m->stats.any = true;
	memo_clear(m);
	return db_run(m->db, e, "UPDATE entry SET presence = 3, rev = ?, moved_rev = ? WHERE n = ?",
		       m->rev, r->moved_rev, r->n) &&
	       db_run(m->db, e, "DELETE FROM absent WHERE n = ?", r->n) &&
	       db_run(m->db, e, "DELETE FROM bad WHERE n = ?", r->n) &&
	       links_leave(m, r->n, state, e);
}

bool
mirror_gone(struct mirror *m, const char *id, const char *dn, struct err *e)
{
	unsigned char room[16];
	struct row r;

	assert(m->reading);
	arena_reset(m->scratch);
	if (!read_subject(m, id, dn, &r, e))
		return false;
	if (id && m->any_missing &&
		!db_run(m->db, e, "DELETE FROM missing WHERE id = ?", id_value(id, room)))
		return false;
	/* tombstones of what we never had are usual */
	if (!row_present(&r))
		return true;
	bits_clear(&m->seen, r.n);
	bits_clear(&m->whole, r.n);
	return row_leave(m, &r, m->full || id, e);
}
