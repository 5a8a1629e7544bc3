/* store/ledger.h: what runs rely on and no scenario sees by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "store/drift.h"
#include "store/history.h"
#include "ledger_kit.h"

static void
assert_counts(struct kit *k, int64_t owned, int64_t active)
{
	int64_t have_owned, have_active;

	assert_true(ledger_counts(k->l, "s", USER, &have_owned, &have_active));
	assert_int_equal(have_owned, owned);
	assert_int_equal(have_active, active);
}

static void
test_counts_follow_every_state_8_1(void **state)
{
	struct kit *k = *state;
	struct object ob;
	int64_t o = add(k, "a", 1, OBJECT_NEW);

	assert_counts(k, 0, 0);
	add(k, "b", 2, OBJECT_LINKED);
	assert_counts(k, 1, 1);
	OK(k, ledger_object(k->l, o, k->a, &ob, &k->e));
	ob.state = OBJECT_LINKED;
	OK(k, ledger_object_save(k->l, &ob, &k->e));
	assert_counts(k, 2, 2);
	ob.state = OBJECT_LEFT;
	ob.active = false;
	OK(k, ledger_object_save(k->l, &ob, &k->e));
	OK(k, ledger_object_save(k->l, &ob, &k->e));
	assert_counts(k, 2, 1);
	ob.sync = "other";
	OK(k, ledger_object_save(k->l, &ob, &k->e));
	assert_counts(k, 1, 1);
	ob.sync = "s";
	ob.state = OBJECT_DELETED;
	OK(k, ledger_object_save(k->l, &ob, &k->e));
	assert_counts(k, 1, 1);
}

static void
test_counts_are_as_durable_as_what_is_counted_8_1(void **state)
{
	struct kit *k = *state;
	int64_t findings;

	OK(k, ledger_begin(k->l, &k->e));
	add(k, "a", 1, OBJECT_LINKED);
	add(k, "b", 2, OBJECT_LEFT);
	OK(k, ledger_commit(k->l, &k->e));
	OK(k, ledger_begin(k->l, &k->e));
	add(k, "c", 3, OBJECT_LINKED);
	assert_counts(k, 3, 3);
	ledger_rollback(k->l);
	assert_counts(k, 2, 2);
	ledger_close(&k->l);
	kit_open(k);
	assert_counts(k, 2, 2);
	OK(k, ledger_check(k->l, NULL, NULL, &findings, &k->e));
	assert_int_equal(findings, 0);
	/* Saved and never committed as it must be: the check finds it. */
	add(k, "d", 4, OBJECT_LINKED);
	OK(k, ledger_check(k->l, NULL, NULL, &findings, &k->e));
	assert_int_equal(findings, 1);
}

static void
test_release_permits_exactly_what_was_held_8_4(void **state)
{
	struct kit *k = *state;
	int64_t a = add(k, "a", 1, OBJECT_LINKED), b = add(k, "b", 2, OBJECT_LINKED), run, held,
		pairs;
	struct op ops[4];

	plan(k, a, CLASS_DISABLE);
	OK(k, ledger_run_start(k->l, "delta", 100, &run, &k->e));
	OK(k, ledger_hold_class(k->l, "s", USER, CLASS_DISABLE, HOLD_GUARD, &k->e));
	assert_int_equal(ledger_op_left(k->l), 0);
	OK(k, ledger_holds_record(k->l, run, &held, &k->e));
	assert_int_equal(held, 1);
	assert_false(ledger_release(k->l, run + 1, &pairs, &k->e));
	assert_string_equal(k->e.code, "no-such-run");
	err_clear(&k->e);
	OK(k, ledger_release(k->l, run, &pairs, &k->e));
	assert_int_equal(pairs, 1);
	assert_false(ledger_release(k->l, run, &pairs, &k->e));
	assert_string_equal(k->e.code, "nothing-held");
	err_clear(&k->e);

	/* The next run plans the same, another class of the same object, and a newcomer. */
	OK(k, ledger_plan_reset(k->l, &k->e));
	plan(k, a, CLASS_DISABLE);
	plan(k, a, CLASS_UPDATE);
	plan(k, b, CLASS_DISABLE);
	OK(k, ledger_approvals_apply(k->l, &k->e));
	OK(k, ledger_hold_class(k->l, "s", USER, CLASS_DISABLE, HOLD_GUARD, &k->e));
	assert_int_equal(ledger_ops_all(k->l, 0, k->a, ops, 4), 3);
	assert_true(ops[0].approved && ops[0].held == HOLD_NONE);
	assert_true(!ops[1].approved && ops[1].held == HOLD_NONE);
	assert_true(!ops[2].approved && ops[2].held == HOLD_GUARD);
}

static void
test_approval_is_over_when_its_object_is_not_wanted_8_4(void **state)
{
	struct kit *k = *state;
	int64_t a = add(k, "a", 1, OBJECT_LINKED), run, held, pairs;

	OK(k, ledger_dirty_add(k->l, "c", 1, DIRTY_ENTRY, &k->e));
	plan(k, a, CLASS_DELETE);
	OK(k, ledger_run_start(k->l, "delta", 100, &run, &k->e));
	OK(k, ledger_hold_class(k->l, "s", USER, CLASS_DELETE, HOLD_GUARD, &k->e));
	OK(k, ledger_holds_record(k->l, run, &held, &k->e));
	OK(k, ledger_release(k->l, run, &pairs, &k->e));
	/* The entry came back: nothing is planned, nothing is dirty; later it goes again. */
	OK(k, ledger_plan_reset(k->l, &k->e));
	OK(k, ledger_dirty_done(k->l, "c", 1, &k->e));
	OK(k, ledger_approvals_apply(k->l, &k->e));
	plan(k, a, CLASS_DELETE);
	OK(k, ledger_approvals_apply(k->l, &k->e));
	OK(k, ledger_hold_class(k->l, "s", USER, CLASS_DELETE, HOLD_GUARD, &k->e));
	assert_int_equal(ledger_op_left(k->l), 0);
}

static int64_t
renumbered(void *ctx, const char *anchor)
{
	(void)ctx;
	return strcmp(anchor, "a") == 0 ? 77 : 0;
}

static void
test_renumber_2_2(void **state)
{
	struct kit *k = *state;
	int64_t a = add(k, "a", 1, OBJECT_LINKED), b = add(k, "b", 2, OBJECT_LINKED);

	OK(k, ledger_dirty_add(k->l, "c", 2, DIRTY_ENTRY, &k->e));
	OK(k, ledger_dirty_add(k->l, "other", 2, DIRTY_ENTRY, &k->e));
	OK(k, ledger_renumber(k->l, "c", renumbered, NULL, &k->e));
	assert_int_equal(ledger_find_entry(k->l, "c", 77), a);
	assert_int_equal(ledger_find_entry(k->l, "c", 2), 0);
	assert_int_equal(ledger_find_entry(k->l, "c", -b), b);
	assert_int_equal(ledger_dirty_count(k->l), 1);
}

static void
test_backoff_grows_and_ends_when_a_name_comes_free_7_3(void **state)
{
	struct kit *k = *state;
	int64_t a = add(k, "a", 1, OBJECT_NEW), b = add(k, "b", 2, OBJECT_NEW), next, due;
	struct err taken, other;
	struct dirty ds[4];

	err_set(&taken, ERR_OBJECT, "name-taken", "taken");
	err_set(&other, ERR_OBJECT, "quota", "no room");
	OK(k, ledger_attempt_failed(k->l, a, "create", &taken, 1000, &next, &k->e));
	assert_int_equal(next, 1060);
	OK(k, ledger_attempt_failed(k->l, a, "create", &taken, 2000, &next, &k->e));
	assert_int_equal(next, 2120);
	OK(k, ledger_dirty_wait(k->l, "c", 1, next, &k->e));
	OK(k, ledger_attempt_failed(k->l, b, "create", &other, 2000, &next, &k->e));
	OK(k, ledger_dirty_wait(k->l, "c", 2, next, &k->e));
	assert_int_equal(ledger_dirty(k->l, "c", 2000, 0, ds, 4), 0);
	OK(k, ledger_attempts_freed(k->l, &due, &k->e));
	assert_int_equal(due, 1);
	assert_int_equal(ledger_dirty(k->l, "c", 2000, 0, ds, 4), 1);
	assert_int_equal(ds[0].n, 1);
	assert_int_equal(ledger_failing(k->l), 2);
}

static void
test_problems_page_by_entry_and_source(void **state)
{
	struct kit *k = *state;
	struct problem list[2];
	size_t all = 0, got;
	const struct problem *after = NULL;
	struct problem last;

	for (int i = 0; i < 6; i++) {
		struct problem p = { .source = i % 2 ? "b" : "c",
			.id = "x",
			.code = "no-name",
			.text = "t",
			.n = i / 2 + 1,
			.since = 5 };

		OK(k, ledger_problem_set(k->l, &p, &k->e));
	}
	while ((got = ledger_problems(k->l, after, k->a, list, 2))) {
		all += got;
		last = list[got - 1];
		after = &last;
	}
	assert_int_equal(all, 6);
	assert_int_equal(ledger_failing(k->l), 6);
}

static void
test_wake_the_earlier_one_stands_5_2(void **state)
{
	struct kit *k = *state;

	OK(k, ledger_wake_set(k->l, "c", 1, 500, &k->e));
	OK(k, ledger_wake_sooner(k->l, "c", 1, 900, &k->e));
	assert_int_equal(ledger_wake_next(k->l), 500);
	OK(k, ledger_wake_sooner(k->l, "c", 1, 300, &k->e));
	assert_int_equal(ledger_wake_next(k->l), 300);
	OK(k, ledger_wake_due(k->l, "c", 299, &k->e));
	assert_int_equal(ledger_dirty_count(k->l), 0);
	assert_int_equal(ledger_due_next(k->l), 300);
	OK(k, ledger_wake_due(k->l, "c", 300, &k->e));
	assert_int_equal(ledger_dirty_count(k->l), 1);
	assert_true(ledger_wake_next(k->l) == INT64_MAX);
	assert_true(ledger_due_next(k->l) == INT64_MAX);
}

static void
test_due_next_is_of_retries_too_7_3(void **state)
{
	struct kit *k = *state;
	struct dirty_link d = { .owner = 1, .attribute = 0, .other = 2 };

	OK(k, ledger_dirty_wait(k->l, "c", 1, 700, &k->e));
	OK(k, ledger_dirty_link_add(k->l, "c", &d, &k->e));
	assert_int_equal(ledger_due_next(k->l), 700);
	OK(k, ledger_dirty_link_wait(k->l, "c", &d, 600, &k->e));
	assert_int_equal(ledger_due_next(k->l), 600);
	/* What is in a plan waits for nothing. */
	OK(k, ledger_dirty_links_planned(k->l, "c", 1000, &d, &d, &k->e));
	OK(k, ledger_dirty_planned(k->l, "c", 1000, 1, 5, &k->e));
	assert_true(ledger_due_next(k->l) == INT64_MAX);
}

/* A page looks at its own rows alone: what is planned before it, of a first run all others, is not gone through. */
static void
test_a_page_is_planned_and_nothing_else_I10(void **state)
{
	struct kit *k = *state;
	struct dirty_link link = { .owner = 1, .attribute = 0 }, first, last, links[8];
	struct dirty rows[8];

	for (int n = 1; n <= 5; n++) {
		link.other = n;
		OK(k, ledger_dirty_add(k->l, "c", n, DIRTY_ENTRY, &k->e));
		OK(k, ledger_dirty_link_add(k->l, "c", &link, &k->e));
	}
	first = last = link;
	first.other = 2;
	last.other = 4;
	OK(k, ledger_dirty_planned(k->l, "c", 1000, 2, 4, &k->e));
	OK(k, ledger_dirty_links_planned(k->l, "c", 1000, &first, &last, &k->e));
	assert_int_equal(ledger_dirty(k->l, "c", 1000, INT64_MIN, rows, 8), 2);
	assert_true(rows[0].n == 1 && rows[1].n == 5);
	assert_int_equal(ledger_dirty_links(k->l, "c", 1000, NULL, links, 8), 2);
	assert_true(links[0].other == 1 && links[1].other == 5);
}

/* What was shown once is put back however often it goes; what never was, is sent once more alone. */
static void
test_references_that_never_show_are_not_sent_for_ever_6_2(void **state)
{
	struct kit *k = *state;
	int64_t a = add(k, "a", 1, OBJECT_LINKED), b = add(k, "b", 2, OBJECT_LINKED);
	struct listed_ref r;
	struct object ob;

	OK(k, ledger_object(k->l, b, k->a, &ob, &k->e));
	ob.key = "key-b";
	OK(k, ledger_object_save(k->l, &ob, &k->e));
	OK(k, ledger_ref_set(k->l, a, 0, b, true, &k->e));
	for (int i = 0; i < 4; i++) {
		if (i == 2) { /* it shows after all */
			OK(k, ledger_listed_ref_add(k->l, a, 0, "key-b", USER, &k->e));
			OK(k, ledger_refs_shown(k->l, a, 0, &k->e));
			assert_int_equal(ledger_refs_lost_there(k->l, a, 0, 0, k->a, &r, 1), 0);
			assert_int_equal(ledger_refs_extra(k->l, a, 0, NULL, k->a, &r, 1), 0);
			OK(k, ledger_listed_refs_drop(k->l, a, &k->e));
		}
		assert_int_equal(ledger_refs_lost_there(k->l, a, 0, 0, k->a, &r, 1), 1);
		assert_int_equal(r.shown, i == 0 ? REF_UNSHOWN : i == 1 ? REF_RESENT : REF_SHOWN);
		OK(k, ledger_ref_gone(k->l, a, 0, &r, &k->e));
		OK(k, ledger_ref_set(k->l, a, 0, b, true, &k->e));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_counts_follow_every_state_8_1),
		TEST(test_counts_are_as_durable_as_what_is_counted_8_1),
		TEST(test_release_permits_exactly_what_was_held_8_4),
		TEST(test_approval_is_over_when_its_object_is_not_wanted_8_4),
		TEST(test_renumber_2_2),
		TEST(test_backoff_grows_and_ends_when_a_name_comes_free_7_3),
		TEST(test_problems_page_by_entry_and_source),
		TEST(test_wake_the_earlier_one_stands_5_2),
		TEST(test_due_next_is_of_retries_too_7_3),
		TEST(test_a_page_is_planned_and_nothing_else_I10),
		TEST(test_references_that_never_show_are_not_sent_for_ever_6_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
