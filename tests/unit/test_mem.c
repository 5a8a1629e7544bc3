#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"

static void
test_arena_is_zeroed_and_aligned_after_reset(void **state)
{
	struct arena *a CLEAN_ARENA = arena_new();

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t n = 1; n < 3000; n += 37) {
			char *p = arena_alloc(a, n);

			assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(p[i], 0);
			memset(p, 0xAA, n);
		}
		assert_true(arena_used(a) > 100000);
		arena_reset(a);
		assert_int_equal(arena_used(a), 0);
	}
}

static void
test_arena_takes_large_and_empty_pieces(void **state)
{
	struct arena *a CLEAN_ARENA = arena_new();
	char *big = arena_alloc(a, 5000000), *none = arena_alloc(a, 0);

	(void)state;
	memset(big, 1, 5000000);
	assert_non_null(none);
	assert_string_equal(arena_strdup(a, "abc"), "abc");
	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(arena_printf(a, "%s-%d", "x", 42), "x-42");
	arena_reset(a);
	assert_string_equal(arena_strdup(a, ""), "");
}

static void
test_strndup_stops_at_the_end(void **state)
{
	char *s CLEAN_FREE = xstrndup("ab", 10), *f CLEAN_FREE = xasprintf("%03d", 7);

	(void)state;
	assert_string_equal(s, "ab");
	assert_string_equal(f, "007");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena_is_zeroed_and_aligned_after_reset),
		cmocka_unit_test(test_arena_takes_large_and_empty_pieces),
		cmocka_unit_test(test_strndup_stops_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
