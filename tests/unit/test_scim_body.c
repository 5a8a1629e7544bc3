/* What lockstep-target-scim sends: table-driven, one row per profile and form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "scim_body.h"

#define PATCH(ops)                                                                                 \
	"{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[" ops "]}"
#define ENT  "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define OURS "urn:lockstep:params:scim:schemas:extension:2.0:User"

static void
service(const char *profile, struct scim_service *sv)
{
	const struct scim_profile *p = scim_profile_find(profile);
	assert_non_null(p);
	scim_service_start(sv, p);
}

static struct body_items
items(struct arena *a, struct attrs *as, enum kind_id kind, const char *json)
{
	struct body_items it;
	struct attrs gone;
	struct json *j;
	struct err e;

	assert_true(json_parse(str_c(json), 0, &j, &e));
	assert_true(attrs_read_elements(j, a, as, &gone, &e));
	json_free(j);
	if (!body_items(kind, as, &gone, &it, &e))
		fail_msg("%s", e.text);
	return it;
}

/* --- create --- */

static const struct create_row {
	enum kind_id kind;
	const char *attrs, *body;
} creates[] = {
	{ KIND_USER, "{\"userName\":[\"a@x\"]}",
		"{\"schemas\":[\"" SCIM_URN_USER "\"],\"externalId\":\"A\",\"userName\":\"a@x\"}" },
	{ KIND_USER,
		"{\"userName\":[\"a\"],\"name.givenName\":[\"G\"],\"active\":[\"False\"],\"name."
		"familyName\":[\"F\"]}",
		"{\"schemas\":[\"" SCIM_URN_USER "\"],\"externalId\":\"A\",\"userName\":\"a\","
		"\"name\":{\"givenName\":\"G\",\"familyName\":\"F\"},\"active\":false}" },
	{ KIND_USER,
		"{\"emails.work\":[\"w\"],\"userName\":[\"a\"],\"emails.home\":[\"h\"],\"title\":[]"
		"}",
		"{\"schemas\":[\"" SCIM_URN_USER "\"],\"externalId\":\"A\",\"emails\":[{\"type\":"
		"\"work\",\"value\":\"w\",\"primary\":true},"
		"{\"type\":\"home\",\"value\":\"h\"}],\"userName\":\"a\"}" },
	{ KIND_USER,
		"{\"addresses.work.locality\":[\"L\"],\"department\":[\"D\"],\"addresses.work."
		"country\":[\"DE\"],"
		"\"aliases\":[\"1\",\"2\"],\"costCenter\":[\"C\"],\"manager\":[\"m1\"]}",
		"{\"schemas\":[\"" SCIM_URN_USER "\",\"" ENT "\",\"" OURS
		"\"],\"externalId\":\"A\","
		"\"addresses\":[{\"type\":\"work\",\"locality\":\"L\",\"country\":\"DE\"}],"
		"\"" ENT
		"\":{\"department\":\"D\",\"costCenter\":\"C\",\"manager\":{\"value\":\"m1\"}},"
		"\"" OURS "\":{\"aliases\":[\"1\",\"2\"]}}" },
	{ KIND_USER, "{\"urn:x:ext:9.9:User:colour\":[\"red\"],\"" ENT ":division\":[\"D\"]}",
		"{\"schemas\":[\"" SCIM_URN_USER "\",\"urn:x:ext:9.9:User\",\"" ENT
		"\"],\"externalId\":\"A\","
		"\"urn:x:ext:9.9:User\":{\"colour\":\"red\"},\"" ENT "\":{\"division\":\"D\"}}" },
	{ KIND_GROUP, "{\"displayName\":[\"G\\\"\\u00e4\"],\"mail\":[\"g@x\"]}",
		"{\"schemas\":[\"" SCIM_URN_GROUP "\",\"" SCIM_URN_LOCKSTEP_GROUP
		"\"],\"externalId\":\"A\","
		"\"displayName\":\"G\\\"\303\244\",\"" SCIM_URN_LOCKSTEP_GROUP
		"\":{\"mail\":\"g@x\"}}" },
};

static void
test_create_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(creates); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_BUF struct buf out = { 0 };
		struct jsonw w = jsonw(&out);
		struct attrs as = attrs_new(a);
		struct body_items it = items(a, &as, creates[i].kind, creates[i].attrs);

		body_create(creates[i].kind, "A", &it, &w);
		assert_string_equal(buf_cstr(&out), creates[i].body);
	}
}

/* --- PATCH --- */

static const struct patch_row {
	const char *profile, *have, *attrs, *body; /* have, body: NULL = unknown, nothing to do */
} patches[] = {
	{ "strict", NULL, "{\"displayName\":[\"D\"],\"active\":[\"true\"],\"title\":[]}",
		PATCH("{\"op\":\"replace\",\"path\":\"displayName\",\"value\":\"D\"},"
		      "{\"op\":\"replace\",\"path\":\"active\",\"value\":true},{\"op\":\"remove\","
		      "\"path\":\"title\"}") },
	{ "entra-like", NULL, "{\"displayName\":[\"D\"],\"title\":[]}",
		PATCH("{\"op\":\"Replace\",\"path\":\"displayName\",\"value\":\"D\"},{\"op\":"
		      "\"Remove\",\"path\":\"title\"}") },
	{ "strict", NULL,
		"{\"emails.work\":[\"w\"],\"phoneNumbers.mobile\":[],\"addresses.work.region\":[]}",
		PATCH("{\"op\":\"replace\",\"path\":\"emails[type eq "
		      "\\\"work\\\"].value\",\"value\":\"w\"},"
		      "{\"op\":\"remove\",\"path\":\"phoneNumbers[type eq \\\"mobile\\\"]\"},"
		      "{\"op\":\"remove\",\"path\":\"addresses[type eq \\\"work\\\"].region\"}") },
	{ "strict", "{\"emails\":[{\"type\":\"home\",\"value\":\"h\"}]}",
		"{\"emails.work\":[\"w\"],\"emails.home\":[\"i\"],\"phoneNumbers.fax\":[],"
		"\"title\":[]}",
		PATCH("{\"op\":\"add\",\"path\":\"emails\",\"value\":[{\"type\":\"work\",\"value\":"
		      "\"w\"}]},"
		      "{\"op\":\"replace\",\"path\":\"emails[type eq "
		      "\\\"home\\\"].value\",\"value\":\"i\"}") },
	{ "strict", "{}",
		"{\"addresses.work.locality\":[\"L\"],\"addresses.work.country\":[\"DE\"],\"name."
		"givenName\":[\"G\"]}",
		PATCH("{\"op\":\"add\",\"path\":\"addresses\",\"value\":[{\"type\":\"work\","
		      "\"locality\":\"L\",\"country\":\"DE\"}]},"
		      "{\"op\":\"add\",\"path\":\"name.givenName\",\"value\":\"G\"}") },
	{ "strict", "{\"addresses\":[{\"type\":\"Work\",\"country\":\"DE\"}]}",
		"{\"addresses.work.locality\":[\"L\"],\"addresses.work.region\":[]}",
		PATCH("{\"op\":\"replace\",\"path\":\"addresses[type eq "
		      "\\\"work\\\"].locality\",\"value\":\"L\"}") },
	{ "strict", "{\"title\":\"x\"}", "{\"department\":[],\"emails.work\":[]}", NULL },
	{ "strict", NULL, "{\"department\":[\"D\"],\"aliases\":[\"1\",\"2\"],\"mailboxKind\":[]}",
		PATCH("{\"op\":\"replace\",\"path\":\"" ENT ":department\",\"value\":\"D\"},"
		      "{\"op\":\"replace\",\"path\":\"" OURS ":aliases\",\"value\":[\"1\",\"2\"]},"
		      "{\"op\":\"remove\",\"path\":\"" OURS ":mailboxKind\"}") },
	{ "strict", NULL, "{\"emails.other\":[\"1\",\"2\"]}",
		PATCH("{\"op\":\"remove\",\"path\":\"emails[type eq \\\"other\\\"]\"},"
		      "{\"op\":\"add\",\"path\":\"emails\",\"value\":[{\"type\":\"other\","
		      "\"value\":\"1\"},{\"type\":\"other\",\"value\":\"2\"}]}") },
	/* elements of lists */
	{ "strict", NULL, "{\"aliases\":{\"add\":[\"1\",\"2\"],\"remove\":[\"3\",\"4\\\"\"]}}",
		PATCH("{\"op\":\"add\",\"path\":\"" OURS ":aliases\",\"value\":[\"1\",\"2\"]},"
		      "{\"op\":\"remove\",\"path\":\"" OURS ":aliases[value eq \\\"3\\\"]\"},"
		      "{\"op\":\"remove\",\"path\":\"" OURS
		      ":aliases[value eq \\\"4\\\\\\\"\\\"]\"}") },
	{ "aws", NULL, "{\"aliases\":{\"add\":[],\"remove\":[\"3\",\"4\"]},\"title\":[\"T\"]}",
		PATCH("{\"op\":\"remove\",\"path\":\"" OURS ":aliases\",\"value\":[\"3\",\"4\"]},"
		      "{\"op\":\"replace\",\"path\":\"title\",\"value\":\"T\"}") },
	{ "strict", "{\"" OURS "\":{\"aliases\":[\"1\",\"3\",\"theirs\"]}}",
		"{\"aliases\":{\"add\":[\"1\",\"2\"],\"remove\":[\"3\",\"4\"]}}",
		PATCH("{\"op\":\"add\",\"path\":\"" OURS ":aliases\",\"value\":[\"2\"]},"
		      "{\"op\":\"remove\",\"path\":\"" OURS ":aliases[value eq \\\"3\\\"]\"}") },
	{ "strict", "{\"" OURS "\":{\"aliases\":[\"1\"]}}",
		"{\"aliases\":{\"add\":[\"1\"],\"remove\":[\"3\"]}}", NULL },
	{ "strict", NULL, "{\"aliases\":{\"add\":[],\"remove\":[]}}", NULL },
	{ "google", NULL, "{\"title\":[\"a\"],\"nickName\":[\"b\"],\"locale\":[\"c\"]}",
		PATCH("{\"op\":\"replace\",\"path\":\"title\",\"value\":\"a\"},{\"op\":\"replace\","
		      "\"path\":\"nickName\",\"value\":\"b\"}") },
};

static void
test_patch_bodies_per_profile(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patches); i++) {
		const struct patch_row *p = &patches[i];
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_BUF struct buf out = { 0 };
		CLEAN_JSON struct json *have = NULL;
		struct jsonw w = jsonw(&out);
		struct attrs as = attrs_new(a);
		struct body_items it = items(a, &as, KIND_USER, p->attrs);
		struct scim_service sv;
		size_t done = 0;

		service(p->profile, &sv);
		if (p->have)
			assert_true(json_parse(str_c(p->have), 0, &have, NULL));
		assert_int_equal(body_patch(&sv, &it, have, &done, &w) > 0, p->body != NULL);
		assert_string_equal(buf_cstr(&out), p->body ? p->body : "");
	}
}

static void
test_patch_goes_on_where_it_ended(void **state)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct attrs as = attrs_new(a);
	struct body_items it = items(
		a, &as, KIND_USER, "{\"title\":[\"a\"],\"nickName\":[\"b\"],\"locale\":[\"c\"]}");
	struct scim_service sv;
	size_t done = 0, parts = 0;

	(void)state;
	service("google", &sv); /* two operations in one PATCH */
	while (done < it.count) {
		CLEAN_BUF struct buf out = { 0 };
		struct jsonw w = jsonw(&out);
		assert_true(body_patch(&sv, &it, NULL, &done, &w) > 0);
		parts++;
	}
	assert_int_equal(parts, 2);
}

static void
test_values_that_scim_cannot_hold(void **state)
{
	static const char *const bad[] = { "{\"active\":[\"maybe\"]}",
		"{\"displayName\":[\"a\",\"b\"]}", "{\"displayName\":[{\"b64\":\"/w==\"}]}",
		"{\"displayName\":[{\"b64\":\"AGE=\"}]}", "{\"emails.w\\\"] or x[\":[\"a\"]}",
		"{\"emails.work\":[\"a\"],\"emails.work.value\":[\"b\"]}",
		"{\"addresses.type\":[\"a\"]}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_JSON struct json *j = NULL;
		struct attrs as = attrs_new(a);
		struct body_items it;
		struct err e;

		assert_true(json_parse(str_c(bad[i]), 0, &j, &e));
		assert_true(attrs_read(j, a, &as, &e));
		assert_false(body_items(KIND_USER, &as, NULL, &it, &e));
		assert_int_equal(e.kind, ERR_OBJECT);
		assert_string_equal(e.code, "bad-value");
	}
}

/* --- PUT --- */

static const struct put_row {
	const char *have, *attrs, *body;
} puts_[] = {
	{ "{\"id\":\"1\",\"meta\":{},\"title\":\"t\",\"x\":1}",
		"{\"title\":[],\"displayName\":[\"D\"],\"active\":[\"false\"]}",
		"{\"id\":\"1\",\"x\":1,\"displayName\":\"D\",\"active\":false}" },
	{ "{\"emails\":[{\"type\":\"work\",\"value\":\"w\",\"primary\":true},{\"type\":\"other\","
	  "\"value\":\"theirs\"}]}",
		"{\"emails.work\":[\"v\"],\"emails.home\":[\"h\"]}",
		"{\"emails\":[{\"type\":\"work\",\"value\":\"v\",\"primary\":true},{\"type\":"
		"\"other\",\"value\":\"theirs\"},"
		"{\"type\":\"home\",\"value\":\"h\"}]}" },
	{ "{\"emails\":[{\"type\":\"work\",\"value\":\"w\"}],\"name\":{\"givenName\":\"G\"}}",
		"{\"emails.work\":[],\"name.givenName\":[]}", "{\"emails\":[]}" },
	{ "{\"schemas\":[\"" SCIM_URN_USER "\"]}", "{\"department\":[\"D\"],\"aliases\":[\"1\"]}",
		"{\"schemas\":[\"" SCIM_URN_USER "\",\"" ENT "\",\"" OURS "\"],\"" ENT
		"\":{\"department\":\"D\"},"
		"\"" OURS "\":{\"aliases\":[\"1\"]}}" },
};

static void
test_6_3_put_changes_what_is_ours_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(puts_); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_JSON struct json *have = NULL, *want = NULL;
		CLEAN_BUF struct buf out = { 0 };
		struct attrs as = attrs_new(a);
		struct body_items it = items(a, &as, KIND_USER, puts_[i].attrs);

		assert_true(json_parse(str_c(puts_[i].have), 0, &have, NULL));
		assert_true(json_parse(str_c(puts_[i].body), 0, &want, NULL));
		body_put(&it, have);
		json_print(have, &out);
		if (!json_equal(have, want))
			fail_msg("row %zu: %s", i, buf_cstr(&out));
	}
}

/* --- references --- */

static const struct refs_row {
	const char *profile;
	enum kind_id kind;
	const char *attribute, *add[4], *remove[4];
	size_t limit;
	const char *bodies[4];
} references[] = {
	{ "strict", KIND_GROUP, "members", { "a", "b" }, { "c", "d\"" }, 10,
		{ PATCH("{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"a\"},{"
			"\"value\":\"b\"}]},"
			"{\"op\":\"remove\",\"path\":\"members[value eq \\\"c\\\"]\"},"
			"{\"op\":\"remove\",\"path\":\"members[value eq \\\"d\\\\\\\"\\\"]\"}") } },
	{ "entra-like", KIND_GROUP, "members", { "a" }, { "c", "d" }, 10,
		{ PATCH("{\"op\":\"Add\",\"path\":\"members\",\"value\":[{\"value\":\"a\"}]},"
			"{\"op\":\"Remove\",\"path\":\"members\",\"value\":[{\"value\":\"c\"},{"
			"\"value\":\"d\"}]}") } },
	{ "strict", KIND_GROUP, "members", { "a", "b", "c" }, { "d" }, 2,
		{ PATCH("{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"a\"},{"
			"\"value\":\"b\"}]}"),
			PATCH("{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"c\"}]},"
			      "{\"op\":\"remove\",\"path\":\"members[value eq \\\"d\\\"]\"}") } },
	{ "strict", KIND_USER, "manager", { "m" }, { "old" }, 10,
		{ PATCH("{\"op\":\"replace\",\"path\":\"" ENT
			":manager\",\"value\":{\"value\":\"m\"}}") } },
	{ "entra-like", KIND_USER, "manager", { "m" }, { NULL }, 10,
		{ PATCH("{\"op\":\"Replace\",\"path\":\"" ENT ":manager\",\"value\":\"m\"}") } },
	{ "strict", KIND_USER, "manager", { NULL }, { "m" }, 10,
		{ PATCH("{\"op\":\"remove\",\"path\":\"" ENT ":manager\"}") } },
};

static size_t
listed(const char *const *names)
{
	size_t n = 0;
	while (n < 4 && names[n])
		n++;
	return n;
}

static void
test_7_1_references_in_batches_per_profile(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(references); i++) {
		const struct refs_row *row = &references[i];
		struct body_refs r = { row->kind, row->attribute, row->add, row->remove,
			listed(row->add), listed(row->remove) };
		CLEAN_ARENA struct arena *a = arena_new();
		struct scim_service sv;
		size_t done = 0, part = 0;

		service(row->profile, &sv);
		while (done < r.add_count + r.remove_count) {
			CLEAN_BUF struct buf out = { 0 };
			struct jsonw w = jsonw(&out);
			assert_true(body_refs_patch(&sv, &r, row->limit, &done, a, &w) > 0);
			assert_non_null(row->bodies[part]);
			assert_string_equal(buf_cstr(&out), row->bodies[part]);
			part++;
		}
		assert_null(row->bodies[part]);
	}
}

/* --- service --- */

static void
test_service_narrows_the_profile(void **state)
{
	CLEAN_JSON struct json *j = NULL;
	struct scim_service sv;

	(void)state;
	service("strict", &sv);
	assert_int_equal(sv.bulk_ops, 0);
	assert_int_equal(sv.requests, 8);
	assert_true(json_parse(
		STR("{\"bulk\":{\"supported\":true,\"maxOperations\":20,\"maxPayloadSize\":\"x\"},"
		    "\"patch\":{\"supported\":false},\"filter\":{\"supported\":true,\"maxResults\":"
		    "30},"
		    "\"etag\":7,\"pagination\":{\"cursor\":true},"
		    "\"" SCIM_MARKER "\":{\"findTerms\":300,\"membersPerPatch\":-4,"
		    "\"requests\":900}}"),
		0, &j, NULL));
	scim_service_read(&sv, j);
	assert_int_equal(sv.bulk_ops, 20);
	assert_int_equal(sv.bulk_bytes, SCIM_BULK_BYTES);
	assert_int_equal(sv.put, (1u << KIND_USER) | (1u << KIND_GROUP));
	assert_int_equal(sv.page, 30);
	assert_int_equal(sv.find_terms, 300);
	assert_int_equal(sv.requests, SCIM_REQUESTS_MAX);
	assert_int_equal(sv.patch_members, 1000);
	assert_true(sv.cursor && !sv.etag);
	assert_int_equal(scim_service_window(&sv, 8), 320);
	service("aws", &sv);
	scim_service_read(&sv, j);
	assert_int_equal(sv.bulk_ops, 0);
	for (const char *const *n = scim_profile_names(); *n; n++)
		assert_non_null(scim_profile_find(*n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_bodies),
		cmocka_unit_test(test_patch_bodies_per_profile),
		cmocka_unit_test(test_patch_goes_on_where_it_ended),
		cmocka_unit_test(test_values_that_scim_cannot_hold),
		cmocka_unit_test(test_6_3_put_changes_what_is_ours_alone),
		cmocka_unit_test(test_7_1_references_in_batches_per_profile),
		cmocka_unit_test(test_service_narrows_the_profile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
