#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/json.h"
#include "base/mem.h"

static struct json *
parse(const char *text)
{
	struct json *j = NULL;
	struct err e = { 0 };

	if (!json_parse(str_c(text), 0, &j, &e))
		fail_msg("%s: %s", text, e.text);
	return j;
}

static void
assert_refused(struct str text, size_t max, const char *why)
{
	struct json *j = NULL;
	struct err e = { 0 };

	assert_false(json_parse(text, max, &j, &e));
	assert_null(j);
	assert_int_equal(e.kind, ERR_OBJECT);
	assert_string_equal(e.code, "bad-json");
	if (!strstr(e.text, why))
		fail_msg("\"%s\" does not say \"%s\"", e.text, why);
}

static void
test_refuses_what_cjson_takes(void **state)
{
	static const struct {
		struct str text;
		const char *why;
	} cases[] = {
		{ STR(""), "byte 0: value" },
		{ STR(" "), "byte 1: value" },
		{ STR("{\"a\":1,\"a\":2}"), "\"a\" occurs twice" },
		{ STR("{\"a\":1,\"\\u0061\":2}"), "\"a\" occurs twice" },
		{ STR("[{\"x\":{\"a\":1,\"a\":2}}]"), "twice" },
		{ STR("{} x"), "byte 3: more text" },
		{ STR("{}\0"), "byte 2: more text" },
		{ STR("\"a\\u0000b\""), "byte 2: NUL" },
		{ STR("{\"\\u0000\":1}"), "NUL" },
		{ STR("\"a\0b\""), "raw control" },
		{ STR("\"a\nb\""), "raw control" },
		{ STR("\"\xFF\""), "byte 1: invalid UTF-8" },
		{ STR("\"\xED\xA0\x80\""), "invalid UTF-8" },
		{ STR("\"\\ud800\""), "lone surrogate" },
		{ STR("\"\\udc00\""), "lone surrogate" },
		{ STR("\"\\ud800\\u0041\""), "lone surrogate" },
		{ STR("\"\\ud800\\ud800\""), "lone surrogate" },
		{ STR("\"\\u12g4\""), "four hexadecimal" },
		{ STR("\"\\x\""), "unknown escape" },
		{ STR("\"\\"), "unfinished escape" },
		{ STR("\"a"), "unfinished string" },
		{ STR("[1"), "unfinished document" },
		{ STR("[1,]"), "value expected" },
		{ STR("{\"a\":1,}"), "name in quotes" },
		{ STR("{a:1}"), "name in quotes" },
		{ STR("{\"a\" 1}"), "':' expected" },
		{ STR("[1 2]"), "',' or ']'" },
		{ STR("\xEF\xBB\xBF{}"), "value expected" },
		{ STR("\f1"), "value expected" },
		{ STR("01"), "more text" },
		{ STR("1."), "digit expected" },
		{ STR(".5"), "value expected" },
		{ STR("+1"), "value expected" },
		{ STR("-"), "digit expected" },
		{ STR("1e"), "digit expected" },
		{ STR("1e999"), "too large" },
		{ STR("[-1e999]"), "too large" },
		{ STR("0x10"), "more text" },
		{ STR("NaN"), "value expected" },
		{ STR("True"), "value expected" },
		{ STR("nul"), "value expected" },
		{ STR("truex"), "more text" },
		{ STR("'a'"), "value expected" },
		{ STR("[1]/**/"), "more text" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_refused(cases[i].text, 0, cases[i].why);
	assert_refused(STR("[1,2,3]"), 6, "at most 6");
}

static void
test_limits(void **state)
{
	struct buf b CLEAN_BUF = { 0 };
	struct json *j CLEAN_JSON = NULL;
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_addc(&b, '[');
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		buf_addc(&b, ']');
	assert_true(json_parse(buf_str(&b), 0, &j, &e));
	buf_reset(&b);
	for (int i = 0; i < 1000000; i++)
		buf_addc(&b, '[');
	assert_refused(buf_str(&b), 0, "nested too deep");
	buf_reset(&b);
	for (int i = 0; i < 100; i++)
		buf_addc(&b, '9');
	assert_refused(buf_str(&b), 0, "too many digits");
}

/* 100,000 members: seconds if anything were quadratic. */
static void
test_many_members(void **state)
{
	struct json *j CLEAN_JSON = NULL, *again CLEAN_JSON = NULL;
	struct buf b CLEAN_BUF = { 0 };
	struct err e = { 0 };

	(void)state;
	buf_addc(&b, '{');
	for (int i = 0; i < 100000; i++)
		buf_addf(&b, "\"name%d\":%d,", i, i);
	buf_adds(&b, "\"z\":1}");
	assert_true(json_parse(buf_str(&b), 0, &j, &e));
	assert_int_equal(json_count(j), 100001);
	assert_true(json_parse(buf_str(&b), 0, &again, &e));
	assert_true(json_equal(j, again));
	buf_take(&b, 1);
	b.n--;
	struct buf twice CLEAN_BUF = { 0 };
	buf_addf(&twice, "{%s,\"name77\":0}", buf_cstr(&b));
	assert_refused(buf_str(&twice), 0, "\"name77\" occurs twice");
}

static void
test_reads_values(void **state)
{
	struct json *j CLEAN_JSON = parse(" {\"s\":\"\\u00e4\\ud83d\\ude00\\n\",\"S\":\"other\","
					  "\"i\":9007199254740992,\"h\":1.5,\"big\":1e300,"
					  "\"t\":true,\"n\":null,\"a\":[1,\"x\",{}],\"neg\":-3} ");
	static const char *const keys[] = { "s", "S", "i", "h", "big", "t", "n", "a", "neg" };
	size_t at = 0;

	(void)state;
	assert_string_equal(json_get_string(j, "s"), "\xC3\xA4\xF0\x9F\x98\x80\n");
	assert_string_equal(json_get_string(j, "S"), "other");
	assert_null(json_get_string(j, "i"));
	assert_null(json_get(j, "I"));
	assert_null(json_get(json_get(j, "a"), "x"));
	assert_null(json_get(NULL, "x"));
	assert_int_equal(json_get_int(j, "i", -1), 9007199254740992);
	assert_int_equal(json_get_int(j, "neg", 0), -3);
	assert_int_equal(json_get_int(j, "h", -1), -1);
	assert_int_equal(json_get_int(j, "big", -1), -1);
	assert_int_equal(json_get_int(j, "s", -1), -1);
	assert_true(json_get_bool(j, "t", false));
	assert_true(json_get_bool(j, "n", true));
	assert_int_equal(json_type(json_get(j, "n")), JSON_NULL);
	assert_int_equal(json_type(NULL), JSON_NULL);
	assert_int_equal(json_count(json_get(j, "a")), 3);
	assert_int_equal(json_count(json_get(j, "s")), 0);
	json_for_each(it, j)
		assert_string_equal(json_key(it), keys[at++]);
	assert_int_equal(at, ARRAY_LEN(keys));
}

static void
test_builds_and_changes(void **state)
{
	struct json *j CLEAN_JSON = json_new_object(), *copy CLEAN_JSON = NULL;
	struct json *a = json_new_array(), *child;
	struct buf b CLEAN_BUF = { 0 };

	(void)state;
	json_set_string(j, "x", "1");
	json_set_string(j, "X", "2");
	json_set(j, "a", a);
	json_push(a, json_new_number(0.1));
	json_push(a, json_new_bool(false));
	json_push(a, json_new_null());
	json_set(j, "x", json_new_number(7));
	copy = json_dup(j);
	assert_true(json_equal(j, copy));
	json_print(j, &b);
	assert_string_equal(buf_cstr(&b), "{\"x\":7,\"X\":\"2\",\"a\":[0.1,false,null]}");
	child = json_detach(j, json_get_mut(j, "X"));
	assert_string_equal(json_string(child), "2");
	json_free(child);
	assert_true(json_remove(j, "a"));
	assert_false(json_remove(j, "a"));
	assert_int_equal(json_count(j), 1);
	assert_false(json_equal(j, copy));
}

static void
test_equal_ignores_order_of_members_only(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "{\"a\":1,\"b\":[{\"x\":1,\"y\":2}]}", "{\"b\":[{\"y\":2,\"x\":1}],\"a\":1}",
			true },
		{ "[1,2]", "[2,1]", false },
		{ "[1]", "[1,1]", false },
		{ "{}", "[]", false },
		{ "{\"a\":null}", "{}", false },
		{ "{\"a\":1}", "{\"A\":1}", false },
		{ "1", "1.0", true },
		{ "\"1\"", "1", false },
		{ "null", "false", false },
		{ "true", "false", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json *a CLEAN_JSON = parse(cases[i].a), *b CLEAN_JSON = parse(cases[i].b);

		assert_int_equal(json_equal(a, b), cases[i].equal);
	}
	assert_true(json_equal(NULL, NULL));
}

static void
test_numbers_read_back_equal(void **state)
{
	static const double values[] = { 0, -0.0, 1, -1, 0.1, 1.0 / 3, 1e21, 1e300, 5e-324,
		1.7976931348623157e308, 123456789012345680.0, 9007199254740993.0,
		0.30000000000000004 };
	static const struct {
		double v;
		const char *text;
	} shown[] = { { 0.1, "0.1" }, { 5, "5" }, { 9007199254740991.0, "9007199254740991" },
		{ 1e21, "1e+21" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct json *n CLEAN_JSON = json_new_number(values[i]), *back CLEAN_JSON = NULL;
		struct buf b CLEAN_BUF = { 0 };

		json_print(n, &b);
		back = parse(buf_cstr(&b));
		assert_true(json_number(back, -7) == values[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		struct buf b CLEAN_BUF = { 0 };
		struct jsonw w = jsonw(&b);

		jsonw_num(&w, NULL, shown[i].v);
		assert_string_equal(buf_cstr(&b), shown[i].text);
	}
}

static void
test_writer(void **state)
{
	struct json *j CLEAN_JSON = parse("{\"k\":[]}");
	struct buf b CLEAN_BUF = { 0 };
	struct jsonw w = jsonw(&b);

	(void)state;
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "s", "q\"b\\c\x01\n\x7F/");
	jsonw_str(&w, "no", NULL);
	jsonw_arr(&w, "a");
	jsonw_int(&w, NULL, INT64_MIN);
	jsonw_obj(&w, NULL);
	jsonw_end(&w);
	jsonw_arr(&w, NULL);
	jsonw_end(&w);
	jsonw_num(&w, NULL, 1.0 / 0.0);
	jsonw_end(&w);
	jsonw_bool(&w, "t", true);
	jsonw_raw(&w, "r", "[1]", 3);
	jsonw_json(&w, "j", j);
	jsonw_strn(&w, "bad", "a\xFF\0b", 4);
	jsonw_end(&w);
	assert_string_equal(buf_cstr(&b),
		"{\"s\":\"q\\\"b\\\\c\\u0001\\n\x7F/"
		"\",\"no\":null,\"a\":[-9223372036854775808,{},[],null],"
		"\"t\":true,\"r\":[1],\"j\":{\"k\":[]},\"bad\":\"a\xEF\xBF\xBD\xEF\xBF\xBD"
		"b\"}");
	struct json *back CLEAN_JSON = parse(buf_cstr(&b));
	assert_string_equal(json_get_string(back, "s"), "q\"b\\c\x01\n\x7F/");
}

/* Strings are looked at eight bytes at a time: every byte must be found in every place of a word. */
static void
test_each_byte_in_each_place(void **state)
{
	(void)state;
	for (unsigned c = 1; c < 256; c++) {
		for (size_t at = 0; at < 20; at++) {
			struct buf written CLEAN_BUF = { 0 };
			struct buf raw CLEAN_BUF = { 0 };
			struct json *j CLEAN_JSON = NULL;
			char text[21] = "~ }01234567 aZ[]#!~ ";
			bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

			text[at] = (char)c;
			struct jsonw w = jsonw(&written);
			jsonw_obj(&w, NULL);
			jsonw_str(&w, "s", text);
			jsonw_end(&w);
			struct json *back CLEAN_JSON = parse(buf_cstr(&written));
			const char *read = json_get_string(back, "s");
			if (c < 0x80) {
				assert_string_equal(read, text);
			} else {
				assert_memory_equal(read, text, at);
				assert_memory_equal(read + at, "\xEF\xBF\xBD", 3);
				assert_string_equal(read + at + 3, text + at + 1);
			}
			assert_int_equal(written.n == sizeof("{\"s\":\"\"}") - 1 + 20, plain);
			if (c == '"' || c == '\\')
				continue;
			buf_addf(&raw, "\"%s\"", text);
			assert_int_equal(json_parse(buf_str(&raw), 0, &j, NULL), plain);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses_what_cjson_takes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_many_members),
		cmocka_unit_test(test_reads_values),
		cmocka_unit_test(test_builds_and_changes),
		cmocka_unit_test(test_equal_ignores_order_of_members_only),
		cmocka_unit_test(test_numbers_read_back_equal),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_each_byte_in_each_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
