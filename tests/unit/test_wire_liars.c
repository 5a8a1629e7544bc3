/* The engine's end against connectors that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "wire/msg.h"
#include "wire_kit.h"

static bool
say(void *ctx, struct str line, struct buf *out)
{
	(void)line;
	buf_adds(out, ctx);
	return false;
}

static struct conn *
liar(const char *lines)
{
	struct conn *c = conn_open_memory(say, (void *)(uintptr_t)lines, NULL);
	struct err e;

	assert_true(wire_read(c, NULL, NULL, NULL, &e));
	return c;
}

#define ENTRY "{\"type\":\"entry\",\"id\":\"1\",\"dn\":\"CN=1\",\"full\":{}}\n"

static void
test_I1_counts_that_differ_unseal(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		bool sealed;
	} rows[] = {
		{ ENTRY ENTRY "{\"type\":\"end\",\"sealed\":true,\"counts\":{\"entry\":2}}\n",
			true },
		{ ENTRY "{\"type\":\"end\",\"sealed\":true,\"counts\":{\"entry\":2}}\n", false },
		{ ENTRY ENTRY "{\"type\":\"end\",\"sealed\":true,\"counts\":{\"entry\":1}}\n",
			false },
		{ ENTRY ENTRY "{\"type\":\"end\",\"sealed\":true}\n", false },
		{ ENTRY ENTRY
			"{\"type\":\"end\",\"sealed\":true,\"counts\":{\"entry\":2,\"gone\":1}}\n",
			false },
		{ ENTRY ENTRY "{\"type\":\"end\",\"sealed\":\"true\",\"counts\":{\"entry\":2}}\n",
			false },
		{ ENTRY ENTRY "{\"type\":\"end\",\"counts\":{\"entry\":2}}\n", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_CONN struct conn *c = liar(rows[i].lines);
		struct wire_source_msg m;

		do
			m = next(c, a);
		while (m.type != SRC_END);
		assert_int_equal(m.sealed, rows[i].sealed);
		assert_true(m.sealed || !m.cursor);
	}
}

static void
test_I1_bad_lines_fail_the_read(void **state)
{
	(void)state;
	static const struct {
		const char *lines, *code;
	} rows[] = {
		{ "", "connector-ended" },
		{ "{\"type\":\"entry\",\"id\":\"1\"", "connector-ended" },
		{ "garbage\n", "bad-line" },
		{ "\n", "bad-line" },
		{ "[]\n", "bad-line" },
		{ "{\"type\":1}\n", "bad-line" },
		{ "{\"type\":\"entry\",\"type\":\"entry\"}\n", "bad-line" },
		{ "{\"type\":\"new\"}\n", "bad-message" },
		{ "{\"type\":\"result\",\"id\":1,\"ok\":{}}\n", "bad-message" },
		{ "{\"type\":\"entry\",\"dn\":\"CN=1\",\"full\":{}}\n", "bad-message" },
		{ "{\"type\":\"entry\",\"id\":\"1\",\"full\":{}}\n", "bad-message" },
		{ "{\"type\":\"entry\",\"id\":\"1\",\"dn\":\"CN=1\"}\n", "bad-message" },
		{ "{\"type\":\"entry\",\"id\":\"1\",\"dn\":\"CN=1\",\"full\":{},\"part\":{}}\n",
			"bad-message" },
		{ "{\"type\":\"entry\",\"id\":\"1\",\"dn\":\"CN=1\",\"full\":{\"a\":\"x\"}}\n",
			"bad-message" },
		{ "{\"type\":\"entry\",\"id\":\"\",\"part\":{}}\n", "bad-message" },
		{ "{\"type\":\"links\",\"id\":\"1\",\"set\":[]}\n", "bad-message" },
		{ "{\"type\":\"links\",\"id\":\"1\",\"attribute\":\"m\"}\n", "bad-message" },
		{ "{\"type\":\"links\",\"id\":\"1\",\"attribute\":\"m\",\"set\":[],\"add\":[]}\n",
			"bad-message" },
		{ "{\"type\":\"links\",\"id\":\"1\",\"attribute\":\"m\",\"set\":[{}]}\n",
			"bad-message" },
		{ "{\"type\":\"links\",\"id\":\"1\",\"attribute\":\"m\",\"add\":[],\"more\":true}"
		  "\n",
			"bad-message" },
		{ "{\"type\":\"values\",\"id\":\"1\",\"attribute\":\"m\"}\n", "bad-message" },
		{ "{\"type\":\"gone\",\"id\":\"1\"}\n", "bad-message" },
		{ "{\"type\":\"gone\",\"id\":\"1\",\"proof\":\"absence\"}\n", "bad-message" },
		{ "{\"type\":\"rename\",\"dn\":\"CN=1\"}\n", "bad-message" },
		{ "{\"type\":\"bad\",\"dn\":\"CN=1\"}\n", "bad-message" },
		{ "{\"type\":\"finding\",\"level\":\"odd\",\"topic\":\"t\",\"text\":\"t\"}\n",
			"bad-message" },
		{ "{\"type\":\"error\"}\n", "bad-message" },
		{ "{\"type\":\"error\",\"error\":{\"kind\":\"odd\",\"code\":\"x\"}}\n",
			"bad-message" },
		{ "{\"type\":\"error\",\"error\":{\"kind\":\"side\",\"code\":\"a b\"}}\n",
			"bad-message" },
		{ "{\"type\":\"error\",\"error\":{\"kind\":\"config\",\"code\":\"no-file\","
		  "\"message\":\"m\"}}\n",
			"no-file" },
		{ "{\"type\":\"end\",\"sealed\":false,\"error\":{\"kind\":\"odd\"}}\n",
			"bad-message" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_CONN struct conn *c = liar(rows[i].lines);
		struct wire_source_msg m;
		struct err e = { 0 };

		if (wire_source_next(c, a, &m, &e))
			fail_msg("taken: %s", rows[i].lines);
		if (strcmp(e.code, rows[i].code) != 0)
			fail_msg("%s gave %s: %s", rows[i].lines, e.code, e.text);
	}
}

static void
test_target_messages(void **state)
{
	(void)state;
	static const char lines[] =
		"{\"type\":\"progress\",\"done\":1,\"cost\":{\"answers\":[4,20.5,99999999,-1,\"x\","
		"86400001],"
		"\"paced\":[250],\"told\":{},\"other\":[1]}}\n"
		"{\"type\":\"result\",\"id\":3,\"ok\":{\"key\":\"k\",\"version\":\"v\",\"seen\":{"
		"\"userName\":[\"a\"]}}}\n"
		"{\"type\":\"result\",\"id\":1,\"ok\":{\"found\":[{\"key\":\"k\",\"name\":\"n\","
		"\"by\":\"name\"},"
		"{\"key\":\"l\",\"external\":\"x\",\"by\":\"external\"}]}}\n"
		"{\"type\":\"result\",\"id\":4,\"error\":{\"kind\":\"object\",\"code\":\"address-"
		"taken\","
		"\"message\":\"m\\u001b\",\"attribute\":\"userName\",\"other\":\"o\"}}\n"
		"{\"type\":\"result\",\"id\":5}\n";
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_CONN struct conn *c = liar(lines);
	struct wire_cost cost = { 0 };
	struct wire_result r;
	struct err e = { 0 };

	c->cost = &cost;
	assert_int_equal(wire_result_next(c, 0, a, &r, &e), 1);
	assert_int_equal(r.id, 0);
	/* what is no time is left out */
	assert_int_equal(cost.answers, 2);
	assert_int_equal(cost.buckets[0], 1);
	assert_int_equal(cost.buckets[2], 1);
	assert_true(cost.answers_s > 0.0244 && cost.answers_s < 0.0246);
	assert_int_equal(cost.waits[WAIT_PACED], 1);
	assert_true(cost.waits_s[WAIT_PACED] == 0.25);
	assert_int_equal(cost.waits[WAIT_TOLD], 0);
	assert_int_equal(wire_result_next(c, 0, a, &r, &e), 1);
	assert_true(r.ok && r.id == 3 && r.has_seen);
	assert_string_equal(r.key, "k");
	assert_string_equal(r.version, "v");
	assert_true(str_eqc(attrs_first(&r.seen, "userName"), "a"));
	assert_int_equal(wire_result_next(c, 0, a, &r, &e), 1);
	assert_true(r.found_count == 2 && !r.found[0].by_external && r.found[1].by_external);
	assert_false(r.has_seen);
	assert_int_equal(wire_result_next(c, 0, a, &r, &e), 1);
	assert_true(!r.ok && r.error.kind == ERR_OBJECT);
	assert_string_equal(r.error.code, "address-taken");
	assert_string_equal(r.error.text, "m\\x1b");
	assert_string_equal(r.attribute, "userName");
	assert_string_equal(r.other, "o");
	assert_int_equal(wire_result_next(c, 0, a, &r, &e), -1);
	assert_string_equal(e.code, "bad-message");
}

static void
test_list_6_1_is_sealed_by_counts(void **state)
{
	(void)state;
	static const struct {
		const char *end;
		bool good, sealed;
		const char *code;
	} rows[] = {
		{ "{\"type\":\"end\",\"sealed\":true,\"counts\":{\"object\":1}}\n", true, true,
			"" },
		{ "{\"type\":\"end\",\"sealed\":true,\"counts\":{\"object\":2}}\n", true, false,
			"counts-differ" },
		{ "{\"type\":\"end\",\"sealed\":false,\"error\":{\"kind\":\"retry\",\"code\":\"x\"}"
		  "}\n",
			true, false, "x" },
		{ "", false, false, "connector-ended" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		const char *lines = arena_printf(a,
			"{\"type\":\"object\",\"key\":\"k\",\"external\":\"x\",\"seen\":{}}\n"
			"{\"type\":\"progress\"}\n%s",
			rows[i].end);
		CLEAN_CONN struct conn *c = liar(lines);
		struct wire_object o;
		struct err e = { 0 };

		assert_true(wire_object_next(c, a, &o, &e));
		assert_true(!o.end && o.total == 1);
		assert_string_equal(o.external, "x");
		assert_int_equal(wire_object_next(c, a, &o, &e), rows[i].good);
		assert_int_equal(o.sealed, rows[i].sealed);
		assert_string_equal(e.code, rows[i].code);
	}
}

static void
test_s1_4_register(void **state)
{
	(void)state;
	static const struct {
		const char *line, *code, *name;
	} rows[] = {
		{ "{\"type\":\"progress\"}\n{\"type\":\"registered\",\"name\":\"dc1-2\"}\n", "",
			"dc1-2" },
		{ "{\"type\":\"registered\"}\n", "bad-message", NULL },
		{ "{\"type\":\"end\",\"name\":\"dc1\"}\n", "bad-message", NULL },
		{ "{\"type\":\"error\",\"error\":{\"kind\":\"config\",\"code\":\"not-offered\"}}\n",
			"not-offered", NULL },
		{ "", "connector-ended", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_CONN struct conn *c =
			conn_open_memory(say, (void *)(uintptr_t)rows[i].line, NULL);
		const char *name = NULL;
		struct err e = { 0 };

		assert_int_equal(wire_register(c, "dc1", a, &name, &e), !*rows[i].code);
		assert_string_equal(e.code, rows[i].code);
		if (rows[i].name)
			assert_string_equal(name, rows[i].name);
	}
}

static void
test_hello_of_liars(void **state)
{
	(void)state;
	static const struct {
		const char *role, *line, *code;
	} rows[] = {
		{ "source", "{\"type\":\"hello\",\"versions\":[2,3],\"connector\":\"x\"}\n",
			"bad-version" },
		{ "source", "{\"type\":\"hello\",\"connector\":\"x\"}\n", "bad-version" },
		{ "source",
			"{\"type\":\"hello\",\"versions\":[1,1],\"context\":\"c\",\"schema\":{}}\n",
			"bad-message" },
		{ "source",
			"{\"type\":\"hello\",\"versions\":[1,1],\"connector\":\"x\",\"schema\":{}}"
			"\n",
			"bad-message" },
		{ "source",
			"{\"type\":\"hello\",\"versions\":[1,1],\"connector\":\"x\",\"context\":"
			"\"c\"}\n",
			"bad-message" },
		{ "source",
			"{\"type\":\"hello\",\"versions\":[1,1],\"connector\":\"x\",\"context\":"
			"\"c\","
			"\"schema\":{\"a\":{\"syntax\":\"odd\"}}}\n",
			"bad-message" },
		{ "source", "{\"type\":\"end\"}\n", "bad-message" },
		{ "target", "{\"type\":\"hello\",\"versions\":[1,1],\"connector\":\"x\"}\n",
			"bad-message" },
		{ "target",
			"{\"type\":\"hello\",\"versions\":[1,1],\"connector\":\"x\",\"kinds\":["
			"\"user\"],\"window\":1}\n",
			"bad-message" },
		{ "target",
			"{\"type\":\"hello\",\"versions\":[1,1],\"connector\":\"x\",\"kinds\":{"
			"\"user\":{}},\"window\":0}\n",
			"bad-message" },
		{ "target",
			"{\"type\":\"hello\",\"versions\":[1,9],\"connector\":\"x\",\"kinds\":{"
			"\"user\":{}},\"window\":9,"
			"\"limits\":{\"members\":5000},\"settle\":3}\n",
			"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_CONN struct conn *c =
			conn_open_memory(say, (void *)(uintptr_t)rows[i].line, NULL);
		struct wire_greeting g = { .role = rows[i].role };
		struct wire_hello h;
		struct err e = { 0 };

		assert_int_equal(wire_hello(c, &g, a, &h, &e), !*rows[i].code);
		assert_string_equal(e.code, rows[i].code);
		if (!*rows[i].code) {
			assert_int_equal(h.window, 9);
			assert_int_equal(h.members_max, 1000);
			assert_int_equal(h.settle, 3);
			assert_string_equal(h.kinds[0], "user");
			assert_null(h.kinds[1]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_I1_counts_that_differ_unseal),
		cmocka_unit_test(test_I1_bad_lines_fail_the_read),
		cmocka_unit_test(test_target_messages),
		cmocka_unit_test(test_list_6_1_is_sealed_by_counts),
		cmocka_unit_test(test_s1_4_register),
		cmocka_unit_test(test_hello_of_liars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
