/* What lockstep-target-scim makes of answers: statuses, errors, quirks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "scim_answer.h"
#include "scim_http.h"

static struct json *
parse(const char *text)
{
	struct json *j = NULL;
	assert_true(json_parse(str_c(text), 0, &j, NULL));
	return j;
}

static const struct error_row {
	long status, retry_after;
	const char *body; /* NULL: none; "": not JSON */
	bool write, create;
	const char *profile;
	enum err_kind kind;
	const char *code, *attribute;
	unsigned wait;
} errors[] = {
	{ 401, 0, NULL, true, false, "strict", ERR_CONFIG, "token-refused", NULL, 0 },
	{ 403, 0, NULL, true, false, "strict", ERR_CONFIG, "token-refused", NULL, 0 },
	{ 403, 0, NULL, true, false, "google", ERR_WAIT, "rate-limit", NULL, 10 },
	{ 302, 0, "", false, false, "strict", ERR_CONFIG, "redirected", NULL, 0 },
	{ 409, 0, "{\"detail\":\"userName a@x is taken\"}", true, true, "strict", ERR_OBJECT,
		"name-taken", "userName", 0 },
	{ 409, 0, "{\"detail\":\"alias b@x belongs to another user\"}", true, true, "strict",
		ERR_OBJECT, "address-taken", "aliases", 0 },
	{ 409, 0, "{\"detail\":\"Duplicate EMAIL\"}", true, true, "strict", ERR_OBJECT,
		"address-taken", "emails.work", 0 },
	{ 409, 0, NULL, true, true, "strict", ERR_OBJECT, "name-taken", "userName", 0 },
	{ 400, 0, "{\"scimType\":\"Uniqueness\"}", true, true, "strict", ERR_OBJECT, "name-taken",
		"userName", 0 },
	{ 400, 0, "{\"scimType\":\"mutability\"}", true, false, "strict", ERR_OBJECT, "read-only",
		NULL, 0 },
	{ 400, 0, "{\"scimType\":7,\"detail\":[]}", true, false, "strict", ERR_OBJECT, "refused",
		NULL, 0 },
	{ 404, 0, "{}", true, false, "strict", ERR_OBJECT, "gone", NULL, 0 },
	{ 404, 0, "", true, false, "strict", ERR_UNKNOWN, "bad-answer", NULL, 0 },
	{ 404, 0, "", false, false, "strict", ERR_RETRY, "bad-answer", NULL, 0 },
	{ 410, 0, NULL, true, false, "strict", ERR_OBJECT, "gone", NULL, 0 },
	{ 412, 0, NULL, true, false, "strict", ERR_OBJECT, "stale", NULL, 0 },
	{ 413, 0, NULL, true, true, "strict", ERR_OBJECT, "too-large", NULL, 0 },
	{ 429, 7, NULL, true, true, "strict", ERR_WAIT, "rate-limit", NULL, 7 },
	{ 429, 0, NULL, true, true, "strict", ERR_WAIT, "rate-limit", NULL, 10 },
	{ 503, 90, NULL, true, true, "strict", ERR_WAIT, "rate-limit", NULL, 90 },
	{ 503, 0, NULL, true, true, "strict", ERR_UNKNOWN, "service-error", NULL, 0 },
	{ 503, 0, NULL, true, false, "strict", ERR_RETRY, "service-error", NULL, 0 },
	{ 500, 0, "", true, true, "strict", ERR_UNKNOWN, "service-error", NULL, 0 },
	{ 502, 0, NULL, false, false, "strict", ERR_RETRY, "service-error", NULL, 0 },
	{ 501, 0, NULL, true, false, "strict", ERR_OBJECT, "unsupported", NULL, 0 },
	{ 200, 0, "", true, true, "strict", ERR_UNKNOWN, "bad-answer", NULL, 0 },
	{ 200, 0, "", false, false, "strict", ERR_RETRY, "bad-answer", NULL, 0 },
	{ 0, 0, NULL, true, false, "strict", ERR_UNKNOWN, "bad-answer", NULL, 0 },
	{ 999, 0, NULL, true, true, "strict", ERR_UNKNOWN, "bad-answer", NULL, 0 },
};

static void
test_errors_say_what_to_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		const struct error_row *r = &errors[i];
		CLEAN_JSON struct json *body = r->body && *r->body ? parse(r->body) : NULL;
		struct answer an = { .status = r->status,
			.body = body,
			.odd = r->body && !*r->body,
			.retry_after = r->retry_after };
		struct answer_context c = {
			.what = "create", .write = r->write, .create = r->create
		};
		const char *attribute;
		struct err e = { 0 };

		answer_error(&an, &c, scim_profile_find(r->profile), &e, &attribute);
		if (e.kind != r->kind || strcmp(e.code, r->code) != 0 || e.wait != r->wait ||
			!attribute != !r->attribute ||
			(attribute && strcmp(attribute, r->attribute) != 0))
			fail_msg("row %zu: %s %s %s %u", i, err_kind_name(e.kind), e.code,
				attribute ? attribute : "-", e.wait);
	}
}

static void
test_hostile_detail_is_escaped(void **state)
{
	CLEAN_JSON struct json *body =
		parse("{\"detail\":\"a\\u001b[31m\\nb\",\"scimType\":\"x\"}");
	struct answer an = { .status = 400, .body = body };
	const char *attribute;
	struct err e;

	(void)state;
	answer_error(&an, &(struct answer_context){ .what = "create" }, scim_profile_find("strict"),
		&e, &attribute);
	assert_null(strchr(e.text, 27));
	assert_null(strchr(e.text, '\n'));
	assert_non_null(strstr(e.text, "a\\x1b"));
}

static void
test_keys_from_id_or_location(void **state)
{
	static const struct {
		const char *body, *location, *key;
	} rows[] = {
		{ "{\"id\":\"1\"}", "/Users/2", "1" },
		{ NULL, "/scim/v2/Users/2", "2" },
		{ "{}", "https://x/Users/a%40b%2Fc?x=1", "a@b/c" },
		{ "{\"meta\":{\"location\":\"Users/9/\"}}", NULL, "9" },
		{ "{\"id\":\"\"}", "Users/%", "%" },
		{ "{\"id\":5}", NULL, NULL },
		{ NULL, "", NULL },
		{ NULL, "nothing", NULL },
		{ NULL, "/Users/%00", NULL },
		{ NULL, "/Users/%ff", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_JSON struct json *body = rows[i].body ? parse(rows[i].body) : NULL;
		struct answer an = { .body = body, .location = rows[i].location };
		const char *key = answer_key(&an, a);

		if (!key != !rows[i].key || (key && strcmp(key, rows[i].key) != 0))
			fail_msg("row %zu: %s", i, key ? key : "NULL");
	}
}

static void
test_bulk_statuses_in_every_form(void **state)
{
	static const struct {
		const char *op;
		long status;
		int64_t index;
	} rows[] = {
		{ "{\"status\":\"201\",\"bulkId\":\"1\"}", 201, 0 },
		{ "{\"status\":204,\"bulkId\":\"12\"}", 204, 11 },
		{ "{\"status\":{\"code\":\"409\"},\"bulkId\":1}", 409, -1 },
		{ "{\"status\":{\"code\":400}}", 400, -1 },
		{ "{\"status\":\"\",\"bulkId\":\"\"}", 0, -1 },
		{ "{\"status\":\"20x\",\"bulkId\":\"0\"}", 0, -1 },
		{ "{\"status\":1e9,\"bulkId\":\"99999999999999999999\"}", 0, INT64_MAX - 1 },
		{ "{\"bulkId\":\"-3\"}", 0, -1 },
		{ "[]", 0, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_JSON struct json *j = parse(rows[i].op);
		struct answer_op o;
		answer_bulk_op(j, &o);
		if (o.answer.status != rows[i].status || o.index != rows[i].index)
			fail_msg("row %zu: %ld %lld", i, o.answer.status, (long long)o.index);
	}
}

static void
test_lists(void **state)
{
	static const struct {
		const char *body;
		bool good;
		int64_t total;
		size_t count;
	} rows[] = {
		{ "{\"totalResults\":0}", true, 0, 0 },
		{ "{\"totalResults\":2,\"Resources\":[{},{}]}", true, 2, 2 },
		{ "{\"Resources\":[{}]}", true, -1, 1 },
		{ "{\"Resources\":{}}", false, 0, 0 },
		{ "{\"totalResults\":0,\"Resources\":null}", true, 0, 0 },
		{ "{}", false, 0, 0 },
		{ "{\"totalResults\":\"3\"}", false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_JSON struct json *j = parse(rows[i].body);
		struct answer_list l;
		assert_int_equal(answer_list(j, &l), rows[i].good);
		if (!rows[i].good)
			continue;
		assert_int_equal(l.total, rows[i].total);
		assert_int_equal(json_count(l.resources), rows[i].count);
	}
}

static void
test_seen_in_vocabulary_names(void **state)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);
	struct attrs as = attrs_new(a);
	CLEAN_JSON struct json *want = NULL;
	CLEAN_JSON struct json *got = NULL;
	CLEAN_JSON struct json *j = parse(
		"{\"schemas\":[\"x\"],\"id\":\"1\",\"externalId\":\"e\",\"meta\":{\"version\":"
		"\"v\"},\"username\":\"a\","
		"\"active\":true,\"name\":{\"givenName\":\"G\",\"familyName\":null},"
		"\"emails\":[{\"type\":\"work\",\"value\":\"w\",\"primary\":true},{\"type\":"
		"\"other\",\"value\":\"1\"},"
		"{\"type\":\"other\",\"value\":\"2\"},{\"value\":\"n\"},7],"
		"\"addresses\":[{\"type\":\"work\",\"locality\":\"L\",\"primary\":true}],"
		"\"groups\":[{\"value\":\"g\"}],\"password\":\"p\",\"colour\":\"red\",\"age\":7,"
		"\"" SCIM_URN_ENTERPRISE
		"\":{\"department\":\"D\",\"manager\":{\"value\":\"m\",\"displayName\":\"M\"}},"
		"\"" SCIM_URN_LOCKSTEP "\":{\"aliases\":[\"1\",\"2\"],\"newer\":\"x\"},"
		"\"urn:x:y\":{\"z\":\"q\",\"obj\":{\"value\":\"o\"}},"
		"\"urn:x:z\":[\"no object\"],\"urn:x:w\":\"nor this\"}");
	CLEAN_JSON struct json *nonsense = parse("[{\"userName\":\"b\"}]");

	(void)state;
	place_seen(KIND_USER, nonsense, &as);
	assert_int_equal(as.count, 0);
	place_seen(KIND_USER, j, &as);
	attrs_write(&as, &w, NULL);
	got = parse(buf_cstr(&out));
	want = parse("{\"userName\":[\"a\"],\"active\":[\"true\"],\"name.givenName\":[\"G\"],"
		     "\"emails.work\":[\"w\"],"
		     "\"emails.other\":[\"1\",\"2\"],\"emails\":[\"n\"],\"addresses.work."
		     "locality\":[\"L\"],"
		     "\"colour\":[\"red\"],\"department\":[\"D\"],\"manager\":[\"m\"],\"aliases\":["
		     "\"1\",\"2\"],"
		     "\"" SCIM_URN_LOCKSTEP
		     ":newer\":[\"x\"],\"urn:x:y:z\":[\"q\"],\"urn:x:y:obj\":[\"o\"]}");
	if (!json_equal(got, want))
		fail_msg("%s", buf_cstr(&out));
}

static void
test_every_vocabulary_name_comes_back(void **state)
{
	(void)state;
	for (const char *const *n = vocab_names(); *n; n++) {
		const struct vocab *v = vocab_find(*n);
		for (int k = 0; k < KIND_COUNT; k++) {
			if (!(v->kinds & 1u << k) || strcmp(*n, "members") == 0)
				continue;
			CLEAN_ARENA struct arena *a = arena_new();
			struct place p = place_of((enum kind_id)k, *n, a);
			CLEAN_JSON struct json *r = json_new_object();
			struct json *level = p.schema ? json_new_object() : r;
			struct json *value =
				p.boolean ? json_new_bool(true) : json_new_string("true");

			if (p.sub) {
				struct json *o = json_new_object();
				json_set(o, p.sub, value);
				if (p.type)
					json_set_string(o, "type", p.type);
				value = o;
			}
			if (p.multi) {
				struct json *list = json_new_array();
				json_push(list, value);
				value = list;
			}
			json_set(level, p.attr, value);
			if (p.schema)
				json_set(r, p.schema, level);
			struct attrs as = attrs_new(a);
			place_seen((enum kind_id)k, r, &as);
			if (as.count != 1 || strcmp(as.list[0].name, *n) != 0)
				fail_msg("%s comes back as %s", *n,
					as.count ? as.list[0].name : "nothing");
			assert_true(str_eqc(as.list[0].values[0], "true"));
			assert_int_equal(p.boolean, v->type == VOCAB_BOOL);
		}
	}
}

static void
test_1_5_urls(void **state)
{
	static const struct {
		const char *url, *base;
	} rows[] = {
		{ "https://x.example/scim/v2/", "https://x.example/scim/v2" },
		{ "https://x.example:8443", "https://x.example:8443" },
		{ "http://127.0.0.1:8080/s", "http://127.0.0.1:8080/s" },
		{ "http://localhost/s", "http://localhost/s" },
		{ "http://[::1]:1/s", "http://[::1]:1/s" },
		{ "http://x.example/s", NULL },
		{ "http://127.0.0.1.example/", NULL },
		{ "http://127.evil.example/", NULL },
		{ "http://10.0.0.1/", NULL },
		{ "https://u:p@x.example/", NULL },
		{ "https://u@x.example/", NULL },
		{ "https://x.example/?a=b", NULL },
		{ "https://x.example/#a", NULL },
		{ "ftp://x.example/", NULL },
		{ "file:///etc/passwd", NULL },
		{ "x.example", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_BUF struct buf out = { 0 };
		struct err e;
		bool good = http_url_check(rows[i].url, &out, &e);
		if (good != (rows[i].base != NULL) ||
			(good && strcmp(buf_cstr(&out), rows[i].base) != 0))
			fail_msg("%s: %s", rows[i].url, good ? buf_cstr(&out) : e.text);
		if (!good)
			assert_int_equal(e.kind, ERR_CONFIG);
	}
}

static void
test_tokens_and_encoding(void **state)
{
	CLEAN_BUF struct buf out = { 0 };
	struct err e;

	(void)state;
	assert_true(http_token_check(&(struct secret){ (char[]){ "abc.DEF-_~+/=" }, 13 }, &e));
	assert_false(http_token_check(&(struct secret){ (char[]){ "a\r\nX: y" }, 7 }, &e));
	assert_false(http_token_check(&(struct secret){ (char[]){ "a b" }, 3 }, &e));
	assert_false(http_token_check(&(struct secret){ (char[]){ "" }, 0 }, &e));
	http_encode("a-Z0._~ \"&=+/%\303\244", &out);
	assert_string_equal(buf_cstr(&out), "a-Z0._~%20%22%26%3D%2B%2F%25%C3%A4");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_say_what_to_do),
		cmocka_unit_test(test_hostile_detail_is_escaped),
		cmocka_unit_test(test_keys_from_id_or_location),
		cmocka_unit_test(test_bulk_statuses_in_every_form),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_seen_in_vocabulary_names),
		cmocka_unit_test(test_every_vocabulary_name_comes_back),
		cmocka_unit_test(test_1_5_urls),
		cmocka_unit_test(test_tokens_and_encoding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
