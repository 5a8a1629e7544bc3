/* The normal form of a resource, what is refused, and what a server indexes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "scim/resource.h"

#define U "\"schemas\":[\"" SCIM_URN_USER "\"],"

static const struct {
	const char *in, *out, *code;
} users[] = {
	{ "{\"userName\":\"a\"}", "{" U "\"userName\":\"a\"}", NULL },
	/* schema order, canonical names, unknown and read-only passed over */
	{ "{\"ACTIVE\":true,\"id\":\"x\",\"meta\":{},\"foo\":1,\"groups\":[{\"value\":\"g\"}],"
	  "\"username\":\"a\",\"externalid\":\"E\"}",
		"{" U "\"externalId\":\"E\",\"userName\":\"a\",\"active\":true}", NULL },
	/* nothing and null and empty are the same */
	{ "{\"userName\":\"a\",\"title\":null,\"emails\":[],\"name\":{},\"addresses\":[{}],"
	  "\"phoneNumbers\":[{\"foo\":1}]}",
		"{" U "\"userName\":\"a\"}", NULL },
	{ "{\"userName\":\"a\",\"" SCIM_URN_ENTERPRISE "\":{\"foo\":1}}",
		"{" U "\"userName\":\"a\"}", NULL },
	/* tolerated shapes */
	{ "{\"userName\":\"a\",\"active\":\"FALSE\"}", "{" U "\"userName\":\"a\",\"active\":false}",
		NULL },
	{ "{\"userName\":\"a\",\"emails\":\"e\"}",
		"{" U "\"userName\":\"a\",\"emails\":[{\"value\":\"e\"}]}", NULL },
	{ "{\"userName\":\"a\",\"emails\":{\"value\":\"e\"}}",
		"{" U "\"userName\":\"a\",\"emails\":[{\"value\":\"e\"}]}", NULL },
	{ "{\"userName\":[\"a\"],\"name\":[{\"givenName\":\"G\"}],\"emails\":[]}",
		"{" U "\"userName\":\"a\",\"name\":{\"givenName\":\"G\"}}", NULL },
	{ "{\"userName\":[\"a\",\"b\"]}", NULL, "invalidValue" },
	/* never kept */
	{ "{\"userName\":\"a\",\"password\":\"secret\"}", "{" U "\"userName\":\"a\"}", NULL },
	{ "[]", NULL, "invalidSyntax" },
	{ "{}", NULL, "invalidValue" },
	{ "{\"userName\":\"\"}", NULL, "invalidValue" },
	{ "{\"userName\":5}", NULL, "invalidValue" },
	{ "{\"userName\":\"a\",\"USERNAME\":\"b\"}", NULL, "invalidSyntax" },
	{ "{\"userName\":\"a\",\"active\":\"yes\"}", NULL, "invalidValue" },
	{ "{\"userName\":\"a\",\"name\":\"x\"}", NULL, "invalidValue" },
	{ "{\"userName\":\"a\",\"emails\":[{\"value\":[]},{\"value\":{\"x\":1}}]}", NULL,
		"invalidValue" },
	{ "{\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"primary\":true},{\"value\":\"f\","
	  "\"primary\":true}]}",
		NULL, "invalidValue" },
	{ "{\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"primary\":true},{\"value\":\"f\","
	  "\"primary\":\"True\"}]}",
		NULL, "invalidValue" },
	{ "{\"userName\":\"a\",\"" SCIM_URN_ENTERPRISE "\":\"x\"}", NULL, "invalidValue" },
};

static void
test_resource_normal_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		CLEAN_JSON struct json *j = NULL;
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_BUF struct buf out = { 0 };
		struct scim_keys keys;
		struct err e = { 0 };
		assert_true(json_parse(str_c(users[i].in), 0, &j, &e));
		bool ok = scim_resource_write(&scim_types[SCIM_USER], j, a, &out, &keys, &e);
		if (ok != (users[i].out != NULL))
			fail_msg("%s: %s", users[i].in, ok ? "accepted" : e.text);
		if (ok)
			assert_string_equal(buf_cstr(&out), users[i].out);
		else
			assert_string_equal(e.code, users[i].code);
	}
}

static void
test_resource_keys(void **state)
{
	CLEAN_JSON struct json *j = NULL;
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf out = { 0 };
	struct scim_keys k;
	struct err e = { 0 };

	(void)state;
	assert_true(json_parse(STR("{\"userName\":\"u\",\"externalId\":\"x\",\"emails\":[{"
				   "\"value\":\"e\"},{\"value\":\"f\"}],"
				   "\"" SCIM_URN_LOCKSTEP "\":{\"aliases\":[\"p\",\"q\",\"r\"]}}"),
		0, &j, &e));
	assert_true(scim_resource_write(&scim_types[SCIM_USER], j, a, &out, &k, &e));
	assert_string_equal(k.name, "u");
	assert_string_equal(k.external, "x");
	assert_int_equal(k.n_addresses, 5);
	size_t aliases = 0;
	for (size_t i = 0; i < k.n_addresses; i++)
		aliases += k.addresses[i].key == SCIM_KEY_ALIAS;
	assert_int_equal(aliases, 3);
}

static void
test_resource_group_members_stay_outside(void **state)
{
	CLEAN_JSON struct json *j = NULL;
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf out = { 0 };
	struct scim_keys k;
	struct err e = { 0 };

	(void)state;
	assert_true(json_parse(
		STR("{\"displayName\":\"g\",\"members\":[{\"value\":\"1\"},{\"value\":\"2\"}]}"), 0,
		&j, &e));
	assert_true(scim_resource_write(&scim_types[SCIM_GROUP], j, a, &out, &k, &e));
	assert_string_equal(
		buf_cstr(&out), "{\"schemas\":[\"" SCIM_URN_GROUP "\"],\"displayName\":\"g\"}");
	assert_int_equal(json_count(k.members), 2);
	assert_string_equal(k.name, "g");
}

static void
test_resource_long_keys_are_refused(void **state)
{
	CLEAN_JSON struct json *j = json_new_object();
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf name = { 0 };
	CLEAN_BUF struct buf out = { 0 };
	struct scim_keys k;
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i <= SCIM_KEY_BYTES; i++)
		buf_addc(&name, 'x');
	json_set_string(j, "userName", buf_cstr(&name));
	assert_false(scim_resource_write(&scim_types[SCIM_USER], j, a, &out, &k, &e));
	assert_string_equal(e.code, "invalidValue");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resource_normal_form),
		cmocka_unit_test(test_resource_keys),
		cmocka_unit_test(test_resource_group_members_stay_outside),
		cmocka_unit_test(test_resource_long_keys_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
