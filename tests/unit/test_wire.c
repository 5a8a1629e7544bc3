/* Both ends of the protocol against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "wire/msg.h"
#include "wire/serve.h"
#include "wire_kit.h"

struct far {
	struct serve *s;
	int to[2], from;
	bool (*answer)(struct serve *s, const struct json *request);
	struct err e;
};

static bool
far_handler(void *ctx, struct str line, struct buf *out)
{
	struct far *f = ctx;
	const struct json *j = NULL;
	char block[65536];
	bool ok;

	assert_int_equal(write(f->to[1], line.p, line.n), line.n);
	assert_int_equal(write(f->to[1], "\n", 1), 1);
	if (f->answer)
		ok = serve_next(f->s, -1, &j, &f->e) == 1 && f->answer(f->s, j);
	else
		ok = serve_hello(f->s, &f->e);
	if (!ok && f->e.kind != ERR_NONE)
		serve_error(f->s, &f->e);
	if (ok && !f->answer) {
		struct jsonw *w = serve_line(f->s, "hello");

		jsonw_str(w, "context", "ctx");
		jsonw_str(w, "now", "2026-11-21T17:00:00Z");
		jsonw_raw(w, "capabilities", "[\"whole\",\"fetch\",\"new\"]", 23);
		jsonw_raw(w, "schema", "{\"mail\":{\"syntax\":\"string\",\"multi\":true}}", 41);
		serve_send(f->s, NULL);
	}
	serve_flush(f->s, NULL);
	/* A file, not a pipe: nobody reads while the far end writes. */
	lseek(f->from, 0, SEEK_SET);
	for (ssize_t n; (n = read(f->from, block, sizeof(block))) > 0;)
		buf_add(out, block, (size_t)n);
	assert_int_equal(ftruncate(f->from, 0), 0);
	lseek(f->from, 0, SEEK_SET);
	return ok;
}

static const struct option options[] = {
	{ "file", OPT_PATH, true, NULL, "the file" },
	{ "base", OPT_LIST, false, NULL, "the bases" },
	{ "speed", OPT_INT, false, "7", "how fast" },
	{ "deep", OPT_BOOL, false, NULL, "how deep" },
};

static struct conn *
far_open(struct far *f)
{
	*f = (struct far){ .s = serve_new("test", "source", options, ARRAY_LEN(options)) };
	assert_int_equal(pipe(f->to), 0);
	f->from = memfd_create("from", MFD_CLOEXEC);
	assert_true(f->from >= 0);
	serve_descriptors(f->s, f->to[0], f->from);
	return conn_open_memory(far_handler, f, NULL);
}

static void
far_close(struct far *f)
{
	serve_free(f->s);
	close(f->to[0]);
	close(f->to[1]);
	close(f->from);
}

static bool
greet(struct conn *c, const struct wire_option *given, size_t count, struct arena *a,
	struct wire_hello *h, struct err *e)
{
	static const char *const classes[] = { "user", NULL };
	static const char *const attributes[] = { "mail", "member", NULL };
	struct wire_greeting g = { "source", given, count, classes, attributes };

	return wire_hello(c, &g, a, h, e);
}

static const char *const file_value[] = { "/x/y.ldif" };

static const char *const bases[] = { "DC=x", "DC=y" };

static void
test_hello(void **state)
{
	(void)state;
	struct wire_option given[] = { { "file", file_value, 1 }, { "base", bases, 2 } };
	CLEAN_ARENA struct arena *a = arena_new();
	struct wire_hello h;
	struct err e = { 0 };
	struct far f;
	CLEAN_CONN struct conn *c = far_open(&f);
	size_t n;

	if (!greet(c, given, 2, a, &h, &e))
		fail_msg("%s", e.text);
	assert_string_equal(h.connector, "test");
	assert_string_equal(h.context, "ctx");
	assert_true(h.whole && h.fetch && !h.deltas_complete && !h.find);
	assert_true(h.now == 1795280400);
	assert_int_equal(h.schema_count, 1);
	assert_string_equal(h.schema[0].name, "mail");
	assert_true(h.schema[0].multi && h.schema[0].syntax == SYNTAX_STRING);
	assert_string_equal(serve_option(f.s, "file"), "/x/y.ldif");
	assert_string_equal(serve_option(f.s, "speed"), "7");
	assert_null(serve_option(f.s, "deep"));
	assert_null(serve_option(f.s, "nothing"));
	assert_string_equal(serve_option_list(f.s, "base", &n)[1], "DC=y");
	assert_int_equal(n, 2);
	assert_string_equal(serve_classes(f.s)[0], "user");
	assert_string_equal(serve_attributes(f.s)[1], "member");
	assert_null(serve_attributes(f.s)[2]);
	far_close(&f);
}

static void
test_hello_refuses_options(void **state)
{
	(void)state;
	static const char *const word[] = { "word" };
	const struct {
		struct wire_option given[2];
		size_t count;
		const char *text;
	} rows[] = {
		{ { { "file", file_value, 1 }, { "fiel", word, 1 } }, 2, "did you mean \"file\"?" },
		{ { { "base", bases, 2 } }, 1, "option \"file\" is required" },
		{ { { "file", word, 1 } }, 1, "is not an absolute path" },
		{ { { "file", file_value, 1 }, { "speed", word, 1 } }, 2, "is not a whole number" },
		{ { { "file", file_value, 1 }, { "deep", word, 1 } }, 2, "is neither yes nor no" },
		{ { { "file", file_value, 1 }, { "speed", bases, 2 } }, 2,
			"has more than one value" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		struct wire_hello h;
		struct err e = { 0 };
		struct far f;
		CLEAN_CONN struct conn *c = far_open(&f);

		assert_false(greet(c, rows[i].given, rows[i].count, a, &h, &e));
		assert_int_equal(e.kind, ERR_CONFIG);
		assert_string_equal(e.code, "bad-option");
		if (!strstr(e.text, rows[i].text))
			fail_msg("%s", e.text);
		far_close(&f);
	}
}

static bool
answer_read(struct serve *s, const struct json *request)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct attrs as = attrs_new(a);
	struct serve_link links[2500];
	struct attr add = { "mail", 1, &(struct str){ "x", 1 } };
	struct err cause, e;

	assert_string_equal(json_get_string(request, "type"), "read");
	for (size_t i = 0; i < 2500; i++)
		links[i] = (struct serve_link){ .id = i % 2 ? "odd" : NULL, .dn = "CN=a" };
	attrs_set_c(&as, "mail", "a@x");
	attrs_set(&as, "bytes", &(struct str){ "\xff\x00", 2 }, 1);
	assert_true(serve_entry(s, "1", "CN=1", "0", "S-1-5", true, &as, &e));
	assert_true(serve_links(s, "1", NULL, "member", "set", links, 2500, &e));
	assert_true(serve_links(s, NULL, "CN=1", "member", "add", links, 1001, &e));
	assert_true(serve_links(s, "1", NULL, "member", "set", links, 0, &e));
	assert_true(serve_values(s, NULL, "CN=1", "mail", &add, NULL, &e));
	assert_true(serve_rename(s, NULL, "CN=1", "CN=2", &e));
	assert_true(serve_gone(s, "1", NULL, "tombstone", &e));
	assert_true(serve_bad(s, "1", NULL, "mail", "why not", &e));
	serve_progress(s, 1, 2, "reading");
	serve_progress(s, 2, 2, "reading"); /* within the same second: not sent */
	serve_finding(s, "warn", "certificate", "old", "renew");
	assert_true(serve_end(s, "cursor-1", true, NULL, NULL, &e));
	assert_true(serve_gone(s, "1", NULL, "delete", &e));
	err_set(&cause, ERR_WAIT, "slow-down", "later");
	cause.wait = 9;
	assert_true(serve_end(s, NULL, false, "why", &cause, &e));
	return true;
}

static void
expect_links(struct conn *c, struct arena *a, int mode, size_t count, bool more)
{
	struct wire_source_msg m = next(c, a);

	assert_int_equal(m.type, SRC_LINKS);
	assert_string_equal(m.attribute, "member");
	assert_int_equal(m.mode, mode);
	assert_int_equal(m.link_count, count);
	assert_int_equal(m.more, more);
	if (count > 1) {
		assert_null(m.links[0].id);
		assert_string_equal(m.links[0].dn, "CN=a");
		assert_string_equal(m.links[1].id, "odd");
	}
}

static void
test_source_messages_round_trip(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	struct err e = { 0 };
	struct far f;
	CLEAN_CONN struct conn *c = far_open(&f);
	struct wire_source_msg m;

	f.answer = answer_read;
	assert_true(wire_read(c, NULL, NULL, NULL, &e));
	m = next(c, a);
	assert_int_equal(m.type, SRC_ENTRY);
	assert_true(m.full);
	assert_string_equal(m.id, "1");
	assert_string_equal(m.dn, "CN=1");
	assert_string_equal(m.parent, "0");
	assert_string_equal(m.sid, "S-1-5");
	assert_true(str_eqc(attrs_first(&m.attrs, "mail"), "a@x"));
	assert_true(str_eq(attrs_first(&m.attrs, "bytes"), (struct str){ "\xff\x00", 2 }));
	expect_links(c, a, LINKS_SET, 1000, true);
	expect_links(c, a, LINKS_SET, 1000, true);
	expect_links(c, a, LINKS_SET, 500, false);
	expect_links(c, a, LINKS_ADD, 1000, false);
	expect_links(c, a, LINKS_ADD, 1, false);
	expect_links(c, a, LINKS_SET, 0, false);
	m = next(c, a);
	assert_int_equal(m.type, SRC_VALUES);
	assert_null(m.id);
	assert_true(m.add.count == 1 && m.remove.count == 0 && str_eqc(m.add.values[0], "x"));
	m = next(c, a);
	assert_int_equal(m.type, SRC_RENAME);
	assert_string_equal(m.new_dn, "CN=2");
	m = next(c, a);
	assert_int_equal(m.type, SRC_GONE);
	assert_string_equal(m.proof, "tombstone");
	m = next(c, a);
	assert_int_equal(m.type, SRC_BAD);
	assert_string_equal(m.attribute, "mail");
	assert_string_equal(m.why, "why not");
	m = next(c, a);
	assert_int_equal(m.type, SRC_PROGRESS);
	assert_true(m.done == 1 && m.total == 2);
	m = next(c, a);
	assert_int_equal(m.type, SRC_FINDING);
	assert_string_equal(m.remedy, "renew");
	m = next(c, a);
	assert_int_equal(m.type, SRC_END);
	assert_true(m.sealed);
	assert_string_equal(m.cursor, "cursor-1");
	/* Counts go on over a second end on the same request; the far end began anew. */
	m = next(c, a);
	m = next(c, a);
	assert_false(m.sealed);
	assert_string_equal(m.why, "why");
	assert_int_equal(m.error.kind, ERR_WAIT);
	assert_int_equal(m.error.wait, 9);
	assert_string_equal(m.error.code, "slow-down");
	far_close(&f);
}

static bool
answer_too_long(struct serve *s, const struct json *request)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct attrs as = attrs_new(a);
	struct err e = { 0 };
	char *big = arena_alloc(a, WIRE_LINE_MAX + 1);

	(void)request;
	memset(big, 'x', WIRE_LINE_MAX);
	attrs_set_c(&as, "mail", big);
	assert_false(serve_entry(s, "1", "CN=1", NULL, NULL, true, &as, &e));
	assert_int_equal(e.kind, ERR_OBJECT);
	assert_string_equal(e.code, "line-too-long");
	assert_true(serve_bad(s, "1", "CN=1", NULL, e.text, &e));
	return serve_end(s, "c", true, NULL, NULL, &e);
}

static void
test_I1_too_long_entry_is_bad_not_cut(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	struct err e = { 0 };
	struct far f;
	CLEAN_CONN struct conn *c = far_open(&f);
	struct wire_source_msg m;

	f.answer = answer_too_long;
	assert_true(wire_read(c, "old", NULL, NULL, &e));
	m = next(c, a);
	assert_int_equal(m.type, SRC_BAD);
	m = next(c, a);
	assert_true(m.type == SRC_END && m.sealed);
	far_close(&f);
}

static bool
keep_line(void *ctx, struct str line, struct buf *out)
{
	(void)out;
	buf_reset(ctx);
	buf_add(ctx, line.p, line.n);
	return true;
}

static void
test_op_lines(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf said = { 0 };
	CLEAN_CONN struct conn *c = conn_open_memory(keep_line, &said, NULL);
	struct attrs as = attrs_new(a);
	struct wire_ref ref = { "k2", "user" };
	struct err e;

	attrs_set_c(&as, "userName", "a@x");
	attrs_set(&as, "title", NULL, 0);
	assert_true(wire_op_send(c,
		&(struct wire_op){ .id = 4,
			.type = OP_UPDATE,
			.kind = "user",
			.key = "k",
			.version = "v",
			.attrs = &as },
		&e));
	assert_string_equal(buf_cstr(&said),
		"{\"type\":\"op\",\"id\":4,\"op\":\"update\",\"kind\":\"user\","
		"\"key\":\"k\",\"version\":\"v\",\"attrs\":{\"userName\":[\"a@x\"],\"title\":[]}}");
	assert_true(wire_op_send(c,
		&(struct wire_op){ .id = 5,
			.type = OP_REFS,
			.kind = "group",
			.key = "g",
			.attribute = "members",
			.add = &ref,
			.add_count = 1 },
		&e));
	assert_string_equal(buf_cstr(&said),
		"{\"type\":\"op\",\"id\":5,\"op\":\"refs\",\"kind\":\"group\","
		"\"key\":\"g\",\"attribute\":\"members\",\"add\":[{\"key\":\"k2\",\"kind\":"
		"\"user\"}]}");
}

static bool
watch_answer(struct serve *s, const struct json *request)
{
	struct err e;

	assert_string_equal(json_get_string(request, "type"), "watch");
	assert_true(serve_watching(s, &e));
	serve_changed(s);
	serve_changed(s); /* together with the one before: told later, by serve_wait */
	return true;
}

static void
test_watch_tells_of_changes(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	struct wire_source_msg m;
	struct err e = { 0 };
	struct far f;
	struct conn *c = far_open(&f);

	f.answer = watch_answer;
	assert_true(wire_watch(c, &e));
	assert_true(wire_source_next(c, a, &m, &e));
	assert_int_equal(m.type, SRC_PROGRESS);
	assert_string_equal(m.phase, "watching");
	assert_true(wire_source_next(c, a, &m, &e));
	assert_int_equal(m.type, SRC_CHANGED);
	assert_false(wire_source_next(c, a, &m, &e));
	assert_string_equal(e.code, "connector-silent");
	conn_close(&c);
	far_close(&f);
}

static void
test_watch_waits_for_news_and_for_the_engine(void **state)
{
	(void)state;
	int in[2], news[2], out = memfd_create("out", MFD_CLOEXEC);
	struct serve *s = serve_new("test", "source", options, ARRAY_LEN(options));
	struct pollfd fd = { .events = POLLIN };

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(news), 0);
	serve_descriptors(s, in[0], out);
	fd.fd = news[0];
	assert_int_equal(serve_wait(s, &fd, 1, 0), 1);
	assert_int_equal(fd.revents, 0);
	assert_int_equal(write(news[1], "x", 1), 1);
	assert_int_equal(serve_wait(s, &fd, 1, 60000), 1);
	assert_int_equal(fd.revents, POLLIN);
	close(in[1]);
	assert_int_equal(serve_wait(s, &fd, 1, 60000), -1);
	close(out);
	close(in[0]);
	close(news[0]);
	close(news[1]);
	serve_free(s);
}

static void
test_serve_next_ends(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int got;
		enum err_kind kind;
	} rows[] = {
		{ "", -1, ERR_NONE },
		{ "{\"type\":\"stop\"}\n", -1, ERR_NONE },
		{ "{\"type\":\"x\"}\n", 1, ERR_NONE },
		{ "{\"type\":\"x\"}", -1, ERR_SIDE },
		{ "x\n", -1, ERR_SIDE },
		{ "{}\n", -1, ERR_SIDE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct serve *s = serve_new("test", "source", NULL, 0);
		const struct json *j;
		struct err e;
		int p[2];

		assert_int_equal(pipe(p), 0);
		serve_descriptors(s, p[0], p[1]);
		assert_int_equal(serve_next(s, 10, &j, &e), 0);
		assert_int_equal(
			write(p[1], rows[i].text, strlen(rows[i].text)), strlen(rows[i].text));
		close(p[1]);
		assert_int_equal(serve_next(s, -1, &j, &e), rows[i].got);
		assert_int_equal(e.kind, rows[i].kind);
		serve_free(s);
		close(p[0]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_hello_refuses_options),
		cmocka_unit_test(test_source_messages_round_trip),
		cmocka_unit_test(test_I1_too_long_entry_is_bad_not_cut),
		cmocka_unit_test(test_op_lines),
		cmocka_unit_test(test_watch_tells_of_changes),
		cmocka_unit_test(test_watch_waits_for_news_and_for_the_engine),
		cmocka_unit_test(test_serve_next_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
