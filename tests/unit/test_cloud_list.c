/* The hosted side's cursors (RFC 9865) and the heap behind sorted lists. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "cursor.h"
#include "sorter.h"

static int64_t the_time = 1790000000;

static int64_t
now(void *ctx)
{
	(void)ctx;
	return the_time;
}

static const struct clock clock_fake = { .now = now };
static const struct cloud cloud = { .clock = &clock_fake, .key = { 1, 2, 3 } };

static struct place
place(int64_t rid, const char *key)
{
	struct place p = { .rid = rid, .n = (unsigned short)strlen(key) };

	memcpy(p.key, key, p.n);
	return p;
}

static void
test_cursor_comes_back(void **state)
{
	char longest[SCIM_SORT_BYTES + 1];
	const char *const keys[] = { "", "k", longest };

	(void)state;
	memset(longest, 'x', SCIM_SORT_BYTES);
	longest[SCIM_SORT_BYTES] = 0;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		CLEAN_BUF struct buf text = { 0 };
		struct place in = place(-5 + (int64_t)i * 1000000007, keys[i]), out = { 0 };
		struct err e = { 0 };
		cursor_make(&cloud, 7, STR("query"), &in, &text);
		assert_int_equal(strspn(buf_cstr(&text),
					 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-_"),
			text.n);
		assert_true(cursor_read(&cloud, 7, STR("query"), buf_cstr(&text), &out, &e));
		assert_int_equal(out.rid, in.rid);
		assert_int_equal(out.n, in.n);
		assert_memory_equal(out.key, in.key, in.n);
		assert_null(strstr(buf_cstr(&text), "xxxx"));
	}
}

static void
assert_refused(
	const struct cloud *c, int64_t tenant, struct str bound, const char *text, const char *code)
{
	struct place p;
	struct err e = { 0 };

	assert_false(cursor_read(c, tenant, bound, text, &p, &e));
	assert_string_equal(e.code, code);
}

static void
test_cursor_is_bound_and_authenticated(void **state)
{
	CLEAN_BUF struct buf text = { 0 };
	struct cloud other = cloud;
	struct place p = place(42, "key");

	(void)state;
	other.key[31]++;
	cursor_make(&cloud, 7, STR("query"), &p, &text);
	assert_refused(&cloud, 8, STR("query"), buf_cstr(&text), "invalidCursor");
	assert_refused(&cloud, 7, STR("Query"), buf_cstr(&text), "invalidCursor");
	assert_refused(&other, 7, STR("query"), buf_cstr(&text), "invalidCursor");
	for (size_t i = 0; i < text.n;
		i++) { /* any character changed, or everything behind it gone */
		char was = text.p[i];
		text.p[i] = was == 'A' ? 'B' : 'A';
		assert_refused(&cloud, 7, STR("query"), text.p, "invalidCursor");
		text.p[i] = 0;
		assert_refused(&cloud, 7, STR("query"), text.p, "invalidCursor");
		text.p[i] = was;
	}
	for (int i = 0; i < 400; i++) {
		buf_addc(&text, 'A');
		assert_refused(&cloud, 7, STR("query"), buf_cstr(&text), "invalidCursor");
	}
}

static void
test_cursor_expires(void **state)
{
	CLEAN_BUF struct buf text = { 0 };
	struct place p = place(42, "key");
	struct err e = { 0 };

	(void)state;
	cursor_make(&cloud, 7, STR("query"), &p, &text);
	the_time += CURSOR_SECONDS;
	assert_true(cursor_read(&cloud, 7, STR("query"), buf_cstr(&text), &p, &e));
	the_time++;
	assert_refused(&cloud, 7, STR("query"), buf_cstr(&text), "expiredCursor");
	assert_refused(&cloud, 8, STR("query"), buf_cstr(&text), "invalidCursor");
}

static int
by_key(const void *a, const void *b)
{
	const struct sorter ascending = { .descending = false };

	return sorter_compare(&ascending, a, b);
}

static void
test_sorter_keeps_the_first(void **state)
{
	enum { N = 500 };
	static const size_t most[] = { 0, 1, 2, 63, 64, 65, 499, 500, 501 };
	struct place all[N];
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < N; i++) { /* keys come several times: then the rid decides */
		char key[8];
		seed = seed * 1103515245 + 12345;
		snprintf(key, sizeof(key), "%u", (seed >> 16) % 97);
		all[i] = place(i, key);
	}
	for (size_t m = 0; m < 2 * ARRAY_LEN(most); m++) {
		struct sorter s = { .most = most[m / 2], .descending = m % 2 };
		struct place sorted[N];
		for (int i = 0; i < N; i++)
			sorter_offer(&s, &all[i]);
		sorter_finish(&s);
		memcpy(sorted, all, sizeof(all));
		qsort(sorted, N, sizeof(*sorted), by_key);
		assert_int_equal(s.n, s.most < N ? s.most : N);
		for (size_t i = 0; i < s.n; i++)
			assert_int_equal(s.list[i].rid, sorted[s.descending ? N - 1 - i : i].rid);
		sorter_free(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cursor_comes_back),
		cmocka_unit_test(test_cursor_is_bound_and_authenticated),
		cmocka_unit_test(test_cursor_expires),
		cmocka_unit_test(test_sorter_keeps_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
