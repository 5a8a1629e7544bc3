/* PATCH in the RFC's form and in every shape that Entra and Okta send (research: targets 1.3). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "scim/patch.h"
#include "scim/resource.h"

#define U   "\"schemas\":[\"" SCIM_URN_USER "\"],"
#define UE  "\"schemas\":[\"" SCIM_URN_USER "\",\"" SCIM_URN_ENTERPRISE "\"],"
#define UL  "\"schemas\":[\"" SCIM_URN_USER "\",\"" SCIM_URN_LOCKSTEP "\"],"
#define ENT "\"" SCIM_URN_ENTERPRISE "\":"
#define LCK "\"" SCIM_URN_LOCKSTEP "\":"

static const struct {
	const char *name, *before, *ops, *after; /* after NULL: refused with code */
	const char *code;
} cases[] = {
	/* RFC 7644 */
	{ "add single", "{\"userName\":\"a\"}",
		"[{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"}]",
		"{" U "\"userName\":\"a\",\"title\":\"x\"}", NULL },
	{ "replace absent is add", "{\"userName\":\"a\"}",
		"[{\"op\":\"replace\",\"path\":\"name.givenName\",\"value\":\"x\"}]",
		"{" U "\"userName\":\"a\",\"name\":{\"givenName\":\"x\"}}", NULL },
	{ "complex keeps what is not given",
		"{\"userName\":\"a\",\"name\":{\"givenName\":\"x\",\"familyName\":\"y\"}}",
		"[{\"op\":\"replace\",\"path\":\"name\",\"value\":{\"familyName\":\"z\"}}]",
		"{" U "\"userName\":\"a\",\"name\":{\"familyName\":\"z\",\"givenName\":\"x\"}}",
		NULL },
	{ "add present value",
		"{\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"type\":\"work\"}]}",
		"[{\"op\":\"add\",\"path\":\"emails\",\"value\":[{\"value\":\"E\",\"type\":"
		"\"work\"}]}]",
		"{" U "\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"type\":\"work\"}]}",
		NULL },
	{ "new primary clears others",
		"{\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"primary\":true}]}",
		"[{\"op\":\"add\",\"path\":\"emails\",\"value\":{\"value\":\"f\",\"primary\":true}}"
		"]",
		"{" U "\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"primary\":false},{"
		"\"value\":\"f\",\"primary\":true}]}",
		NULL },
	{ "replace list", "{\"userName\":\"a\",\"emails\":[{\"value\":\"e\"},{\"value\":\"f\"}]}",
		"[{\"op\":\"replace\",\"path\":\"emails\",\"value\":[{\"value\":\"g\"}]}]",
		"{" U "\"userName\":\"a\",\"emails\":[{\"value\":\"g\"}]}", NULL },
	{ "replace selected element",
		"{\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"type\":\"work\",\"display\":"
		"\"E\"}]}",
		"[{\"op\":\"replace\",\"path\":\"emails[type eq "
		"\\\"work\\\"]\",\"value\":{\"value\":\"g\"}}]",
		"{" U "\"userName\":\"a\",\"emails\":[{\"value\":\"g\",\"type\":\"work\"}]}",
		NULL },
	{ "replace selected none", "{\"userName\":\"a\"}",
		"[{\"op\":\"replace\",\"path\":\"emails[type eq "
		"\\\"work\\\"]\",\"value\":{\"value\":\"g\"}}]",
		NULL, "noTarget" },
	{ "remove attribute", "{\"userName\":\"a\",\"title\":\"x\"}",
		"[{\"op\":\"remove\",\"path\":\"title\"}]", "{" U "\"userName\":\"a\"}", NULL },
	{ "remove sub-attribute", "{\"userName\":\"a\",\"name\":{\"givenName\":\"x\"}}",
		"[{\"op\":\"remove\",\"path\":\"name.givenName\"}]", "{" U "\"userName\":\"a\"}",
		NULL },
	{ "remove selected",
		"{\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"type\":\"work\"},{\"value\":"
		"\"f\",\"type\":\"home\"}]}",
		"[{\"op\":\"remove\",\"path\":\"emails[type eq \\\"work\\\" and value ew "
		"\\\"E\\\"]\"}]",
		"{" U "\"userName\":\"a\",\"emails\":[{\"value\":\"f\",\"type\":\"home\"}]}",
		NULL },
	{ "remove selected sub",
		"{\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"type\":\"work\"}]}",
		"[{\"op\":\"remove\",\"path\":\"emails[value eq \\\"e\\\"].type\"}]",
		"{" U "\"userName\":\"a\",\"emails\":[{\"value\":\"e\"}]}", NULL },
	{ "remove selected none is no change", "{\"userName\":\"a\"}",
		"[{\"op\":\"remove\",\"path\":\"emails[type eq \\\"work\\\"]\"}]",
		"{" U "\"userName\":\"a\"}", NULL },
	{ "remove without path", "{\"userName\":\"a\"}", "[{\"op\":\"remove\"}]", NULL,
		"noTarget" },
	{ "remove required", "{\"userName\":\"a\"}", "[{\"op\":\"remove\",\"path\":\"userName\"}]",
		NULL, "invalidValue" },
	{ "null unassigns", "{\"userName\":\"a\",\"title\":\"x\"}",
		"[{\"op\":\"replace\",\"path\":\"title\",\"value\":null}]",
		"{" U "\"userName\":\"a\"}", NULL },
	{ "in order", "{\"userName\":\"a\"}",
		"[{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"},{\"op\":\"replace\",\"path\":"
		"\"title\",\"value\":\"y\"}]",
		"{" U "\"userName\":\"a\",\"title\":\"y\"}", NULL },
	{ "read-only", "{\"userName\":\"a\"}",
		"[{\"op\":\"replace\",\"path\":\"id\",\"value\":\"x\"}]", NULL, "mutability" },
	{ "read-only groups", "{\"userName\":\"a\"}",
		"[{\"op\":\"add\",\"path\":\"groups\",\"value\":[{\"value\":\"x\"}]}]", NULL,
		"mutability" },
	{ "unknown path", "{\"userName\":\"a\"}",
		"[{\"op\":\"add\",\"path\":\"shoeSize\",\"value\":\"x\"}]", NULL, "invalidPath" },
	{ "bad path", "{\"userName\":\"a\"}",
		"[{\"op\":\"add\",\"path\":\"emails[type eq\",\"value\":\"x\"}]", NULL,
		"invalidPath" },
	{ "unknown op", "{\"userName\":\"a\"}", "[{\"op\":\"move\",\"path\":\"title\"}]", NULL,
		"invalidSyntax" },
	{ "no operations", "{\"userName\":\"a\"}", "[]", NULL, "invalidSyntax" },
	{ "wrong type", "{\"userName\":\"a\"}", "[{\"op\":\"add\",\"path\":\"title\",\"value\":5}]",
		NULL, "invalidValue" },
	{ "complex as text", "{\"userName\":\"a\"}",
		"[{\"op\":\"add\",\"path\":\"name\",\"value\":\"x\"}]", NULL, "invalidValue" },
	{ "all operations or none", "{\"userName\":\"a\"}",
		"[{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"},{\"op\":\"add\",\"path\":"
		"\"active\",\"value\":\"maybe\"}]",
		NULL, "invalidValue" },
	/* Entra by default */
	{ "Entra disable as text", "{\"userName\":\"a\",\"active\":true}",
		"[{\"op\":\"Replace\",\"path\":\"active\",\"value\":\"False\"}]",
		"{" U "\"userName\":\"a\",\"active\":false}", NULL },
	{ "Entra disable as boolean", "{\"userName\":\"a\",\"active\":true}",
		"[{\"op\":\"Replace\",\"path\":\"active\",\"value\":false}]",
		"{" U "\"userName\":\"a\",\"active\":false}", NULL },
	{ "Entra selected value, present",
		"{\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"type\":\"work\"}]}",
		"[{\"op\":\"Replace\",\"path\":\"emails[type eq "
		"\\\"work\\\"].value\",\"value\":\"g\"}]",
		"{" U "\"userName\":\"a\",\"emails\":[{\"value\":\"g\",\"type\":\"work\"}]}",
		NULL },
	{ "Entra selected value, absent: made", "{\"userName\":\"a\"}",
		"[{\"op\":\"Add\",\"path\":\"phoneNumbers[type eq "
		"\\\"mobile\\\"].value\",\"value\":\"1\"}]",
		"{" U
		"\"userName\":\"a\",\"phoneNumbers\":[{\"value\":\"1\",\"type\":\"mobile\"}]}",
		NULL },
	{ "Entra selected value, absent: made by replace", "{\"userName\":\"a\"}",
		"[{\"op\":\"Replace\",\"path\":\"addresses[type eq \\\"work\\\" and primary eq "
		"true].locality\",\"value\":\"Ulm\"}]",
		"{" U "\"userName\":\"a\",\"addresses\":[{\"locality\":\"Ulm\",\"type\":\"work\","
		"\"primary\":true}]}",
		NULL },
	{ "no element from an inequality", "{\"userName\":\"a\"}",
		"[{\"op\":\"Add\",\"path\":\"emails[type ne "
		"\\\"work\\\"].value\",\"value\":\"1\"}]",
		NULL, "noTarget" },
	{ "Entra URN path", "{\"userName\":\"a\"}",
		"[{\"op\":\"Add\",\"path\":\"" SCIM_URN_ENTERPRISE
		":employeeNumber\",\"value\":\"7\"}]",
		"{" UE "\"userName\":\"a\"," ENT "{\"employeeNumber\":\"7\"}}", NULL },
	{ "Entra manager as bare text", "{\"userName\":\"a\"}",
		"[{\"op\":\"Add\",\"path\":\"" SCIM_URN_ENTERPRISE
		":manager\",\"value\":\"id-9\"}]",
		"{" UE "\"userName\":\"a\"," ENT "{\"manager\":{\"value\":\"id-9\"}}}", NULL },
	{ "Entra manager as a list of one", "{\"userName\":\"a\"}",
		"[{\"op\":\"Add\",\"path\":\"" SCIM_URN_ENTERPRISE
		":manager\",\"value\":[{\"$ref\":null,\"value\":\"id-9\"}]}]",
		"{" UE "\"userName\":\"a\"," ENT "{\"manager\":{\"value\":\"id-9\"}}}", NULL },
	{ "keys of a path-less value: dotted, with a filter, with a URN, capitalised",
		"{\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"type\":\"work\"}]}",
		"[{\"op\":\"REPLACE\",\"value\":{\"Active\":\"False\",\"name.familyName\":\"F\","
		"\"emails[type eq \\\"work\\\"].value\":\"f\",\"" SCIM_URN_ENTERPRISE
		":department\":\"D\",\"" SCIM_URN_USER ":title\":\"T\"}}]",
		"{" UE "\"userName\":\"a\",\"name\":{\"familyName\":\"F\"},\"title\":\"T\","
		"\"active\":false,\"emails\":[{\"value\":\"f\",\"type\":\"work\"}]," ENT
		"{\"department\":\"D\"}}",
		NULL },
	{ "Entra manager cleared by empty text",
		"{\"userName\":\"a\"," ENT "{\"manager\":{\"value\":\"id-9\"}}}",
		"[{\"op\":\"Replace\",\"path\":\"" SCIM_URN_ENTERPRISE
		":manager\",\"value\":\"\"}]",
		"{" U "\"userName\":\"a\"}", NULL },
	{ "Entra remove with a list of values",
		"{\"userName\":\"a\",\"emails\":[{\"value\":\"e\",\"type\":\"work\"},{\"value\":"
		"\"f\"}]}",
		"[{\"op\":\"Remove\",\"path\":\"emails\",\"value\":[{\"$ref\":null,\"value\":\"E\"}"
		"]}]",
		"{" U "\"userName\":\"a\",\"emails\":[{\"value\":\"f\"}]}", NULL },
	{ "remove with an empty list removes nothing",
		"{\"userName\":\"a\",\"emails\":[{\"value\":\"e\"}]}",
		"[{\"op\":\"remove\",\"path\":\"emails\",\"value\":[]}]",
		"{" U "\"userName\":\"a\",\"emails\":[{\"value\":\"e\"}]}", NULL },
	/* Entra with aadOptscim062020 */
	{ "Entra path-less, dotted and URN keys",
		"{\"userName\":\"a\",\"name\":{\"familyName\":\"y\"}}",
		"[{\"op\":\"replace\",\"value\":{\"name.givenName\":\"x\",\"displayName\":\"X Y\","
		"\"" SCIM_URN_ENTERPRISE
		":department\":\"D\",\"emails[type eq \\\"work\\\"].value\":\"e\"}}]",
		"{" UE "\"userName\":\"a\",\"name\":{\"familyName\":\"y\",\"givenName\":\"x\"},"
		"\"displayName\":\"X Y\","
		"\"emails\":[{\"value\":\"e\",\"type\":\"work\"}]," ENT "{\"department\":\"D\"}}",
		NULL },
	{ "path-less extension object",
		"{\"userName\":\"a\"," ENT "{\"department\":\"D\",\"division\":\"V\"}}",
		"[{\"op\":\"add\",\"value\":{" ENT "{\"department\":\"E\"}}}]",
		"{" UE "\"userName\":\"a\"," ENT "{\"division\":\"V\",\"department\":\"E\"}}",
		NULL },
	{ "extension as a path", "{\"userName\":\"a\"," ENT "{\"department\":\"D\"}}",
		"[{\"op\":\"replace\",\"path\":\"" SCIM_URN_ENTERPRISE
		"\",\"value\":{\"division\":\"V\"}}]",
		"{" UE "\"userName\":\"a\"," ENT "{\"division\":\"V\",\"department\":\"D\"}}",
		NULL },
	{ "extension removed",
		"{\"userName\":\"a\"," ENT "{\"department\":\"D\",\"division\":\"V\"}}",
		"[{\"op\":\"remove\",\"path\":\"" SCIM_URN_ENTERPRISE "\"}]",
		"{" U "\"userName\":\"a\"}", NULL },
	/* Okta */
	{ "Okta deactivate", "{\"userName\":\"a\",\"active\":true}",
		"[{\"op\":\"replace\",\"value\":{\"active\":false}}]",
		"{" U "\"userName\":\"a\",\"active\":false}", NULL },
	{ "Okta path-less with id and password", "{\"userName\":\"a\"}",
		"[{\"op\":\"replace\",\"value\":{\"id\":\"zz\",\"displayName\":\"n\",\"password\":"
		"\"p\",\"unknown\":1}}]",
		"{" U "\"userName\":\"a\",\"displayName\":\"n\"}", NULL },
	/* our extension: a plain list */
	{ "alias added once", "{\"userName\":\"a\"," LCK "{\"aliases\":[\"x@e\"]}}",
		"[{\"op\":\"add\",\"path\":\"" SCIM_URN_LOCKSTEP
		":aliases\",\"value\":[\"X@e\",\"y@e\"]}]",
		"{" UL "\"userName\":\"a\"," LCK "{\"aliases\":[\"x@e\",\"y@e\"]}}", NULL },
	{ "alias removed by value", "{\"userName\":\"a\"," LCK "{\"aliases\":[\"x@e\",\"y@e\"]}}",
		"[{\"op\":\"remove\",\"path\":\"" SCIM_URN_LOCKSTEP
		":aliases\",\"value\":[\"Y@e\"]}]",
		"{" UL "\"userName\":\"a\"," LCK "{\"aliases\":[\"x@e\"]}}", NULL },
	{ "alias removed by filter", "{\"userName\":\"a\"," LCK "{\"aliases\":[\"x@e\",\"y@e\"]}}",
		"[{\"op\":\"remove\",\"path\":\"" SCIM_URN_LOCKSTEP
		":aliases[value eq \\\"x@e\\\"]\"}]",
		"{" UL "\"userName\":\"a\"," LCK "{\"aliases\":[\"y@e\"]}}", NULL },
	{ "keys in any case", "{\"userName\":\"a\"}",
		"[{\"OP\":\"ADD\",\"Path\":\"NAME\",\"Value\":{\"GIVENNAME\":\"x\"}}]",
		"{" U "\"userName\":\"a\",\"name\":{\"givenName\":\"x\"}}", NULL },
};

static struct json *
parsed(const char *text)
{
	struct json *j;
	struct err e = { 0 };

	if (!json_parse(str_c(text), 0, &j, &e))
		fail_msg("%s: %s", text, e.text);
	return j;
}

/* The resource after the operations, in normal form. */
static bool
patched(const char *before, const char *ops, struct buf *out, struct err *e)
{
	CLEAN_FREE char *text = xasprintf("{\"Operations\":%s}", ops);
	CLEAN_JSON struct json *j = parsed(before), *body = parsed(text);
	CLEAN_ARENA struct arena *a = arena_new();
	const struct scim_type *t = &scim_types[SCIM_USER];
	struct scim_patch p;
	struct scim_keys keys;

	if (!scim_patch_parse(t, body, a, &p, e))
		return false;
	for (size_t i = 0; i < p.n; i++) {
		if (!scim_patch_apply_one(t, &p.ops[i], j, e))
			return false;
	}
	return scim_resource_write(t, j, a, out, &keys, e);
}

static void
test_patch_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN_BUF struct buf out = { 0 };
		struct err e = { 0 };
		bool ok = patched(cases[i].before, cases[i].ops, &out, &e);
		if (ok != (cases[i].after != NULL))
			fail_msg("%s: %s %s", cases[i].name, ok ? "accepted" : e.text,
				buf_cstr(&out));
		if (ok && strcmp(buf_cstr(&out), cases[i].after) != 0)
			fail_msg("%s:\n got %s\nwant %s", cases[i].name, buf_cstr(&out),
				cases[i].after);
		if (!ok && strcmp(e.code, cases[i].code) != 0)
			fail_msg("%s: code %s (%s), expected %s", cases[i].name, e.code, e.text,
				cases[i].code);
	}
}

/* Members are rows: the operations come out resolved, for the server to carry out. */
static void
test_patch_members(void **state)
{
	static const struct {
		const char *ops;
		size_t n;
		enum scim_patch_kind kind;
		bool filter;
		size_t values;
	} shapes[] = {
		{ "[{\"op\":\"Remove\",\"path\":\"members\",\"value\":[{\"$ref\":null,\"value\":"
		  "\"i\"}]}]",
			1, SCIM_PATCH_REMOVE, false, 1 },
		{ "[{\"op\":\"remove\",\"path\":\"members[value eq \\\"i\\\"]\"}]", 1,
			SCIM_PATCH_REMOVE, true, 0 },
		{ "[{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"i\"},{\"value\":"
		  "\"k\"}]}]",
			1, SCIM_PATCH_ADD, false, 2 },
		{ "[{\"op\":\"replace\",\"value\":{\"members\":[{\"value\":\"i\"}]}}]", 1,
			SCIM_PATCH_REPLACE, false, 1 },
		{ "[{\"op\":\"replace\",\"value\":{\"id\":\"g\",\"displayName\":\"n\",\"members\":"
		  "null}}]",
			1, SCIM_PATCH_REPLACE, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		CLEAN_FREE char *text = xasprintf("{\"Operations\":%s}", shapes[i].ops);
		CLEAN_JSON struct json *body = parsed(text);
		CLEAN_ARENA struct arena *a = arena_new();
		struct scim_patch p;
		struct err e = { 0 };
		assert_true(scim_patch_parse(&scim_types[SCIM_GROUP], body, a, &p, &e));
		assert_int_equal(p.n, shapes[i].n);
		assert_int_equal(p.ops[0].kind, shapes[i].kind);
		assert_int_equal(p.ops[0].path.filter != NULL, shapes[i].filter);
		assert_int_equal(
			p.ops[0].path.attr->rows, i != 4); /* the last names displayName alone */
		assert_int_equal(json_count(p.ops[0].value), shapes[i].values);
	}
}

static void
test_patch_too_many_operations(void **state)
{
	CLEAN_BUF struct buf ops = { 0 };
	CLEAN_BUF struct buf out = { 0 };
	struct err e = { 0 };

	(void)state;
	buf_adds(&ops, "[");
	for (int i = 0; i <= SCIM_PATCH_OPS; i++)
		buf_addf(&ops, "%s{\"op\":\"add\",\"path\":\"title\",\"value\":\"x\"}",
			i ? "," : "");
	buf_adds(&ops, "]");
	assert_false(patched("{\"userName\":\"a\"}", buf_cstr(&ops), &out, &e));
	assert_string_equal(e.code, "invalidSyntax");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patch_shapes),
		cmocka_unit_test(test_patch_members),
		cmocka_unit_test(test_patch_too_many_operations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
