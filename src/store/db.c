#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include "base/mem.h"
#include "db_p.h"

/*
 * What an SQLite result means to the administrator. Order matters only in that the extended code
 * is tried before the primary one.
 */
static const struct cause {
	int rc;
	const char *code, *remedy;
} causes[] = {
	{ SQLITE_FULL, "disk-full", "make room on that file system" },
	{ SQLITE_BUSY, "state-busy",
		"another program holds this file; try again when it has ended" },
	{ SQLITE_LOCKED, "state-busy",
		"another program holds this file; try again when it has ended" },
	{ SQLITE_CORRUPT, "state-damaged", "restore a backup, or rebuild it: lockstep state" },
	{ SQLITE_NOTADB, "state-damaged",
		"this is not a state file; restore a backup, or rebuild it" },
	{ SQLITE_READONLY, "state-access",
		"the file or its folder is not writable for this user, or its disk has become read "
		"only: see the kernel's log, mend it, mount it anew" },
	{ SQLITE_PERM, "state-access", "check owner and mode of the file and its folder" },
	{ SQLITE_CANTOPEN, "state-access",
		"check that the file and its folder exist and belong to this user" },
	{ SQLITE_IOERR, "state", "the disk reported an error: see the kernel's log" },
};

bool
db_fail(struct db *d, int rc, const char *doing, struct err *e)
{
	const struct cause *c = NULL;
	bool keep = !e;
	const char *why = d->sq ? sqlite3_errmsg(d->sq) : sqlite3_errstr(rc);
	int os = d->sq ? sqlite3_system_errno(d->sq) : 0;

	for (size_t i = 0; i < ARRAY_LEN(causes) && !c; i++)
		if (causes[i].rc == (rc & 0xff))
			c = &causes[i];
	if ((rc & 0xff) == SQLITE_IOERR && (os == ENOSPC || os == EDQUOT))
		c = &causes[0];
	if (keep)
		e = &d->kept;
	if (keep && d->kept.kind != ERR_NONE)
		return false;
	return err_set(e, ERR_SIDE, c ? c->code : "state", "%s: %s: %s (SQLite %d)%s%s", d->path,
		doing, why, rc, c ? "; " : "", c ? c->remedy : "");
}

bool
db_ok(struct db *d, struct err *e)
{
	if (d->kept.kind == ERR_NONE)
		return true;
	if (e)
		*e = d->kept;
	err_clear(&d->kept);
	return false;
}

const char *
db_path(const struct db *d)
{
	return d->path;
}

/* --- values --- */

struct db_val
db_val_int(int64_t i)
{
	return (struct db_val){ .type = DB_INT, .i = i };
}

struct db_val
db_val_text(const char *s)
{
	return (struct db_val){ .type = s ? DB_TEXT : DB_NULL, .s = str_c(s) };
}

struct db_val
db_val_str(struct str s)
{
	return (struct db_val){ .type = s.p ? DB_BLOB : DB_NULL, .s = s };
}

struct db_val
db_val_same(struct db_val v)
{
	return v;
}

static bool
bind_all(struct db *d, sqlite3_stmt *st, const struct db_val *vals, size_t count,
	void (*life)(void *), struct err *e)
{
	assert((int)count == sqlite3_bind_parameter_count(st));
	for (size_t i = 0; i < count; i++) {
		const struct db_val *v = &vals[i + 1];
		int rc = SQLITE_OK, at = (int)i + 1;

		switch (v->type) {
		case DB_NULL:
			rc = sqlite3_bind_null(st, at);
			break;
		case DB_INT:
			rc = sqlite3_bind_int64(st, at, v->i);
			break;
		case DB_TEXT:
			rc = sqlite3_bind_text64(st, at, v->s.p, v->s.n, life, SQLITE_UTF8);
			break;
		case DB_BLOB:
			rc = sqlite3_bind_blob64(st, at, v->s.p, v->s.n, life);
			break;
		}
		if (rc != SQLITE_OK)
			return db_fail(d, rc, "binding a value", e);
	}
	return true;
}

/* --- the statement cache: open addressing by the literal's address --- */

static size_t
slot_of(const struct db *d, const char *sql)
{
	return (size_t)(((uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (d->cap - 1);
}

static void
cache_grow(struct db *d)
{
	struct db_cached *old = d->cache;
	size_t cap = d->cap;

	d->cap = cap ? cap * 2 : 128;
	d->cache = xcalloc(d->cap, sizeof(*d->cache));
	for (size_t i = 0; i < cap; i++) {
		if (!old[i].st)
			continue;
		size_t at = slot_of(d, old[i].sql);

		while (d->cache[at].st)
			at = (at + 1) & (d->cap - 1);
		d->cache[at] = old[i];
	}
	mem_clean_free(&old);
}

/* A statement that is not in use now: a nested query of the same text gets one of its own. */
static sqlite3_stmt *
cache_take(struct db *d, const char *sql, struct err *e)
{
	if ((d->used + 1) * 4 > d->cap * 3)
		cache_grow(d);
	size_t at = slot_of(d, sql);

	for (; d->cache[at].st; at = (at + 1) & (d->cap - 1)) {
		struct db_cached *c = &d->cache[at];

		if (c->sql == sql && !c->taken) {
			assert(strcmp(sqlite3_sql(c->st), sql) == 0);
			c->taken = true;
			return c->st;
		}
	}
	int rc = sqlite3_prepare_v3(
		d->sq, sql, -1, SQLITE_PREPARE_PERSISTENT, &d->cache[at].st, NULL);

	if (rc != SQLITE_OK) {
		db_fail(d, rc, sql, e);
		return NULL;
	}
	d->cache[at].sql = sql;
	d->cache[at].taken = true;
	d->used++;
	return d->cache[at].st;
}

static void
cache_give(struct db *d, sqlite3_stmt *st, const char *sql)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	for (size_t at = slot_of(d, sql); d->cache[at].st; at = (at + 1) & (d->cap - 1))
		if (d->cache[at].st == st) {
			d->cache[at].taken = false;
			return;
		}
	assert(!"statement of this file");
}

/* --- running --- */

bool
db_run_v(struct db *d, struct err *e, const char *sql, const struct db_val *vals, size_t count)
{
	/* a row is what RETURNING or a pragma would give: nobody asked for it */
	return db_value_v(d, e, NULL, sql, vals, count);
}

bool
db_value_v(struct db *d, struct err *e, int64_t *v_r, const char *sql, const struct db_val *vals,
	size_t count)
{
	sqlite3_stmt *st = cache_take(d, sql, e);

	if (!st)
		return false;
	bool ok = bind_all(d, st, vals, count, SQLITE_STATIC, e);

	if (ok) {
		int rc = sqlite3_step(st);

		if (v_r && rc == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
			*v_r = sqlite3_column_int64(st, 0);
		ok = rc == SQLITE_DONE || rc == SQLITE_ROW || db_fail(d, rc, sql, e);
	}
	cache_give(d, st, sql);
	return ok;
}

int64_t
db_number_v(struct db *d, const char *sql, const struct db_val *vals, size_t count)
{
	int64_t v = 0;

	db_value_v(d, NULL, &v, sql, vals, count);
	return v;
}

struct db_rows
db_query_v(struct db *d, struct err *e, const char *sql, const struct db_val *vals, size_t count)
{
	struct db_rows r = { .db = d, .e = e };

	r.st = cache_take(d, sql, e);
	/* copies: what the caller bound may be gone or overwritten when the loop goes on */
	if (!r.st || !bind_all(d, r.st, vals, count, SQLITE_TRANSIENT, e)) {
		r.failed = true;
		db_rows_end(&r);
	} else {
		r.sql = sql;
	}
	return r;
}

bool
db_next(struct db_rows *r)
{
	if (!r->st)
		return false;
	int rc = sqlite3_step(r->st);

	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		r->failed = !db_fail(r->db, rc, r->sql, r->e);
	db_rows_end(r);
	return false;
}

void
db_rows_end(struct db_rows *r)
{
	if (r->st)
		cache_give(r->db, r->st, r->sql);
	r->st = NULL;
}

int64_t
db_int(const struct db_rows *r, int col)
{
	return sqlite3_column_int64(r->st, col);
}

const char *
db_text(const struct db_rows *r, int col)
{
	return (const char *)sqlite3_column_text(r->st, col);
}

char *
db_text_dup(const struct db_rows *r, int col, struct arena *a)
{
	const char *s = db_text(r, col);

	return s ? arena_strdup(a, s) : NULL;
}

struct str
db_str(const struct db_rows *r, int col)
{
	if (db_null(r, col))
		return (struct str){ 0 };
	const char *p = sqlite3_column_blob(r->st, col);

	/* SQLite shows an empty blob as NULL */
	return (struct str){ p ? p : "", (size_t)sqlite3_column_bytes(r->st, col) };
}

bool
db_null(const struct db_rows *r, int col)
{
	return sqlite3_column_type(r->st, col) == SQLITE_NULL;
}

bool
db_blob(const struct db_rows *r, int col)
{
	return sqlite3_column_type(r->st, col) == SQLITE_BLOB;
}

int64_t
db_last_id(const struct db *d)
{
	return sqlite3_last_insert_rowid(d->sq);
}

int64_t
db_changes(const struct db *d)
{
	return sqlite3_changes64(d->sq);
}

bool
db_exec(struct db *d, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(d->sq, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK || db_fail(d, rc, "running a script", e);
}

/* --- transactions --- */

bool
db_in_transaction(const struct db *d)
{
	return !sqlite3_get_autocommit(d->sq);
}

bool
db_begin(struct db *d, struct err *e)
{
	assert(!db_in_transaction(d));
	return db_ok(d, e) && db_run(d, e, "BEGIN IMMEDIATE");
}

bool
db_commit(struct db *d, struct err *e)
{
	assert(db_in_transaction(d));
	if (!db_ok(d, e) || !db_run(d, e, "COMMIT")) {
		db_rollback(d);
		return false;
	}
	if (d->env.committed)
		d->env.committed(d->env.ctx, d->kind->name);
	return true;
}

void
db_rollback(struct db *d)
{
	/* SQLite itself rolls back after some errors (a full disk, for one) */
	if (db_in_transaction(d))
		db_run(d, NULL, "ROLLBACK");
}
