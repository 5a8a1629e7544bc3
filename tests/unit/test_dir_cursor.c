#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "dir_cursor.h"

static const struct dir_cursor sample = { .context = "id DC=x",
	.invocation = "inv",
	.request = "req",
	.usn = 4028,
	.cookie = { "MSDS\0\xff", 6 } };

static void
test_cursor_round_trip(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf text = { 0 };
	struct dir_cursor c;
	struct err e = { 0 };
	dir_cursor_write(&sample, &text);
	if (!dir_cursor_read(buf_cstr(&text), a, &c, &e))
		fail_msg("%s", e.text);
	assert_string_equal(c.context, sample.context);
	assert_string_equal(c.invocation, sample.invocation);
	assert_string_equal(c.request, sample.request);
	assert_int_equal(c.usn, sample.usn);
	assert_true(str_eq(c.cookie, sample.cookie));
	assert_true(dir_cursor_fits(&c, &sample, &e));
}

static void
test_cursor_that_cannot_be_read(void **state)
{
	(void)state;
	static const char *const rows[] = { "", "x", "{}", "[]", "\"x\"",
		"{\"context\":\"a\",\"invocation\":\"b\",\"usn\":\"1\",\"request\":\"c\"}",
		"{\"context\":\"a\",\"invocation\":\"b\",\"usn\":\"1\",\"request\":\"c\","
		"\"cookie\":\"\"}",
		"{\"context\":\"a\",\"invocation\":\"b\",\"usn\":\"1\",\"request\":\"c\","
		"\"cookie\":\"?\"}",
		"{\"context\":\"a\",\"invocation\":\"b\",\"usn\":\"-1\",\"request\":\"c\","
		"\"cookie\":\"TVNE\"}",
		"{\"context\":\"a\",\"invocation\":\"b\",\"usn\":\"1x\",\"request\":\"c\","
		"\"cookie\":\"TVNE\"}",
		"{\"context\":\"a\",\"invocation\":\"b\",\"usn\":1,\"request\":\"c\",\"cookie\":"
		"\"TVNE\"}",
		"{\"context\":7,\"invocation\":\"b\",\"usn\":\"1\",\"request\":\"c\",\"cookie\":"
		"\"TVNE\"}" };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_cursor c;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		assert_false(dir_cursor_read(rows[i], a, &c, &e));
		assert_int_equal(e.kind, ERR_RETRY);
		assert_string_equal(e.code, "cursor-invalid");
	}
}

static void
test_I1_4_1_cursor_is_bound_to_controller_context_and_request(void **state)
{
	(void)state;
	struct dir_cursor others[] = { sample, sample, sample, sample };
	static const char *const says[] = { "naming context", "another domain controller",
		"gone back", "classes or attributes" };
	others[0].context = "other";
	others[1].invocation = "other";
	others[2].usn = sample.usn - 1; /* the controller knows less than it did */
	others[3].request = "other";
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct err e = { 0 };
		assert_false(dir_cursor_fits(&sample, &others[i], &e));
		assert_int_equal(e.kind, ERR_RETRY);
		assert_string_equal(e.code, "cursor-invalid");
		assert_non_null(strstr(e.text, says[i]));
	}
	struct dir_cursor later = sample;
	later.usn++;
	assert_true(dir_cursor_fits(&sample, &later, NULL));
}

static void
test_4_1_request_digest(void **state)
{
	(void)state;
	char one[65], two[65];
	dir_request_digest((const char *const[]){ "user", "group", NULL },
		(const char *const[]){ "mail", "cn", NULL }, one);
	dir_request_digest((const char *const[]){ "Group", "user", "user", NULL },
		(const char *const[]){ "CN", "Mail", NULL }, two);
	assert_string_equal(one, two);
	dir_request_digest((const char *const[]){ "user", "group", "mail", NULL },
		(const char *const[]){ "cn", NULL }, two);
	assert_string_not_equal(one, two);
	dir_request_digest((const char *const[]){ "user", "group", NULL },
		(const char *const[]){ "mail", NULL }, two);
	assert_string_not_equal(one, two);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cursor_round_trip),
		cmocka_unit_test(test_cursor_that_cannot_be_read),
		cmocka_unit_test(test_I1_4_1_cursor_is_bound_to_controller_context_and_request),
		cmocka_unit_test(test_4_1_request_digest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
