/* What resources are ordered by: RFC 7644 3.4.2.3. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "scim/sort.h"

/* Two users each; the first comes before the second, or they are equal. */
static const struct {
	const char *by, *first, *second;
	bool equal;
} pairs[] = {
	{ "userName", "{\"userName\":\"Ann\"}", "{\"userName\":\"bert\"}", false },
	{ "USERNAME", "{\"userName\":\"ANN\"}", "{\"userName\":\"ann\"}", true },
	{ "userName", "{\"userName\":\"an\"}", "{\"userName\":\"ann\"}", false },
	{ "name.familyName", "{\"name\":{\"familyName\":\"M\\u00dcLLER\"}}",
		"{\"name\":{\"familyName\":\"m\\u00fcller\"}}", true },
	{ "name.familyName", "{\"name\":{\"familyName\":\"z\"}}",
		"{\"name\":{\"familyName\":\"\\u00e4\"}}", false },
	{ "externalId", "{\"externalId\":\"B\"}", "{\"externalId\":\"a\"}", false }, /* caseExact */
	/* nothing, null and "" are no value, and last */
	{ "title", "{\"title\":\"\\uffff\"}", "{}", false },
	{ "title", "{\"title\":null}", "{\"title\":\"\"}", true },
	{ "name.givenName", "{\"name\":{\"givenName\":\"x\"}}", "{\"name\":{}}", false },
	/* by type */
	{ "active", "{\"active\":false}", "{\"active\":true}", false },
	{ "meta.created", "{\"meta\":{\"created\":\"2026-01-01T01:00:00+02:00\"}}",
		"{\"meta\":{\"created\":\"2026-01-01T00:00:00Z\"}}", false },
	{ "meta.created", "{\"meta\":{\"created\":\"2026-01-01T00:00:00.1Z\"}}",
		"{\"meta\":{\"created\":\"2026-01-01T00:00:00.25Z\"}}", false },
	{ "meta.created", "{\"meta\":{\"created\":\"1969-12-31T23:59:59Z\"}}",
		"{\"meta\":{\"created\":\"1970-01-01T00:00:00Z\"}}", false },
	/* of a list the primary value, else the first */
	{ "emails", "{\"emails\":[{\"value\":\"z\"},{\"value\":\"a\",\"primary\":true}]}",
		"{\"emails\":[{\"value\":\"b\"},{\"value\":\"a\"}]}", false },
	{ "emails.type", "{\"emails\":[{\"type\":\"home\",\"value\":\"z\"}]}",
		"{\"emails\":[{\"type\":\"work\",\"value\":\"a\"}]}", false },
	{ "emails.value", "{\"emails\":[{\"value\":\"x\"}]}", "{\"emails\":[]}", false },
	{ SCIM_URN_LOCKSTEP ":aliases", "{\"" SCIM_URN_LOCKSTEP "\":{\"aliases\":[\"B\",\"a\"]}}",
		"{\"" SCIM_URN_LOCKSTEP "\":{\"aliases\":[\"c\"]}}", false },
	{ SCIM_URN_ENTERPRISE ":manager",
		"{\"" SCIM_URN_ENTERPRISE "\":{\"manager\":{\"value\":\"1\"}}}",
		"{\"" SCIM_URN_ENTERPRISE "\":{\"manager\":{\"value\":\"2\"}}}", false },
	{ "noSuchName", "{\"noSuchName\":1}", "{\"noSuchName\":2}", true },
};

static void
key_of(const char *by, const char *user, struct buf *key)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_JSON struct json *j = NULL;
	struct scim_path p;
	struct err e = { 0 };

	assert_true(json_parse(str_c(user), 0, &j, &e));
	assert_true(scim_sort_parse(&scim_types[SCIM_USER], by, a, &p, &e));
	scim_sort_key(&p, j, key);
}

static void
test_sort_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		CLEAN_BUF struct buf x = { 0 }, y = { 0 };
		int order;
		key_of(pairs[i].by, pairs[i].first, &x);
		key_of(pairs[i].by, pairs[i].second, &y);
		order = str_cmp(buf_str(&x), buf_str(&y));
		if (pairs[i].equal ? order != 0 : order >= 0)
			fail_msg("%s: %s %s: %d", pairs[i].by, pairs[i].first, pairs[i].second,
				order);
	}
}

/* No attribute of ours is a number yet. */
static void
test_sort_keys_of_numbers(void **state)
{
	static const struct scim_attr attr = { .name = "n", .kind = SCIM_DECIMAL };
	static const struct scim_schema schema = { .urn = "urn:x", .attrs = &attr, .n_attrs = 1 };
	static const struct scim_path path = { .schema = &schema, .attr = &attr };
	static const double ascending[] = { -1e300, -2, -1, -0.0, 0.25, 1, 10, 1e300 };
	CLEAN_BUF struct buf last = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ascending); i++) {
		CLEAN_JSON struct json *j = json_new_object();
		CLEAN_BUF struct buf key = { 0 };
		json_set(j, "n", json_new_number(ascending[i]));
		scim_sort_key(&path, j, &key);
		assert_true(str_cmp(buf_str(&last), buf_str(&key)) < 0);
		buf_reset(&last);
		buf_add(&last, key.p, key.n);
	}
}

static void
test_sort_keys_are_bounded(void **state)
{
	CLEAN_BUF struct buf user = { 0 }, key = { 0 };

	(void)state;
	buf_adds(&user, "{\"title\":\"");
	for (int i = 0; i < 5000; i++)
		buf_adds(&user, "\xc3\x84");
	buf_adds(&user, "\"}");
	buf_adds(&key, "kept");
	key_of("title", buf_cstr(&user), &key);
	assert_int_equal(key.n, 4 + SCIM_SORT_BYTES);
	assert_memory_equal(key.p, "kept\x01\xc3\xa4", 7);
}

static void
test_sort_by_what_has_no_order_is_refused(void **state)
{
	static const char *const wrong[] = { "name", "addresses", "groups", "groups.value", "meta",
		"", "emails[type eq \"work\"]", "user name", SCIM_URN_ENTERPRISE };
	CLEAN_ARENA struct arena *a = arena_new();
	struct scim_path p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct err e = { 0 };
		if (scim_sort_parse(&scim_types[SCIM_USER], wrong[i], a, &p, &e))
			fail_msg("%s: accepted", wrong[i]);
		assert_string_equal(e.code, "invalidValue");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort_keys),
		cmocka_unit_test(test_sort_keys_of_numbers),
		cmocka_unit_test(test_sort_keys_are_bounded),
		cmocka_unit_test(test_sort_by_what_has_no_order_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
