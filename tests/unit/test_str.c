#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/str.h"

static void
test_views(void **state)
{
	(void)state;
	assert_int_equal(str_c(NULL).n, 0);
	assert_true(str_eq(str_trim(STR(" \t\r\n a b \v\f")), STR("a b")));
	assert_int_equal(str_trim(STR("  ")).n, 0);
	assert_true(str_ieqc(STR("MiXed"), "mIxED"));
	assert_false(str_ieqc(STR("\xC3\x84"), "\xC3\xA4"));
	assert_false(str_ieq(STR("["), STR("{")));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("\xFF"), STR("a")) > 0);
	assert_int_equal(str_cmp(STR(""), (struct str){ 0 }), 0);
	assert_true(str_starts(STR("abc"), "ab"));
	assert_true(str_starts(STR(""), ""));
	assert_false(str_starts(STR("a"), "ab"));
	char text[] = "A[Z\xC3\x84";
	ascii_lower(text);
	assert_string_equal(text, "a[z\xC3\x84");
}

static void
test_buf_grows_and_keeps_its_nul(void **state)
{
	struct buf b CLEAN_BUF = { 0 };

	(void)state;
	assert_string_equal(buf_cstr(&b), "");
	buf_take(&b, 5);
	buf_add(&b, NULL, 0);
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "%d,", i);
	assert_int_equal(b.n, 3890);
	assert_int_equal(strlen(b.p), b.n);
	buf_take(&b, 3886);
	assert_string_equal(buf_cstr(&b), "999,");
	buf_addf(&b, "%0200d", 1);
	assert_int_equal(b.n, 204);
	buf_take(&b, 204);
	assert_string_equal(b.p, "");
}

static void
test_utf8_rfc3629(void **state)
{
	static const char *const good[] = { "", "a", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80",
		"\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80",
		"\xF4\x8F\xBF\xBF", "0123456789abcdef\xC3\xA4tail of ascii text" };
	static const char *const bad[] = { "\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3",
		"\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF",
		"\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2\x82", "\xC3\x28",
		"0123456789abcdef\xFE" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(utf8_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(utf8_valid(bad[i], strlen(bad[i])));
	assert_true(utf8_valid("\0", 1));
}

static void
test_fold(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "Anna.BERG@Example.ORG", "anna.berg@example.org" },
		{ "STRASSE", "strasse" },
		{ "Stra\xC3\x9F"
		  "e",
			"strasse" },
		{ "\xC3\x84RGER", "\xC3\xA4rger" },
		{ "A\xCC\x88rger", "\xC3\xA4rger" },                        /* combining */
		{ "\xEF\xBC\xA1\xEF\xBC\xA2", "ab" },                       /* full width */
		{ "\xCE\xA3\xCE\xB1\xCF\x82", "\xCF\x83\xCE\xB1\xCF\x83" }, /* final sigma */
		{ "so\xC2\xAD"
		  "ft",
			"soft" }, /* soft hyphen is ignored */
		{ "A\xFF"
		  "B",
			"a\xFF"
			"b" }, /* invalid: bytes */
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b CLEAN_BUF = { 0 };

		buf_adds(&b, "X");
		utf8_fold(cases[i].in, strlen(cases[i].in), &b);
		assert_int_equal(b.p[0], 'X');
		assert_string_equal(b.p + 1, cases[i].out);
	}
}

static void
test_escape_for_terminals(void **state)
{
	static const struct {
		const char *in;
		size_t max;
		const char *out;
	} cases[] = {
		{ "plain", 0, "plain" },
		{ "a\nb\x1b[31m", 0, "a\\x0ab\\x1b[31m" },
		{ "\xC3\xA4\xFF\x7F", 0, "\xC3\xA4\\xff\\x7f" },
		{ "\xC2\x9B"
		  "1m",
			0, "\\xc2\\x9b1m" }, /* CSI in one character */
		{ "a\xE2\x80\xAE"
		  "b\xE2\x81\xA9\xD8\x9C\xE2\x80\xA9",
			0,
			"a\\xe2\\x80\\xaeb\\xe2\\x81\\xa9\\xd8\\x9c\\xe2\\x80\\xa9" }, /* turned */
		{ "\xD7\xA9\xE2\x80\x8D\xE2\x80\x93\xE2\x80\xA6\xE2\x81\xA0", 0,
			"\xD7\xA9\xE2\x80\x8D\xE2\x80\x93\xE2\x80\xA6\xE2\x81\xA0" }, /* not */
		{ "12345678", 8, "12345678" },
		{ "123456789", 8, "12345..." },
		{ "1234\xC3\xA4"
		  "56789",
			8, "1234..." },
		{ "12345\n\n\n", 8, "12345..." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b CLEAN_BUF = { 0 };

		text_escape(cases[i].in, strlen(cases[i].in), cases[i].max, &b);
		assert_string_equal(buf_cstr(&b), cases[i].out);
	}
}

static void
test_base64_is_strict(void **state)
{
	static const struct {
		const char *plain, *coded;
	} good[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "\xFF\xFE\xFD\xFC", "//79/A==" } };
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v\n",
		" Zm9", "Zm-_", "====", "Zg==Zg==" };
	struct buf b CLEAN_BUF = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		buf_reset(&b);
		base64_encode(good[i].plain, strlen(good[i].plain), &b);
		assert_string_equal(buf_cstr(&b), good[i].coded);
		buf_reset(&b);
		assert_true(base64_decode(good[i].coded, strlen(good[i].coded), &b));
		assert_string_equal(buf_cstr(&b), good[i].plain);
	}
	buf_reset(&b);
	buf_adds(&b, "keep");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(base64_decode(bad[i], strlen(bad[i]), &b));
		assert_string_equal(buf_cstr(&b), "keep");
	}
	hex_encode("\x00\xAB", 2, &b);
	assert_string_equal(buf_cstr(&b), "keep00ab");
}

static void
test_nearest_for_did_you_mean(void **state)
{
	static const char *const names[] = { "source", "target", "schedule", "scope", NULL };
	char longer[300];

	(void)state;
	assert_string_equal(text_nearest("sorce", names), "source");
	assert_string_equal(text_nearest("TARGET", names), "target");
	assert_string_equal(text_nearest("shedule", names), "schedule");
	assert_null(text_nearest("zzzz", names));
	assert_null(text_nearest("", names));
	assert_null(text_nearest("x", names));
	memset(longer, 's', sizeof(longer));
	longer[299] = '\0';
	assert_null(text_nearest(longer, names));
}

static void
test_sha256(void **state)
{
	char hex[65];

	(void)state;
	sha256_hex("abc", 3, hex);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_buf_grows_and_keeps_its_nul),
		cmocka_unit_test(test_utf8_rfc3629),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_escape_for_terminals),
		cmocka_unit_test(test_base64_is_strict),
		cmocka_unit_test(test_nearest_for_did_you_mean),
		cmocka_unit_test(test_sha256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
