/* db.h: values, statements, transactions, versions, copies, errors (SEMANTICS 2.1, 2.5). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "store/db.h"
#include "folder.h"

static const struct db_kind kind1 = {
	.name = "test",
	.id = 0x4c535431,
	.version = 1,
	.sql = "CREATE TABLE t(k INTEGER PRIMARY KEY, s TEXT, b BLOB)",
};
static const char *const steps[] = { NULL,
	"ALTER TABLE t ADD COLUMN more TEXT; UPDATE t SET more = 'new'" };
static const struct db_kind kind2 = {
	.name = "test",
	.id = 0x4c535431,
	.version = 2,
	.sql = "CREATE TABLE t(k INTEGER PRIMARY KEY, s TEXT, b BLOB, more TEXT)",
	.steps = steps,
};
static const char *const bad_steps[] = { NULL, "UPDATE t SET s = 'half'; SELECT nonsense" };
static const struct db_kind kind2_bad = {
	.name = "test",
	.id = 0x4c535431,
	.version = 2,
	.sql = "CREATE TABLE t(k)",
	.steps = bad_steps,
};
static const struct db_kind other = {
	.name = "other", .id = 7, .version = 1, .sql = "CREATE TABLE o(k)"
};

struct box {
	char dir[64], path[96];
	int commits;
};

static void
count_commit(void *ctx, const char *what)
{
	assert_string_equal(what, "test");
	((struct box *)ctx)->commits++;
}

static int
setup(void **state)
{
	struct box *b = xcalloc(1, sizeof(*b));

	folder_make(b->dir);
	snprintf(b->path, sizeof(b->path), "%s/t.db", b->dir);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;

	folder_remove(b->dir);
	free(b);
	return 0;
}

static struct db *
open_it(struct box *b, const struct db_kind *kind)
{
	struct store_env env = { .sync_off = true, .committed = count_commit, .ctx = b };
	struct db *d = NULL;
	struct err e = { 0 };

	if (!db_open(kind, b->path, &env, false, &d, &e))
		fail_msg("%s", e.text);
	return d;
}

static void
test_db_values_of_every_type_come_back(void **state)
{
	struct db *d = open_it(*state, &kind1);
	struct err e = { 0 };
	int small = 7;
	bool yes = true;

	assert_true(db_run(d, &e, "INSERT INTO t(k, s, b) VALUES (?, ?, ?)", small, "text",
		((struct str){ "a\0b", 3 })));
	assert_true(db_run(d, &e, "INSERT INTO t(k, s, b) VALUES (?, ?, ?)", INT64_MAX,
		(const char *)NULL, (struct str){ 0 }));
	assert_true(db_run(d, &e, "INSERT INTO t(k, s, b) VALUES (?, '', ?)", yes, STR("")));
	CLEAN_ROWS struct db_rows r = db_query(d, &e, "SELECT k, s, b FROM t ORDER BY k");

	assert_true(db_next(&r));
	assert_int_equal(db_int(&r, 0), 1);
	assert_string_equal(db_text(&r, 1), "");
	assert_non_null(db_str(&r, 2).p);
	assert_int_equal(db_str(&r, 2).n, 0);
	assert_true(db_next(&r));
	assert_int_equal(db_int(&r, 0), 7);
	assert_string_equal(db_text(&r, 1), "text");
	assert_true(str_eq(db_str(&r, 2), (struct str){ "a\0b", 3 }));
	assert_true(db_next(&r));
	assert_true(db_int(&r, 0) == INT64_MAX);
	assert_null(db_text(&r, 1));
	assert_null(db_str(&r, 2).p);
	assert_true(db_null(&r, 2));
	assert_false(db_next(&r));
	assert_false(r.failed);
	assert_false(db_next(&r));
	db_close(&d);
}

/* The same text in use at every level of a recursion: each level has its own statement. */
static int64_t
count_down(struct db *d, int64_t from)
{
	struct err e = { 0 };
	int64_t rows = 0;
	CLEAN_ROWS struct db_rows r =
		db_query(d, &e, "SELECT k FROM t WHERE k < ? ORDER BY k", from);

	while (db_next(&r))
		rows += 1 + count_down(d, db_int(&r, 0));
	assert_false(r.failed);
	return rows;
}

static void
test_db_queries_nest(void **state)
{
	struct db *d = open_it(*state, &kind1);
	struct err e = { 0 };

	for (int i = 0; i < 5; i++)
		assert_true(db_run(d, &e, "INSERT INTO t(k) VALUES (?)", i));
	assert_int_equal(count_down(d, 5), 31);
	db_close(&d);
}

static void
test_db_value_leaves_alone_what_is_not_there(void **state)
{
	struct db *d = open_it(*state, &kind1);
	struct err e = { 0 };
	int64_t v = 42;

	assert_true(db_value(d, &e, &v, "SELECT k FROM t WHERE k = ?", 1));
	assert_int_equal(v, 42);
	assert_true(db_value(d, &e, &v, "SELECT max(k) FROM t"));
	assert_int_equal(v, 42);
	assert_true(db_value(d, &e, &v, "SELECT 9"));
	assert_int_equal(v, 9);
	db_close(&d);
}

static void
test_db_commit_calls_hook_after_each_and_rollback_forgets(void **state)
{
	struct box *b = *state;
	struct db *d = open_it(b, &kind1);
	struct err e = { 0 };
	int64_t n = 0;

	b->commits = 0;
	assert_true(db_begin(d, &e));
	assert_true(db_run(d, &e, "INSERT INTO t(k) VALUES (1)"));
	assert_int_equal(b->commits, 0);
	assert_true(db_commit(d, &e));
	assert_int_equal(b->commits, 1);
	assert_true(db_begin(d, &e));
	assert_true(db_run(d, &e, "INSERT INTO t(k) VALUES (2)"));
	db_rollback(d);
	db_rollback(d);
	assert_true(db_value(d, &e, &n, "SELECT count(*) FROM t"));
	assert_int_equal(n, 1);
	assert_int_equal(b->commits, 1);
	assert_true(db_begin(d, &e));
	assert_true(db_run(d, &e, "INSERT INTO t(k) VALUES (3)"));
	db_close(&d); /* open transaction: forgotten */
	d = open_it(b, &kind1);
	assert_true(db_value(d, &e, &n, "SELECT count(*) FROM t"));
	assert_int_equal(n, 1);
	db_close(&d);
}

/* An error nobody had a place for makes the next commit fail: nothing half done is made durable. */
static void
test_db_error_without_place_is_kept(void **state)
{
	struct db *d = open_it(*state, &kind1);
	struct err e = { 0 };
	int64_t n = -1;

	assert_true(db_begin(d, &e));
	assert_true(db_run(d, &e, "INSERT INTO t(k) VALUES (1)"));
	assert_false(db_run(d, NULL, "INSERT INTO t(k) VALUES (1)"));
	assert_false(db_commit(d, &e));
	assert_int_equal(e.kind, ERR_SIDE);
	assert_non_null(strstr(e.text, "t.db"));
	assert_true(db_value(d, &e, &n, "SELECT count(*) FROM t"));
	assert_int_equal(n, 0);
	assert_true(db_ok(d, &e));
	db_close(&d);
}

static void
test_db_file_is_for_its_owner_alone(void **state)
{
	struct box *b = *state;
	struct db *d = open_it(b, &kind1);
	struct stat sb;
	CLEAN_FREE char *wal = xasprintf("%s-wal", b->path);

	assert_int_equal(stat(b->path, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_int_equal(stat(wal, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	db_close(&d);
}

static void
test_db_2_5_newer_version_refused(void **state)
{
	struct box *b = *state;
	struct db *d = open_it(b, &kind2);
	struct err e = { 0 };

	db_close(&d);
	assert_false(db_open(&kind1, b->path, NULL, false, &d, &e));
	assert_null(d);
	assert_string_equal(e.code, "state-version");
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_non_null(strstr(e.text, "version 2"));
	assert_non_null(strstr(e.text, b->path));
	assert_false(db_open(&other, b->path, NULL, false, &d, &e));
	assert_string_equal(e.code, "state-version");
}

static void
test_db_2_5_older_version_migrated_after_backup(void **state)
{
	struct box *b = *state;
	struct db *d = open_it(b, &kind1);
	struct err e = { 0 };
	CLEAN_FREE char *bak = xasprintf("%s.v1.bak", b->path);
	int64_t n = 0;

	assert_true(db_run(d, &e, "INSERT INTO t(k, s) VALUES (1, 'old')"));
	db_close(&d);
	assert_false(db_open(&kind2, b->path, NULL, true, &d, &e)); /* reading does not migrate */
	assert_string_equal(e.code, "state-version");
	assert_false(db_open(
		&kind2_bad, b->path, NULL, false, &d, &e)); /* a step that fails changes nothing */
	d = open_it(b, &kind1);
	assert_true(db_value(d, &e, &n, "SELECT count(*) FROM t WHERE s = 'old'"));
	assert_int_equal(n, 1);
	db_close(&d);
	d = open_it(b, &kind2);
	n = 0;
	assert_true(db_value(d, &e, &n, "SELECT count(*) FROM t WHERE s = 'old' AND more = 'new'"));
	assert_int_equal(n, 1);
	db_close(&d);
	assert_int_equal(rename(bak, b->path), 0); /* the backup is a whole file of version 1 */
	d = open_it(b, &kind1);
	n = 0;
	assert_true(db_value(d, &e, &n, "SELECT count(*) FROM t WHERE s = 'old'"));
	assert_int_equal(n, 1);
	db_close(&d);
}

static void
test_db_read_only_never_makes_or_writes(void **state)
{
	struct box *b = *state;
	struct db *d = NULL;
	struct err e = { 0 };

	assert_false(db_open(&kind1, b->path, NULL, true, &d, &e));
	assert_string_equal(e.code, "no-state");
	assert_int_equal(access(b->path, F_OK), -1);
	d = open_it(b, &kind1);
	db_close(&d);
	assert_true(db_open(&kind1, b->path, NULL, true, &d, &e));
	assert_false(db_run(d, &e, "INSERT INTO t(k) VALUES (1)"));
	assert_int_equal(e.kind, ERR_SIDE);
	db_close(&d);
}

static void
test_db_damage_is_named(void **state)
{
	struct box *b = *state;
	struct db *d = NULL;
	struct err e = { 0 };
	FILE *f = fopen(b->path, "w");

	for (int i = 0; i < 3000; i++)
		fputs("this is no database ", f);
	fclose(f);
	assert_false(db_open(&kind1, b->path, NULL, false, &d, &e));
	assert_string_equal(e.code, "state-damaged");
	assert_non_null(strstr(e.text, b->path));
}

static void
test_db_missing_folder_is_named(void **state)
{
	struct db *d = NULL;
	struct err e = { 0 };

	(void)state;
	assert_false(db_open(&kind1, "/nonexistent/x.db", NULL, false, &d, &e));
	assert_string_equal(e.code, "state-access");
	assert_non_null(strstr(e.text, "/nonexistent/x.db"));
	/* to read: none yet; but what cannot be looked at is not taken for nothing */
	assert_false(db_open(&kind1, "/nonexistent/x.db", NULL, true, &d, &e));
	assert_string_equal(e.code, "no-state");
	assert_false(db_open(&kind1, "/dev/null/x.db", NULL, true, &d, &e));
	assert_string_equal(e.code, "state-access");
}

static void
test_db_backup_is_whole_while_writing_goes_on(void **state)
{
	struct box *b = *state;
	struct db *d = open_it(b, &kind1), *copy = NULL;
	struct err e = { 0 };
	CLEAN_FREE char *to = xasprintf("%s/copy.db", b->dir);
	int64_t n = 0, findings = -1;
	struct stat sb;

	for (int i = 0; i < 100; i++)
		assert_true(db_run(d, &e, "INSERT INTO t(k, s) VALUES (?, 'x')", i));
	assert_true(db_backup(d, to, &e));
	assert_true(db_run(d, &e, "DELETE FROM t"));
	assert_int_equal(stat(to, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_true(db_open(&kind1, to, NULL, false, &copy, &e));
	assert_true(db_value(copy, &e, &n, "SELECT count(*) FROM t"));
	assert_int_equal(n, 100);
	assert_true(db_integrity(copy, NULL, NULL, &findings, &e));
	assert_int_equal(findings, 0);
	db_close(&copy);
	db_close(&d);
}

/* A file that may not grow behaves like a full disk. */
static void
test_db_full_disk_has_its_code(void **state)
{
	struct db *d = open_it(*state, &kind1);
	struct err e = { 0 };
	CLEAN_FREE char *big = xmalloc(100001);
	int64_t n = 0;

	memset(big, 'x', 100000);
	big[100000] = '\0';
	assert_true(db_exec(d, "PRAGMA max_page_count=10", &e));
	assert_true(db_begin(d, &e));
	assert_false(db_run(d, &e, "INSERT INTO t(s) VALUES (?)", big));
	assert_string_equal(e.code, "disk-full");
	db_rollback(d);
	assert_true(db_value(d, &e, &n, "SELECT count(*) FROM t"));
	assert_int_equal(n, 0);
	db_close(&d);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_db_values_of_every_type_come_back),
		T(test_db_queries_nest),
		T(test_db_value_leaves_alone_what_is_not_there),
		T(test_db_commit_calls_hook_after_each_and_rollback_forgets),
		T(test_db_error_without_place_is_kept),
		T(test_db_file_is_for_its_owner_alone),
		T(test_db_2_5_newer_version_refused),
		T(test_db_2_5_older_version_migrated_after_backup),
		T(test_db_read_only_never_makes_or_writes),
		T(test_db_damage_is_named),
		T(test_db_missing_folder_is_named),
		T(test_db_backup_is_whole_while_writing_goes_on),
		T(test_db_full_disk_has_its_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
