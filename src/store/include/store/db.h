/*
 * SQLite made short and safe for this folder. One connection per file, one writer at a time (the
 * state's lock is the caller's), SQL as string literals with `?` parameters:
 *
 *   if (!db_run(d, e, "UPDATE entry SET rev = ? WHERE n = ?", rev, n)) return false;
 *
 *   CLEAN_ROWS struct db_rows r = db_query(d, e, "SELECT n, rdn FROM entry WHERE parent = ?", p);
 *   while (db_next(&r))
 *           use(db_int(&r, 0), db_text(&r, 1));
 *   return !r.failed;
 *
 * Arguments are bound by their C type: integers, bool and enums as INTEGER, `const char *` as TEXT
 * (a NULL pointer as NULL), `struct str` as BLOB (p == NULL as NULL), a `struct db_val` as what it says.
 * Anything else does not compile.
 *
 * Statements are prepared once and kept, found by the literal's address; queries may nest and recurse.
 * Errors are ERR_SIDE and name the file; codes: "disk-full", "state-busy", "state-damaged",
 * "state-access", "state-version", "state". Where a caller has no `e` to give (NULL), the first
 * error is kept and the next db_begin, db_commit or db_ok reports it: it is never lost.
 */
#pragma once
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/env.h"

struct db;

/*
 * A kind of file. `sql` makes a new one of `version` (>= 1). steps[v] brings version v to v + 1
 * (steps[0] is unused; NULL array while version is 1). What is there already is first copied to
 * PATH.v<old>.bak. A newer file is refused.
 */
struct db_kind {
	const char *name; /* "mirror", "ledger": given to env->committed, and for people */
	int32_t id;       /* application_id: one kind is never opened as another */
	int version;
	const char *sql;
	const char *const *steps;
	int cache_mb; /* page cache; 0 = 8 */
};

/* For `path`: a database in memory, gone when it is closed. */
#define DB_IN_MEMORY ":memory:"
/* A missing file is made (mode 0600), or, read only, is an error of code "no-state". */
bool db_open(const struct db_kind *kind, const char *path, const struct store_env *env,
	bool read_only, struct db **d_r, struct err *e);
void db_close(struct db **d); /* rolls back what is open; *d may be NULL */
const char *db_path(const struct db *d);

/* One transaction at a time. db_commit makes it durable, then calls env->committed; on failure it is rolled back. */
bool db_begin(struct db *d, struct err *e);
bool db_commit(struct db *d, struct err *e);
void db_rollback(struct db *d); /* nothing open: does nothing */
bool db_in_transaction(const struct db *d);
bool db_ok(struct db *d, struct err *e); /* false: an error was kept (and is forgotten by this) */

/* Values. */
struct db_val {
	enum { DB_NULL, DB_INT, DB_TEXT, DB_BLOB } type;
	int64_t i;
	struct str s;
};
struct db_val db_val_int(int64_t i);
struct db_val db_val_text(const char *s);
struct db_val db_val_str(struct str s);
struct db_val db_val_same(struct db_val v);

/* Runs a statement that gives no rows. */
#define db_run(d, e, ...) db_run_v(d, e, DB_SQL(__VA_ARGS__), DB_VALS(__VA_ARGS__))
/* First column of the first row into *v_r; no row or NULL leaves it as it was. */
#define db_value(d, e, v_r, ...) db_value_v(d, e, v_r, DB_SQL(__VA_ARGS__), DB_VALS(__VA_ARGS__))
/* The same, or 0; a failure is 0, too: where it only shows, or where the next statement fails as well. */
#define db_number(d, ...) db_number_v(d, DB_SQL(__VA_ARGS__), DB_VALS(__VA_ARGS__))
/* Rows, see above. r.failed after the loop tells an error from the end. Texts live until the next db_next. */
#define db_query(d, e, ...) db_query_v(d, e, DB_SQL(__VA_ARGS__), DB_VALS(__VA_ARGS__))

struct sqlite3_stmt;
struct db_rows {
	struct db *db;
	struct sqlite3_stmt *st;
	const char *sql;
	struct err *e;
	bool failed;
};
bool db_next(struct db_rows *r);
void db_rows_end(struct db_rows *r); /* gives the statement back; also done by db_next at the end */
#define CLEAN_ROWS __attribute__((cleanup(db_rows_end)))

int64_t db_int(const struct db_rows *r, int col);      /* NULL gives 0 */
const char *db_text(const struct db_rows *r, int col); /* NULL stays NULL */
char *db_text_dup(const struct db_rows *r, int col, struct arena *a);
struct str db_str(const struct db_rows *r, int col); /* blob or text; NULL gives p == NULL */
bool db_null(const struct db_rows *r, int col);
bool db_blob(const struct db_rows *r, int col); /* a blob, not text; ask before db_str */

int64_t db_last_id(const struct db *d); /* rowid of the last insertion */
int64_t db_changes(const struct db *d); /* rows touched by the last db_run */

/* Several statements at once, without values (schemas). */
bool db_exec(struct db *d, const char *sql, struct err *e);
/* A consistent copy of the file as of now, mode 0600, put in place by rename; readers and a writer may go on. */
bool db_backup(struct db *d, const char *to, struct err *e);
/* SQLite's own integrity check, the whole file. Each finding goes to `say`; *findings_r counts them. */
bool db_integrity(struct db *d, void (*say)(void *ctx, const char *text), void *ctx,
	int64_t *findings_r, struct err *e);

/* --- the machinery behind the macros --- */
bool db_run_v(
	struct db *d, struct err *e, const char *sql, const struct db_val *vals, size_t count);
bool db_value_v(struct db *d, struct err *e, int64_t *v_r, const char *sql,
	const struct db_val *vals, size_t count);
int64_t db_number_v(struct db *d, const char *sql, const struct db_val *vals, size_t count);
struct db_rows db_query_v(
	struct db *d, struct err *e, const char *sql, const struct db_val *vals, size_t count);

#define DB_VAL(x)                                                                                  \
	_Generic((x), char *: db_val_text, const char *: db_val_text, struct str: db_val_str, struct db_val: db_val_same, \
		default: db_val_int)(x)
#define DB_SQL(sql, ...) "" sql
/* An array literal of the arguments after the first (its own first element only keeps it from being empty). */
#define DB_VALS(sql, ...)                                                                          \
	(const struct db_val[]){ { 0 } __VA_OPT__(DB_EXPAND(DB_EACH(__VA_ARGS__))) },              \
		sizeof((const struct db_val[]){                                                    \
			{ 0 } __VA_OPT__(DB_EXPAND(DB_EACH(__VA_ARGS__))) }) /                     \
				sizeof(struct db_val) -                                            \
			1
#define DB_EACH(x, ...) , DB_VAL(x) __VA_OPT__(DB_AGAIN DB_PAREN(__VA_ARGS__))
#define DB_AGAIN()      DB_EACH
#define DB_PAREN        ()
#define DB_EXPAND(...)  DB_EXPAND3(DB_EXPAND3(DB_EXPAND3(__VA_ARGS__)))
#define DB_EXPAND3(...) DB_EXPAND2(DB_EXPAND2(DB_EXPAND2(__VA_ARGS__)))
#define DB_EXPAND2(...) DB_EXPAND1(DB_EXPAND1(DB_EXPAND1(__VA_ARGS__)))
#define DB_EXPAND1(...) __VA_ARGS__
