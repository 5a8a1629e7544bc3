#include <assert.h>
#include <string.h>
#include "base/mem.h"
#include "mirror_p.h"
#include "model/kind.h"

/*
 * entry.id, see id_value. A row whose place is not known has rdn_key NULL and parent 0; a stub known by
 * id shows the DN that came with the reference as its rdn. link: `owner` holds the attribute; k makes a
 * link a bit (struct bits). Only rows that are no stubs are in entry_rev: stubs are nobody's change.
 */
static const char schema[] =
	"CREATE TABLE head(one INTEGER PRIMARY KEY CHECK(one = 1), rev INTEGER NOT NULL,"
	" cursor TEXT, context TEXT, server TEXT, invocation TEXT, bind TEXT, request TEXT,"
	" delta_safe INTEGER, read_at INTEGER NOT NULL, full_at INTEGER NOT NULL,"
	" entries INTEGER NOT NULL, absent INTEGER NOT NULL,"
	" incarnation TEXT NOT NULL);" /* of this file: n mean nothing in another */
	"INSERT INTO head(one, rev, read_at, full_at, entries, absent, incarnation)"
	" VALUES (1, 0, 0, 0, 0, 0, lower(hex(randomblob(16))));"
	"CREATE TABLE name(a INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE);"
	"INSERT INTO name(a, name) VALUES (1, 'member'), (2, 'primaryGroup');"
	"CREATE TABLE entry(n INTEGER PRIMARY KEY, id, parent INTEGER NOT NULL, rdn TEXT,"
	" rdn_key TEXT, sid TEXT, presence INTEGER NOT NULL, rev INTEGER NOT NULL,"
	" moved_rev INTEGER NOT NULL, attrs BLOB);"
	"CREATE UNIQUE INDEX entry_id ON entry(id) WHERE id IS NOT NULL;"
	"CREATE INDEX entry_place ON entry(parent, rdn_key);"
	"CREATE INDEX entry_stub ON entry(parent, rdn_key) WHERE presence = 0 AND id IS NULL;"
	"CREATE INDEX entry_sid ON entry(sid) WHERE sid IS NOT NULL;"
	"CREATE INDEX entry_rev ON entry(rev) WHERE presence <> 0;"
	"CREATE INDEX entry_moved ON entry(moved_rev) WHERE moved_rev > 0;"
	"CREATE TABLE link(k INTEGER PRIMARY KEY, owner INTEGER NOT NULL, attr INTEGER NOT NULL,"
	" other INTEGER NOT NULL, present INTEGER NOT NULL, rev INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX link_out ON link(owner, attr, other);"
	"CREATE INDEX link_in ON link(other, attr, owner);"
	"CREATE INDEX link_rev ON link(rev);"
	"CREATE TABLE absent(n INTEGER PRIMARY KEY, since INTEGER NOT NULL, invocation TEXT,"
	" bind TEXT);"
	"CREATE TABLE bad(n INTEGER NOT NULL, attribute TEXT NOT NULL COLLATE NOCASE,"
	" why TEXT NOT NULL, now INTEGER NOT NULL, PRIMARY KEY(n, attribute)) WITHOUT ROWID;"
	/* of an open read only: empty when it is committed */
	"CREATE TABLE missing(id PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE staged_place(n INTEGER PRIMARY KEY, depth INTEGER NOT NULL,"
	" dn TEXT NOT NULL);"
	"CREATE TABLE staged_link(k INTEGER PRIMARY KEY, subject INTEGER NOT NULL,"
	" attr INTEGER NOT NULL, dn TEXT NOT NULL);"
	"CREATE INDEX staged_link_of ON staged_link(subject, attr);"
	"CREATE TABLE before(n INTEGER PRIMARY KEY, attrs BLOB);";

static const struct db_kind mirror_kind = {
	.name = "mirror",
	.id = 0x4c4b4d52 /* "LKMR" */,
	.version = 1,
	.sql = schema,
	.cache_mb = 12,
};

/* --- bits --- */

void
bits_set(struct bits *b, int64_t n)
{
	size_t w = (size_t)n / 64;
	uint64_t bit = UINT64_C(1) << (n % 64);

	assert(n >= 0);
	if (w >= b->words) {
		size_t words = w + w / 2 + 64;

		b->word = xrealloc(b->word, words * sizeof(*b->word));
		memset(b->word + b->words, 0, (words - b->words) * sizeof(*b->word));
		b->words = words;
	}
	b->count += !(b->word[w] & bit);
	b->word[w] |= bit;
}

void
bits_clear(struct bits *b, int64_t n)
{
	if (!bits_has(b, n))
		return;
	b->word[n / 64] &= ~(UINT64_C(1) << (n % 64));
	b->count--;
}

bool
bits_has(const struct bits *b, int64_t n)
{
	size_t w = (size_t)n / 64;

	return n >= 0 && w < b->words && (b->word[w] >> (n % 64) & 1);
}

void
bits_reset(struct bits *b)
{
	mem_clean_free(&b->word);
	*b = (struct bits){ 0 };
}

int64_t
bits_next(const struct bits *b, int64_t n)
{
	if (!b->count)
		return -1;
	for (size_t w = (size_t)n / 64; w < b->words; w++) {
		uint64_t left = b->word[w];

		if (w == (size_t)n / 64)
			left &= ~UINT64_C(0) << (n % 64);
		if (left)
			return (int64_t)w * 64 + __builtin_ctzll(left);
	}
	return -1;
}

/* --- names of link attributes --- */

static void
names_free(struct mirror *m)
{
	for (size_t i = 0; i < m->name_count; i++)
		mem_clean_free(&m->names[i]);
	mem_clean_free(&m->names);
	m->names = NULL;
	m->name_count = 0;
}

static void
name_add(struct mirror *m, const char *name)
{
	m->names = xrealloc(m->names, (m->name_count + 1) * sizeof(*m->names));
	m->names[m->name_count++] = xstrdup(name);
}

static bool
names_load(struct mirror *m, struct err *e)
{
	CLEAN_ROWS struct db_rows r = db_query(m->db, e, "SELECT a, name FROM name ORDER BY a");

	names_free(m);
	while (db_next(&r)) {
		if (db_int(&r, 0) != (int64_t)m->name_count + 1)
			return err_set(e, ERR_SIDE, "state-damaged",
				"%s: names of link attributes have gaps; rebuild it",
				db_path(m->db));
		name_add(m, db_text(&r, 1));
	}
	return !r.failed;
}

int
name_find(const struct mirror *m, const char *name)
{
	for (size_t i = 0; i < m->name_count; i++)
		if (ascii_ieq(m->names[i], name))
			return (int)i + 1;
	return 0;
}

/* What kinds refer to is spelled as they spell it, so that it can be compared as it is. */
static const char *
name_spelling(const char *name)
{
	for (size_t k = 0; k < KIND_COUNT; k++)
		for (const struct kind_ref *ref = kinds[k].refs; ref->attribute; ref++)
			if (ascii_ieq(ref->link, name))
				return ref->link;
	return name;
}

bool
name_intern(struct mirror *m, const char *name, int *a_r, struct err *e)
{
	*a_r = name_find(m, name);
	if (*a_r)
		return true;
	if (m->name_count >= LINK_NAMES_MAX || strlen(name) > ID_MAX)
		return err_set(e, ERR_SIDE, "bad-message",
			"more than %d link attributes, or one with a name too long",
			LINK_NAMES_MAX);
	name = name_spelling(name);
	if (!db_run(m->db, e, "INSERT INTO name(a, name) VALUES (?, ?)", m->name_count + 1, name))
		return false;
	name_add(m, name);
	*a_r = (int)m->name_count;
	return true;
}

/* --- opening --- */

static bool
same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The texts of mirror_info stay where they are as long as they say the same. */
static bool
info_load(struct mirror *m, struct err *e)
{
	const char **texts[] = { &m->info.cursor, &m->info.context, &m->info.server,
		&m->info.invocation, &m->info.bind, &m->info.request, &m->info.incarnation };
	CLEAN_ROWS struct db_rows r = db_query(m->db, e,
		"SELECT cursor, context, server, invocation, bind, request, incarnation,"
		" rev, read_at, full_at, entries, absent, delta_safe FROM head");
	bool changed = false;

	if (!db_next(&r))
		return r.failed ? false
				: err_set(e, ERR_SIDE, "state-damaged",
					  "%s: has no head; rebuild it", db_path(m->db));
	for (int i = 0; i < (int)ARRAY_LEN(texts); i++)
		changed = changed || !same(*texts[i], db_text(&r, i));
	if (changed)
		arena_reset(m->info_arena);
	for (int i = 0; changed && i < (int)ARRAY_LEN(texts); i++)
		*texts[i] = db_null(&r, i) ? NULL : arena_strdup(m->info_arena, db_text(&r, i));
	if (m->info.rev != db_int(&r, 7))
		memset(m->groups, 0, sizeof(m->groups));
	m->info.rev = db_int(&r, 7);
	m->info.read_at = db_int(&r, 8);
	m->info.full_at = db_int(&r, 9);
	m->info.entries = db_int(&r, 10);
	m->info.absent = db_int(&r, 11);
	m->info.delta_safe = db_int(&r, 12) != 0;
	return true;
}

bool
mirror_open(const char *path, const struct store_env *env, bool read_only, struct mirror **m_r,
	struct err *e)
{
	struct mirror *m = xcalloc(1, sizeof(*m));

	*m_r = NULL;
	m->info_arena = arena_new();
	m->read_arena = arena_new();
	m->scratch = arena_new();
	if (!db_open(&mirror_kind, path, env, read_only, &m->db, e) || !link_functions(m, e) ||
		!names_load(m, e) || !info_load(m, e)) {
		mirror_close(&m);
		return false;
	}
	*m_r = m;
	return true;
}

static void
read_reset(struct mirror *m)
{
	m->reading = m->full = m->fresh = m->settling = false;
	m->staged_places = m->staged_links = m->any_before = m->any_missing = false;
	m->bad_known = m->bad_now = false;
	m->sid_stubs = m->sid_stubs_asked = false;
	m->origin = (struct mirror_origin){ 0 };
	m->stats = (struct mirror_stats){ 0 };
	bits_reset(&m->seen);
	bits_reset(&m->placed);
	bits_reset(&m->whole);
	bits_reset(&m->linked);
	bits_reset(&m->asserted);
	m->set_count = 0;
	arena_reset(m->read_arena);
	memo_clear(m);
	memset(m->groups, 0, sizeof(m->groups));
}

void
mirror_close(struct mirror **mp)
{
	struct mirror *m = *mp;

	*mp = NULL;
	if (!m)
		return;
	read_reset(m);
	db_close(&m->db);
	names_free(m);
	for (size_t i = 0; i < MEMO_SLOTS; i++)
		buf_free(&m->memo[i].text);
	mem_clean_free(&m->sets);
	buf_free(&m->pack);
	buf_free(&m->old);
	buf_free(&m->last_id);
	arena_free(m->info_arena);
	arena_free(m->read_arena);
	arena_free(m->scratch);
	mem_clean_free(&m);
}

bool
mirror_info(struct mirror *m, struct mirror_info *i_r, struct err *e)
{
	/* another process may have committed: one row, read again */
	if (!m->reading && !info_load(m, e))
		return false;
	*i_r = m->info;
	return true;
}

bool
mirror_ok(struct mirror *m, struct err *e)
{
	return db_ok(m->db, e);
}

/* --- a read --- */

static const char *
keep(struct mirror *m, const char *s)
{
	return s ? arena_strdup(m->read_arena, s) : NULL;
}

static bool
may_begin(struct mirror *m, bool full, const struct mirror_origin *o, struct err *e)
{
	const struct mirror_info *i = &m->info;

	if (i->read_at && i->context && !same(i->context, o->context))
		return err_set(e, ERR_CONFIG, "other-directory",
			"%s holds the directory %s, the source now answers for %s; correct the "
			"source, or give it another name",
			db_path(m->db), i->context, o->context ? o->context : "(none)");
	if (!full && !i->cursor)
		return err_set(e, ERR_SIDE, "full-needed",
			"%s: a delta needs a full read before it", db_path(m->db));
	if (!full && !same(i->request, o->request))
		return err_set(e, ERR_SIDE, "full-needed",
			"%s: other classes or attributes are asked for than in the last read: a "
			"full read is due",
			db_path(m->db));
	return true;
}

bool
mirror_begin(struct mirror *m, bool full, const struct mirror_origin *o, struct err *e)
{
	int64_t rows = 0, bad = 0;

	assert(!m->reading);
	if (!db_begin(m->db, e))
		return false;
	/* inside the transaction, so that what is decided here holds until commit */
	if (!info_load(m, e) || !may_begin(m, full, o, e) || !names_load(m, e) ||
		!db_value(m->db, e, &rows, "SELECT EXISTS(SELECT 1 FROM entry)") ||
		!db_value(m->db, e, &bad, "SELECT EXISTS(SELECT 1 FROM bad)")) {
		db_rollback(m->db);
		return false;
	}
	read_reset(m);
	m->reading = true;
	m->full = full;
	m->fresh = rows == 0;
	m->bad_known = bad;
	m->rev = m->info.rev + 1;
	m->entries = m->info.entries;
	m->origin = *o;
	m->origin.context = keep(m, o->context);
	m->origin.server = keep(m, o->server);
	m->origin.invocation = keep(m, o->invocation);
	m->origin.bind = keep(m, o->bind);
	m->origin.request = keep(m, o->request);
	return true;
}

static bool
head_write(struct mirror *m, const char *cursor, struct err *e)
{
	const struct mirror_origin *o = &m->origin;

	return db_run(m->db, e,
		"UPDATE head SET rev = ?, cursor = ?, context = ?, server = ?, invocation = ?, "
		"bind = ?, request = ?,"
		" delta_safe = ?, read_at = ?, full_at = ?, entries = ?, absent = ?",
		m->stats.any ? m->rev : m->info.rev, cursor, o->context, o->server, o->invocation,
		o->bind, o->request, o->delta_safe, o->now, m->full ? o->now : m->info.full_at,
		m->entries, m->stats.absent);
}

static bool
settle(struct mirror *m, int64_t missing_after, struct err *e)
{
	if (m->set_count)
		return err_set(
			e, ERR_SIDE, "bad-read", "the source ended its read inside a set of links");
	return (m->full ? settle_full(m, missing_after, e) : settle_delta(m, e)) &&
	       settle_clean(m, e) &&
	       db_value(m->db, e, &m->stats.absent, "SELECT count(*) FROM absent");
}

bool
mirror_commit(struct mirror *m, const char *cursor, int64_t missing_after, struct mirror_stats *s_r,
	struct err *e)
{
	assert(m->reading);
	if (!settle(m, missing_after, e) || !head_write(m, cursor, e) || !db_commit(m->db, e)) {
		mirror_abort(m);
		return false;
	}
	if (s_r)
		*s_r = m->stats;
	read_reset(m);
	return info_load(m, e);
}

void
mirror_abort(struct mirror *m)
{
	if (!m->reading)
		return;
	db_rollback(m->db);
	read_reset(m);
	names_load(m, NULL); /* a failure is kept and stops the next read */
}
