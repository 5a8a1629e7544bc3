#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/err.h"

static void
test_set_fills_and_returns_false(void **state)
{
	struct err e = { .wait = 9 };

	(void)state;
	assert_false(err_set(&e, ERR_SIDE, "quota", "mailbox %d is full", 7));
	assert_int_equal(e.kind, ERR_SIDE);
	assert_int_equal(e.wait, 0);
	assert_string_equal(e.code, "quota");
	assert_string_equal(e.text, "mailbox 7 is full");
	assert_false(err_set(NULL, ERR_SIDE, "quota", "nobody listens"));
}

static void
test_wrap_keeps_kind_and_code(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_WAIT, "rate", "slow down");
	e.wait = 30;
	assert_false(err_wrap(&e, "creating %s", "anna"));
	assert_string_equal(e.text, "creating anna: slow down");
	assert_int_equal(e.wait, 30);
	assert_int_equal(e.kind, ERR_WAIT);
	err_set(&e, ERR_SIDE, "again", "%s, again", e.text); /* arguments within the field */
	assert_string_equal(e.text, "creating anna: slow down, again");
}

static void
test_long_text_says_that_it_was_cut(void **state)
{
	char longer[3000];
	struct err e;

	(void)state;
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	err_set(&e, ERR_OBJECT, "c", "%s", longer);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_string_equal(e.text + sizeof(e.text) - 4, "...");
	for (size_t i = 0; i + 2 < sizeof(longer); i += 2)
		memcpy(longer + i, "\xC3\xA4", 2);
	for (int shift = 0; shift < 2; shift++) {
		err_set(&e, ERR_OBJECT, "c", "%s", longer);
		err_wrap(&e, "%s", shift ? "odd" : "even");
		size_t n = strlen(e.text);
		assert_string_equal(e.text + n - 3, "...");
		assert_int_equal((unsigned char)e.text[n - 4], 0xA4); /* a whole letter before it */
	}
}

static void
test_kind_names_both_ways(void **state)
{
	enum err_kind kind;

	(void)state;
	for (int k = ERR_OBJECT; k <= ERR_CONFIG; k++) {
		assert_true(err_kind_parse(err_kind_name((enum err_kind)k), &kind));
		assert_int_equal(kind, k);
	}
	assert_false(err_kind_parse("none", &kind));
	assert_false(err_kind_parse("Side", &kind));
	assert_false(err_kind_parse(NULL, &kind));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_fills_and_returns_false),
		cmocka_unit_test(test_wrap_keeps_kind_and_code),
		cmocka_unit_test(test_long_text_says_that_it_was_cut),
		cmocka_unit_test(test_kind_names_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
