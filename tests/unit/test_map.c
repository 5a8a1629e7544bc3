#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <stdio.h>
#include "base/map.h"

static struct str
key(char *room, int i)
{
	return (struct str){ room, (size_t)sprintf(room, "key-%d", i) };
}

static void
test_set_get_replace_delete(void **state)
{
	struct map *m = map_new();
	int a, b;

	(void)state;
	assert_null(map_get(m, STR("x")));
	assert_null(map_set(m, STR("x"), &a));
	assert_ptr_equal(map_set(m, STR("x"), &b), &a);
	assert_ptr_equal(map_get(m, STR("x")), &b);
	assert_null(map_set(m, STR(""), NULL));
	assert_true(map_has(m, STR("")));
	assert_null(map_set(m, STR("a\0b"), &a));
	assert_false(map_has(m, STR("a")));
	assert_int_equal(map_count(m), 3);
	assert_ptr_equal(map_del(m, STR("x")), &b);
	assert_null(map_del(m, STR("x")));
	assert_false(map_has(m, STR("x")));
	assert_int_equal(map_count(m), 2);
	map_free(m, NULL);
	map_free(NULL, NULL);
}

static void
test_order_is_that_of_insertion(void **state)
{
	struct map *m = map_new();
	char room[32];
	size_t it = 0;
	struct str k;
	void *v;
	int want = 0;

	(void)state;
	for (intptr_t i = 0; i < 5000; i++)
		map_set(m, key(room, (int)i), (void *)i);
	for (int i = 0; i < 5000; i++)
		if (i % 3)
			map_del(m, key(room, i));
	for (intptr_t i = 5000; i < 9000; i++)
		map_set(m, key(room, (int)i), (void *)i);
	while (map_each(m, &it, &k, &v)) {
		assert_int_equal((intptr_t)v, want);
		assert_true(str_eq(k, key(room, want)));
		want += want + 3 < 5000 ? 3 : want < 5000 ? 5000 - want : 1;
	}
	assert_int_equal(want, 9000);
	map_free(m, NULL);
}

/* The index does not fill up with what was deleted. */
static void
test_churn_stays_small(void **state)
{
	struct map *m = map_new();
	char room[32];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		map_set(m, key(room, i), malloc(1));
		free(map_del(m, key(room, i - 10)));
	}
	assert_int_equal(map_count(m), 10);
	for (int i = 199990; i < 200000; i++)
		assert_true(map_has(m, key(room, i)));
	map_free(m, free);
}

static void
test_hash_is_stable(void **state)
{
	(void)state;
	assert_true(hash_bytes("a", 1) == hash_bytes("a", 1));
	assert_true(hash_bytes("a", 1) != hash_bytes("b", 1));
	assert_true(hash_bytes("", 0) != hash_bytes("\0", 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_get_replace_delete),
		cmocka_unit_test(test_order_is_that_of_insertion),
		cmocka_unit_test(test_churn_stays_small),
		cmocka_unit_test(test_hash_is_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
