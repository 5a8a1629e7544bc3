/* store/ledger.h: what is forgotten, what outlives a stop, files of older versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include <sqlite3.h>
#include "store/drift.h"
#include "store/history.h"
#include "ledger_kit.h"

/* A run with `count` changes, ended then. */
static int64_t
past_run(struct kit *k, int64_t ended, int count)
{
	struct run_row row = { .ended = ended, .counts = "{}" };
	struct change c = { .at = ended, .attribute = -1, .class = CLASS_UPDATE };

	struct object ob = {
		.anchor = "past", .kind = &kinds[0], .sync = "s", .source = "c", .n = 99
	};

	c.o = ledger_find(k->l, "past");
	OK(k, ledger_begin(k->l, &k->e));
	OK(k, c.o || ledger_object_add(k->l, &ob, &c.o, &k->e));
	OK(k, ledger_run_start(k->l, "delta", ended, &row.run, &k->e));
	c.run = row.run;
	c.before = c.after = attrs_new(k->a);
	for (int i = 0; i < count; i++)
		OK(k, ledger_change_add(k->l, &c, &k->e));
	OK(k, ledger_run_end(k->l, &row, &k->e));
	OK(k, ledger_commit(k->l, &k->e));
	return row.run;
}

static int64_t
forget(struct kit *k, struct history_limits h)
{
	int64_t runs;

	OK(k, ledger_begin(k->l, &k->e));
	OK(k, ledger_history_keep(k->l, &h, &runs, &k->e));
	OK(k, ledger_commit(k->l, &k->e));
	return runs;
}

static size_t
changes_left(struct kit *k, int64_t run)
{
	struct change cs[64];

	return ledger_changes(k->l, run, 0, 0, k->a, cs, ARRAY_LEN(cs));
}

static void
test_history_is_forgotten_by_age_in_steps(void **state)
{
	struct kit *k = *state;
	const int64_t day = 86400;
	struct history_limits h = { .now = 100 * day, .before = 50 * day, .rows = 8 };
	int64_t a = past_run(k, 10 * day, 10), b = past_run(k, 20 * day, 3);
	int64_t c = past_run(k, 60 * day, 2);

	assert_int_equal(forget(k, h), 1);
	/* Half of it is not shown as a run any more. */
	assert_int_equal(changes_left(k, a), 3);
	assert_int_equal(changes_left(k, b), 3);
	assert_int_equal(forget(k, h), 1);
	assert_int_equal(changes_left(k, a), 0);
	assert_int_equal(forget(k, h), 0);
	assert_int_equal(changes_left(k, b), 0);
	assert_int_equal(changes_left(k, c), 2);
	/* The newest stays, however old; and nothing of the last two days goes. */
	h.before = h.now = 1000 * day;
	assert_int_equal(forget(k, h), 0);
	h.now = 61 * day;
	past_run(k, 61 * day, 0);
	assert_int_equal(forget(k, h), 0);
	assert_int_equal(changes_left(k, c), 2);
}

static void
test_history_is_forgotten_by_size_but_not_what_stands_on_it_9_3(void **state)
{
	struct kit *k = *state;
	const int64_t day = 86400;
	struct history_limits h = { .now = 100 * day, .before = 0, .bytes = 1500, .rows = 1000 };
	int64_t a = past_run(k, 10 * day, 10), b = past_run(k, 20 * day, 10);
	int64_t c = past_run(k, 30 * day, 10), d = past_run(k, 40 * day, 1);
	struct pin pin = { .o = 1, .run = a, .at = 1, .wants = "" };

	OK(k, ledger_pin_set(k->l, &pin, &k->e));
	/* a is pinned; b and c make room: each is about 1,000 bytes */
	assert_int_equal(forget(k, h), 2);
	assert_int_equal(changes_left(k, a), 10);
	assert_int_equal(changes_left(k, b), 0);
	assert_int_equal(changes_left(k, c), 0);
	assert_int_equal(changes_left(k, d), 1);
	assert_int_equal(forget(k, h), 0);
	OK(k, ledger_pin_drop(k->l, 1, &k->e));
	h.bytes = 400;
	assert_int_equal(forget(k, h), 1);
	assert_int_equal(changes_left(k, a), 0);
	h.bytes = 0;
	assert_int_equal(forget(k, h), 0);
}

/* A run that plans the same for these and holds it back. */
static int64_t
holding_run(struct kit *k, int64_t ended, const int64_t *objects, size_t count)
{
	struct run_row row = { .ended = ended, .counts = "{}" };

	OK(k, ledger_run_start(k->l, "delta", ended, &row.run, &k->e));
	OK(k, ledger_plan_reset(k->l, &k->e));
	for (size_t i = 0; i < count; i++)
		plan(k, objects[i], CLASS_DISABLE);
	OK(k, ledger_hold_class(k->l, "s", USER, CLASS_DISABLE, HOLD_GUARD, &k->e));
	OK(k, ledger_holds_record(k->l, row.run, &row.held, &k->e));
	assert_int_equal(row.held, count);
	OK(k, ledger_run_end(k->l, &row, &k->e));
	return row.run;
}

static int64_t
hold_rows(struct kit *k)
{
	sqlite3 *sq;
	sqlite3_stmt *st;
	int64_t n;

	assert_int_equal(sqlite3_open(k->path, &sq), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(sq, "SELECT count(*) FROM hold", -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(sq);
	return n;
}

/* 8.4: a hold that lasts for days does not grow with each run, and any of these runs can be looked at and released. */
static void
test_what_is_held_again_is_written_down_once_8_4(void **state)
{
	struct kit *k = *state;
	const int64_t day = 86400;
	struct history_limits h = { .now = 100 * day, .before = 50 * day, .rows = 1 };
	int64_t two[] = { add(k, "a", 1, OBJECT_LINKED), add(k, "b", 2, OBJECT_LINKED) };
	int64_t other[] = { two[0], add(k, "c", 3, OBJECT_LINKED) };
	int64_t first = holding_run(k, day, two, 2), second = holding_run(k, 2 * day, two, 2);
	int64_t none = holding_run(k, 3 * day, two, 0), third = holding_run(k, 4 * day, two, 2);
	int64_t less = holding_run(k, 60 * day, two, 1), moved = holding_run(k, 61 * day, other, 2);
	struct held list[8];
	int64_t pairs;

	assert_int_equal(hold_rows(k), 2 + 1 + 2);
	assert_int_equal(ledger_held(k->l, first, 0, k->a, list, 8), 2);
	assert_int_equal(ledger_held(k->l, second, 0, k->a, list, 8), 2);
	assert_int_equal(ledger_held(k->l, second, 1, k->a, list, 8), 1);
	assert_int_equal(ledger_held(k->l, none, 0, k->a, list, 8), 0);
	assert_int_equal(ledger_held(k->l, less, 0, k->a, list, 8), 1);
	assert_int_equal(ledger_held(k->l, moved, 0, k->a, list, 8), 2);
	assert_string_equal(list[1].name, "c");
	/* what is forgotten takes nothing from those that come after it */
	assert_int_equal(forget(k, h), 1);
	assert_int_equal(ledger_held(k->l, first, 0, k->a, list, 8), 0);
	assert_int_equal(ledger_held(k->l, second, 0, k->a, list, 8), 2);
	assert_int_equal(forget(k, h) + forget(k, h), 2);
	assert_int_equal(ledger_held(k->l, third, 0, k->a, list, 8), 2);
	OK(k, ledger_release(k->l, third, &pairs, &k->e));
	assert_int_equal(pairs, 2);
	assert_int_equal(forget(k, h), 1);
	assert_int_equal(hold_rows(k), 1 + 2);
	assert_int_equal(ledger_held(k->l, less, 0, k->a, list, 8), 1);
}

static void
test_intents_outlive_a_plan_reset_I3(void **state)
{
	struct kit *k = *state;
	int64_t a = add(k, "a", 1, OBJECT_NEW), id = plan(k, a, CLASS_CREATE);
	struct op ops[2];

	plan(k, add(k, "b", 2, OBJECT_NEW), CLASS_CREATE);
	OK(k, ledger_op_sent(k->l, id, &k->e));
	assert_true(ledger_op_open(k->l, a));
	OK(k, ledger_plan_reset(k->l, &k->e));
	ledger_close(&k->l);
	kit_open(k);
	assert_int_equal(ledger_ops_open(k->l, 0, k->a, ops, 2), 1);
	assert_int_equal(ops[0].o, a);
	assert_int_equal(ledger_ops_all(k->l, 0, k->a, ops, 2), 0);
}

/* A run that begins, and ends as it began. */
static struct run_row
begun_run(struct kit *k)
{
	struct run_row row;
	int64_t run;

	OK(k, ledger_run_start(k->l, "full", 9, &run, &k->e));
	assert_int_equal(ledger_runs(k->l, 0, k->a, &row, 1), 1);
	assert_int_equal(row.run, run);
	assert_false(row.released);
	return row;
}

static void
test_a_run_begins_with_what_the_one_before_held_unless_permitted_8_4(void **state)
{
	struct kit *k = *state;
	int64_t two[] = { add(k, "a", 1, OBJECT_LINKED), add(k, "b", 2, OBJECT_LINKED) }, pairs;
	struct run_row row = begun_run(k);

	assert_int_equal(row.held, 0);
	assert_null(row.held_why);
	row = (struct run_row){
		.run = holding_run(k, 1, two, 2), .held = 2, .held_why = "too many"
	};
	OK(k, ledger_run_end(k->l, &row, &k->e));
	for (int i = 0; i < 2; i++) {
		row = begun_run(k);
		assert_int_equal(row.held, 2);
		assert_string_equal(row.held_why, "too many");
	}
	OK(k, ledger_release(k->l, row.run, &pairs, &k->e));
	assert_int_equal(pairs, 2);
	row = begun_run(k);
	assert_int_equal(row.held, 0);
	assert_null(row.held_why);
}

/* Makes the file what an older program left. */
static void
age(struct kit *k, const char *sql)
{
	sqlite3 *sq;

	ledger_close(&k->l);
	assert_int_equal(sqlite3_open(k->path, &sq), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sq, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(sq);
	kit_open(k);
}

static void
test_version_2_has_one_text_for_two_reasons_2_5(void **state)
{
	struct kit *k = *state;
	CLEAN_FREE char *copy = xasprintf("%s.v2.bak", k->path);
	struct run_row rows[2];

	age(k, "ALTER TABLE run DROP COLUMN held_why;"
	       "INSERT INTO run(ended, kind, exit, text, held, released)"
	       " VALUES(1, 'delta', 4, 'too many', 3, 0), (2, 'delta', 5, 'away', 3, 0);"
	       "PRAGMA user_version = 2");
	assert_int_equal(access(copy, F_OK), 0);
	assert_int_equal(ledger_runs(k->l, 0, k->a, rows, 2), 2);
	assert_string_equal(rows[0].text, "away");
	assert_null(rows[0].held_why);
	assert_null(rows[1].text);
	assert_string_equal(rows[1].held_why, "too many");
}

static void
test_version_1_is_brought_up_with_a_copy_2_5(void **state)
{
	struct kit *k = *state;
	CLEAN_FREE char *copy = xasprintf("%s.v1.bak", k->path);
	int64_t a = add(k, "a", 1, OBJECT_LINKED), b = add(k, "b", 2, OBJECT_LINKED);
	struct ref refs[2];

	OK(k, ledger_ref_set(k->l, a, 0, b, true, &k->e));
	age(k, "ALTER TABLE run DROP COLUMN held_why;"
	       "ALTER TABLE ref DROP COLUMN shown; DROP TABLE listed_ref;"
	       "DROP TABLE ref_again; DROP TABLE tried; DROP TABLE protection;"
	       "PRAGMA user_version = 1");
	assert_int_equal(access(copy, F_OK), 0);
	assert_int_equal(ledger_refs(k->l, a, false, NULL, refs, 2), 1);
	OK(k, ledger_listed_ref_add(k->l, a, 0, "x", NULL, &k->e));
	assert_false(ledger_ref_single_same(k->l, a, 0, (struct str){ NULL, 0 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_history_is_forgotten_by_age_in_steps),
		TEST(test_history_is_forgotten_by_size_but_not_what_stands_on_it_9_3),
		TEST(test_what_is_held_again_is_written_down_once_8_4),
		TEST(test_intents_outlive_a_plan_reset_I3),
		TEST(test_a_run_begins_with_what_the_one_before_held_unless_permitted_8_4),
		TEST(test_version_2_has_one_text_for_two_reasons_2_5),
		TEST(test_version_1_is_brought_up_with_a_copy_2_5),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
