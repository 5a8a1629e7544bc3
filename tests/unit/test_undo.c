/* plan/plan.h (plan_undo) and what store/ledger.h keeps for apply and undo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "plan/plan.h"
#include "store/history.h"
#include "folder.h"

#define USER  (&kinds[KIND_USER])
#define GROUP (&kinds[KIND_GROUP])

struct kit {
	char dir[64];
	struct ledger *l;
	struct arena *a;
	struct err e;
	struct object ob;
	struct change cs[8];
	size_t count;
};

static int
setup(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));
	struct store_env env = { .sync_off = true };
	char path[96];

	folder_make(k->dir);
	snprintf(path, sizeof(path), "%s/t.db", k->dir);
	k->a = arena_new();
	OK(k, ledger_open(path, &env, false, &k->l, &k->e));
	k->ob = (struct object){ .anchor = "anna",
		.name = "anna",
		.kind = USER,
		.state = OBJECT_LINKED,
		.sync = "s",
		.source = "c",
		.n = 1,
		.sent = attrs_new(k->a),
		.seen = attrs_new(k->a) };
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct kit *k = *state;

	ledger_close(&k->l);
	arena_free(k->a);
	folder_remove(k->dir);
	free(k);
	return 0;
}

/* "title=Chief,department=": an attribute without a value was removed. */
static struct attrs
values(struct kit *k, const char *text)
{
	struct attrs as = attrs_new(k->a);
	CLEAN_FREE char *copy = xstrdup(text);
	char *at = copy;

	while (*copy && at) {
		char *word = strsep(&at, ","), *eq = strchr(word, '=');

		*eq = '\0';
		if (eq[1])
			attrs_set_c(&as, word, eq + 1);
		else
			attrs_set(&as, word, NULL, 0);
	}
	return as;
}

static void
did(struct kit *k, enum op_class class, const char *before, const char *after)
{
	k->cs[k->count++] = (struct change){ .class = class,
		.kind = k->ob.kind,
		.attribute = -1,
		.before = values(k, before),
		.after = values(k, after) };
}

static struct undo
undone(struct kit *k)
{
	struct undo_input in = { .object = &k->ob, .changes = k->cs, .count = k->count };
	struct undo u;

	plan_undo(&in, k->a, &u);
	return u;
}

static void
assert_values(struct kit *k, const struct undo *u, const char *text)
{
	struct attrs want = values(k, text);
	CLEAN_BUF struct buf a = { 0 }, b = { 0 };

	assert_int_equal(u->form, UNDO_VALUES);
	attrs_pack_spelled(&want, &a);
	attrs_pack_spelled(&u->values, &b);
	assert_true(str_eq(buf_str(&a), buf_str(&b)));
}

static void
test_undo_9_3_values_go_back_to_the_first_before_image(void **state)
{
	struct kit *k = *state;
	struct undo u;

	k->ob.sent = values(k, "userName=a@x,title=Boss,department=Sales");
	did(k, CLASS_UPDATE, "title=Clerk", "title=Chief,department=Sales");
	did(k, CLASS_UPDATE, "title=Chief,nickName=an", "title=Boss,nickName=");
	u = undone(k);
	assert_values(k, &u, "userName=a@x,title=Clerk,nickName=an");
	assert_null(u.lost);
}

static void
test_undo_9_3_create_is_disabled_and_a_group_deleted(void **state)
{
	struct kit *k = *state;

	did(k, CLASS_CREATE, "", "userName=a@x,active=true");
	did(k, CLASS_UPDATE, "", "title=Clerk");
	assert_int_equal(undone(k).form, UNDO_OFF);
	k->ob.kind = GROUP;
	assert_int_equal(undone(k).form, UNDO_GONE);
}

static void
test_undo_9_3_delete_comes_back_with_what_is_lost(void **state)
{
	struct kit *k = *state;
	struct undo u;

	k->ob.state = OBJECT_DELETED;
	did(k, CLASS_UPDATE, "title=Clerk", "title=Chief");
	did(k, CLASS_DELETE, "userName=a@x,title=Chief,active=true", "");
	u = undone(k);
	assert_values(k, &u, "userName=a@x,title=Clerk,active=true");
	assert_non_null(strstr(u.lost, "password"));
}

static void
test_undo_9_3_deleted_and_made_again_in_one_run(void **state)
{
	struct kit *k = *state;
	struct undo u;

	k->ob.sent = values(k, "userName=b@x");
	did(k, CLASS_DELETE, "userName=a@x", "");
	did(k, CLASS_CREATE, "", "userName=b@x");
	u = undone(k);
	assert_values(k, &u, "userName=a@x");
	/* and the other way round nothing is left to do */
	k->count = 0;
	k->ob.state = OBJECT_DELETED;
	did(k, CLASS_CREATE, "", "userName=b@x");
	did(k, CLASS_DELETE, "userName=b@x", "");
	assert_int_equal(undone(k).form, UNDO_NOTHING);
}

static void
test_undo_9_3_adoption_and_what_is_missing_cannot_be(void **state)
{
	struct kit *k = *state;

	did(k, CLASS_ADOPT, "", "userName=a@x");
	assert_int_equal(undone(k).form, UNDO_NOTHING);
	assert_non_null(undone(k).why);
	k->count = 0;
	k->ob.state = OBJECT_MISSING;
	did(k, CLASS_UPDATE, "title=Clerk", "title=Chief");
	assert_int_equal(undone(k).form, UNDO_NOTHING);
}

/* --- the ledger --- */

static int64_t
add(struct kit *k, const char *anchor, const char *sent)
{
	struct object ob = k->ob;

	ob.anchor = ob.name = anchor;
	OK(k, ledger_object_add(k->l, &ob, &ob.o, &k->e));
	ob.sent = values(k, sent);
	OK(k, ledger_object_save(k->l, &ob, &k->e));
	return ob.o;
}

static void
plan_update(struct kit *k, int64_t o, const char *attrs)
{
	struct op op = { .o = o,
		.class = CLASS_UPDATE,
		.rank = RANK_UPDATE,
		.attribute = -1,
		.attrs = values(k, attrs) };

	OK(k, ledger_op_add(k->l, &op, &op.id, &k->e));
}

static size_t
differs(struct kit *k, int64_t plan, struct plan_difference *d, size_t max)
{
	OK(k, ledger_plan_match(k->l, plan, &k->e));
	return ledger_plan_differs(k->l, plan, "", k->a, d, max);
}

static void
test_plan_9_2_same_operations_same_values_before(void **state)
{
	struct kit *k = *state;
	int64_t a = add(k, "anna", "title=Clerk"), b = add(k, "bert", "title=Clerk"), plan;
	struct plan_difference d[4];
	struct op ops[4];

	plan_update(k, a, "title=Chief");
	OK(k, ledger_plan_keep(k->l, "digest", 100, &k->e));
	plan = ledger_plan_find(k->l, "digest");
	assert_true(plan > 0);
	assert_int_equal(ledger_plan_find(k->l, "other"), 0);
	assert_int_equal(differs(k, plan, d, 4), 0);

	/* Another object's operation does not matter; it waits. */
	plan_update(k, b, "title=Boss");
	assert_int_equal(differs(k, plan, d, 4), 0);
	OK(k, ledger_plan_narrow(k->l, plan, false, &k->e));
	assert_int_equal(ledger_ops_all(k->l, 0, k->a, ops, 4), 2);
	assert_int_equal(ops[0].held, HOLD_NONE);
	assert_int_equal(ops[1].held, HOLD_LATER);
	assert_int_equal(ledger_op_left(k->l), 1);
	assert_int_equal(ledger_later(k->l), 1);
	assert_int_equal(ledger_held_now(k->l), 0);

	/* One more, or another value: it differs, and the words say how. */
	OK(k, ledger_plan_reset(k->l, &k->e));
	plan_update(k, a, "title=Director");
	assert_int_equal(differs(k, plan, d, 4), 1);
	assert_string_equal(d[0].anchor, "anna");
	assert_string_equal(d[0].was, "update title = Chief");
	assert_string_equal(d[0].now, "update title = Director");
	OK(k, ledger_plan_reset(k->l, &k->e));
	assert_int_equal(differs(k, plan, d, 4), 1);
	assert_string_equal(d[0].now, "nothing");
}

static void
test_plan_9_2_the_same_change_from_another_value(void **state)
{
	struct kit *k = *state;
	int64_t a = add(k, "anna", "title=Clerk"), plan;
	struct plan_difference d[4];
	struct object ob;

	plan_update(k, a, "title=Chief");
	OK(k, ledger_plan_keep(k->l, "digest", 100, &k->e));
	plan = ledger_plan_find(k->l, "digest");
	OK(k, ledger_object(k->l, a, k->a, &ob, &k->e));
	ob.sent = values(k, "title=Boss");
	OK(k, ledger_object_save(k->l, &ob, &k->e));
	assert_int_equal(differs(k, plan, d, 4), 1);
	/* What is not changed by the plan may have changed. */
	ob.sent = values(k, "title=Clerk,department=Sales");
	OK(k, ledger_object_save(k->l, &ob, &k->e));
	assert_int_equal(differs(k, plan, d, 4), 0);
}

static void
test_plan_9_1_old_ones_are_forgotten(void **state)
{
	struct kit *k = *state;

	plan_update(k, add(k, "anna", ""), "title=Chief");
	for (int i = 0; i < PLANS_KEPT + 2; i++) {
		char digest[16];

		snprintf(digest, sizeof(digest), "%d", i);
		OK(k, ledger_plan_keep(k->l, digest, 100, &k->e));
	}
	assert_int_equal(ledger_plan_find(k->l, "1"), 0);
	assert_true(ledger_plan_find(k->l, "2") > 0);
}

static void
test_undo_9_3_touched_is_what_another_run_did_later(void **state)
{
	struct kit *k = *state;
	int64_t a = add(k, "anna", ""), b = add(k, "bert", "");
	struct change c = { .run = 1, .o = a, .class = CLASS_UPDATE, .attribute = -1 };
	struct change cs[4];

	c.before = c.after = attrs_new(k->a);
	OK(k, ledger_change_add(k->l, &c, &k->e));
	OK(k, ledger_change_add(k->l, &c, &k->e));
	assert_int_equal(ledger_changes_of(k->l, 1, a, k->a, cs, 4), 2);
	assert_false(ledger_touched(k->l, 1, a, -1, 0, cs[0].id));
	c.run = 2;
	c.code = c.text = "failed";
	OK(k, ledger_change_add(k->l, &c, &k->e));
	c.code = c.text = NULL;
	c.attribute = 0;
	c.other = b;
	OK(k, ledger_change_add(k->l, &c, &k->e));
	assert_false(ledger_touched(k->l, 1, a, -1, 0, cs[0].id));
	assert_true(ledger_touched(k->l, 1, a, 0, b, cs[0].id));
	c.attribute = -1;
	OK(k, ledger_change_add(k->l, &c, &k->e));
	assert_true(ledger_touched(k->l, 1, a, -1, 0, cs[1].id));
}

static void
test_pin_9_3_held_listed_and_ended(void **state)
{
	struct kit *k = *state;
	int64_t a = add(k, "anna", ""), b = add(k, "bert", ""), count = 0;
	struct pin pin = { .o = a, .run = 7, .form = PIN_VALUES, .wants = "w" }, got;
	struct pin_ref ref = { .o = b, .other = a, .run = 7, .present = true }, seen;
	struct pinned list[4];
	struct dirty ds[4];

	assert_false(ledger_pin(k->l, a, k->a, &got));
	pin.attrs = values(k, "title=Clerk");
	OK(k, ledger_pin_set(k->l, &pin, &k->e));
	OK(k, ledger_pin_ref_set(k->l, &ref, &k->e));
	assert_true(ledger_pin(k->l, a, k->a, &got));
	assert_string_equal(got.wants, "w");
	assert_true(str_eqc(attrs_first(&got.attrs, "title"), "Clerk"));
	assert_true(ledger_pin_ref(k->l, b, 0, a, &seen) && seen.present && !seen.wants);
	assert_int_equal(ledger_pinned_count(k->l), 2);
	assert_int_equal(ledger_pinned(k->l, 0, k->a, list, 4), 2);
	assert_true(list[0].object && !list[0].refs && !list[1].object && list[1].refs == 1);

	OK(k, ledger_unpin(k->l, a, &count, &k->e)); /* and the reference that points to it */
	assert_int_equal(count, 2);
	assert_int_equal(ledger_pinned_count(k->l), 0);
	assert_int_equal(ledger_dirty(k->l, "c", 100, 0, ds, 4), 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_undo_9_3_values_go_back_to_the_first_before_image),
		TEST(test_undo_9_3_create_is_disabled_and_a_group_deleted),
		TEST(test_undo_9_3_delete_comes_back_with_what_is_lost),
		TEST(test_undo_9_3_deleted_and_made_again_in_one_run),
		TEST(test_undo_9_3_adoption_and_what_is_missing_cannot_be),
		TEST(test_plan_9_2_same_operations_same_values_before),
		TEST(test_plan_9_2_the_same_change_from_another_value),
		TEST(test_plan_9_1_old_ones_are_forgotten),
		TEST(test_undo_9_3_touched_is_what_another_run_did_later),
		TEST(test_pin_9_3_held_listed_and_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
