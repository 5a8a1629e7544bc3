/* conf/edit.h: one option changes, everything else stays to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/mem.h"
#include "conf/edit.h"

static char folder[64], conf_file[128];

#define HEAD                                                                                       \
	"# ours\n"                                                                                 \
	"state = \"data\" # folder\n"                                                              \
	"source \"corp\" {\n"                                                                      \
	"\ttype = \"ldif\" # a file\n"                                                             \
	"\tfile = 'people.ldif'\n"                                                                 \
	"}\n"                                                                                      \
	"target hosted { type = scim url = 'https://x.example/scim/v2' }\n"
#define SYNC "sync \"mail\" {\n\tfrom = \"corp\"\n\tto = \"hosted\"\n}\n"

static bool
edit(const char *text, const struct conf_change *c, size_t n, struct buf *out, struct err *e)
{
	err_clear(e);
	buf_reset(out);
	return conf_edit(conf_file, str_c(text), c, n, out, e);
}

/* path = the words (NULL-ended; none: removed) in text gives want. */
static void
turns(const char *text, const char *path, const char *const *words, const char *want)
{
	CLEAN_BUF struct buf out = { 0 };
	struct conf_change c = { .path = path, .values = words, .remove = words == NULL };
	struct err e;

	while (words && words[c.count])
		c.count++;
	if (!edit(text, &c, 1, &out, &e))
		fail_msg("%s: %s", path, e.text);
	assert_string_equal(buf_cstr(&out), want);
	/* The same once more changes nothing. */
	CLEAN_BUF struct buf again = { 0 };
	assert_true(edit(buf_cstr(&out), &c, 1, &again, &e));
	assert_string_equal(buf_cstr(&again), want);
}
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
refuses(const char *text, const char *path, const char *word, const char *code, const char *says)
{
	CLEAN_BUF struct buf out = { 0 };
	struct conf_change c = { .path = path, .values = &word, .count = 1, .remove = !word };
	struct err e;

	if (edit(text, &c, 1, &out, &e))
		fail_msg("%s: not refused:\n%s", path, buf_cstr(&out));
	assert_int_equal(e.kind, ERR_CONFIG);
	assert_string_equal(e.code, code);
	if (!strstr(e.text, says))
		fail_msg("'%s' has not '%s'", e.text, says);
	assert_int_equal(out.n, 0);
}

static void
test_a_value_keeps_its_quotes(void **state)
{
	(void)state;
	turns(HEAD SYNC, "source/corp/file", WORDS("it's \\ all"),
		"# ours\nstate = \"data\" # folder\nsource \"corp\" {\n\ttype = \"ldif\" # a file\n"
		"\tfile = 'it\\'s \\ all'\n}\n"
		"target hosted { type = scim url = 'https://x.example/scim/v2' }\n" SYNC);
}

static void
test_words(void **state)
{
	static const struct {
		const char *was, *path, *words[6], *is;
	} rows[] = {
		/* the style of what stood there */
		{ "sync mail { from = corp to = hosted fresh = 60s }", "sync/mail/fresh", { "5m" },
			"sync mail { from = corp to = hosted fresh = 5m }" },
		{ "sync mail { from = corp to = hosted fresh = \"60s\" }", "sync/mail/fresh",
			{ "5m" }, "sync mail { from = corp to = hosted fresh = \"5m\" }" },
		{ "sync mail { from = corp to = hosted canary = \"a\" }", "sync/mail/canary",
			{ "CN=a\\, b" },
			"sync mail { from = corp to = hosted canary = 'CN=a\\, b' }" },
		/* new options and sections, on one line and on several */
		{ "sync mail { from = corp to = hosted }", "sync/mail/fresh", { "60s" },
			"sync mail { from = corp to = hosted fresh = \"60s\" }" },
		{ "sync mail { from = corp to = hosted}", "sync/mail/scope/base",
			{ "DC=a", "DC=b" },
			"sync mail { from = corp to = hosted scope { base = {\"DC=a\", \"DC=b\"} } "
			"}" },
		{ "sync mail {\n    from = corp\n    to = hosted # there\n    # end\n}\n",
			"sync/mail/scope/base", { "DC=a" },
			"sync mail {\n    from = corp\n    to = hosted # there\n    # end\n"
			"    scope {\n    \tbase = \"DC=a\"\n    }\n}\n" },
		{ "sync mail {\n\tfrom = corp\n\tto = hosted\n\tuser { map { title = 'x' } }\n}\n",
			"sync/mail/user/map/urn:x:2.0:y", { "mail" },
			"sync mail {\n\tfrom = corp\n\tto = hosted\n\tuser { map { title = 'x' "
			"urn:x:2.0:y = \"mail\" } }\n}\n" },
		/* lists: comments and lines stay */
		{ "sync mail { from = corp to = hosted scope { base = {\n"
		  "\t'DC=a', # first\n\t'DC=b' # second\n} } }",
			"sync/mail/scope/base", { "DC=a", "DC=b", "DC=c" },
			"sync mail { from = corp to = hosted scope { base = {\n"
			"\t'DC=a', # first\n\t'DC=b', # second\n\t'DC=c'\n} } }" },
		{ "sync mail { from = corp to = hosted scope { base = {\n"
		  "\t'DC=a', # first\n\t'DC=b', # second\n\t'DC=c',\n} } }",
			"sync/mail/scope/base", { "DC=a", "DC=c", "DC=d" },
			"sync mail { from = corp to = hosted scope { base = {\n"
			"\t'DC=a', # first\n\t # second\n\t'DC=c',\n\t'DC=d',\n} } }" },
		{ "sync mail { from = corp to = hosted scope { base = {'DC=a', 'DC=b', 'DC=c'} } }",
			"sync/mail/scope/base", { "DC=a" },
			"sync mail { from = corp to = hosted scope { base = {'DC=a' } } }" },
		{ "sync mail { from = corp to = hosted scope { base = {'DC=a', 'DC=b'} } }",
			"sync/mail/scope/base", { "DC=b", "DC=a" },
			"sync mail { from = corp to = hosted scope { base = {'DC=b', 'DC=a'} } }" },
		{ "sync mail { from = corp to = hosted scope { base = {'DC=a' /* } */, 'DC=b'} } }",
			"sync/mail/scope/base", { "DC=b" },
			"sync mail { from = corp to = hosted scope { base = {'DC=b'} } }" },
		{ "sync mail { from = corp to = hosted scope { base = 'DC=a' } }",
			"sync/mail/scope/base", { "DC=a", "DC=b" },
			"sync mail { from = corp to = hosted scope { base = {'DC=a', 'DC=b'} } }" },
		/* removal */
		{ "sync mail {\n\tfrom = corp\n\tto = hosted\n\tfresh = 60s\n\t# fresh\n}\n",
			"sync/mail/fresh", { 0 },
			"sync mail {\n\tfrom = corp\n\tto = hosted\n\t# fresh\n}\n" },
		{ "sync mail { from = corp to = hosted fresh = 60s }", "sync/mail/fresh", { 0 },
			"sync mail { from = corp to = hosted }" },
		{ "sync mail { from = corp to = hosted }\nconsole { port = 1 }\n", "console", { 0 },
			"sync mail { from = corp to = hosted }\n" },
		/* sections of their own, at the end, even without a last line's end */
		{ "sync mail { from = corp to = hosted } # end", "console/port", { "8081" },
			"sync mail { from = corp to = hosted } # end\n\nconsole {\n\tport = "
			"\"8081\"\n}\n" },
		{ "sync mail { from = corp to = hosted }\n", "sync/two/from", { 0 },
			"sync mail { from = corp to = hosted }\n" },
		/* look-alikes in comments and strings */
		{ "# sync mail { fresh = 1h }\nsync mail { /* fresh = 2h */ from = corp to = "
		  "hosted "
		  "canary = 'fresh = 3h' // fresh = 4h\nfresh = 5h }\n",
			"sync/mail/fresh", { "6h" },
			"# sync mail { fresh = 1h }\nsync mail { /* fresh = 2h */ from = corp to = "
			"hosted canary = 'fresh = 3h' // fresh = 4h\nfresh = 6h }\n" },
		/* the right one of several */
		{ "sync mail { from = corp to = hosted }\nsync mail2 { from = corp to = hosted "
		  "fresh "
		  "= 1h }\n",
			"sync/mail2/fresh", { "2h" },
			"sync mail { from = corp to = hosted }\nsync mail2 { from = corp to = "
			"hosted "
			"fresh = 2h }\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *was = xasprintf("%s%s", HEAD, rows[i].was);
		char *is = xasprintf("%s%s", HEAD, rows[i].is);
		turns(was, rows[i].path, rows[i].words[0] ? rows[i].words : NULL, is);
		free(was);
		free(is);
	}
}

static void
test_options_of_a_connector_where_they_stand(void **state)
{
	static const char text[] =
		"state = 'x'\nsource a { type = exec command = '/bin/x'\n"
		"\toptions { url = '1' } }\n"
		"target hosted { type = scim }\nsync s { from = a to = hosted }\n";

	(void)state;
	turns(text, "source/a/url", WORDS("2"),
		"state = 'x'\nsource a { type = exec command = '/bin/x'\n\toptions { url = '2' } "
		"}\n"
		"target hosted { type = scim }\nsync s { from = a to = hosted }\n");
	turns(text, "target/hosted/token_file", WORDS("tok"),
		"state = 'x'\nsource a { type = exec command = '/bin/x'\n\toptions { url = '1' } "
		"}\n"
		"target hosted { type = scim token_file = \"tok\" }\nsync s { from = a to = hosted "
		"}\n");
	turns(text, "control", WORDS("/run/c"),
		"state = 'x'\ncontrol = \"/run/c\"\nsource a { type = exec command = '/bin/x'\n"
		"\toptions { url = '1' } }\n"
		"target hosted { type = scim }\nsync s { from = a to = hosted }\n");
}

static void
test_refuses(void **state)
{
	CLEAN_BUF struct buf path = { 0 };
	char big[70000];

	(void)state;
	buf_addf(&path, "%s/two.conf", folder);
	assert_true(file_write_atomic(
		buf_cstr(&path), 0600, STR("\nsync two { from = corp to = hosted }\n"), NULL));
	refuses(HEAD SYNC "include('two.conf')\n", "sync/two/fresh", "1h", "not-here",
		"two.conf, line 2");
	refuses(HEAD SYNC, "sync/mail/frsh", "1h", "bad-usage", "no option");
	refuses(HEAD SYNC, "sync", NULL, "bad-usage", "no option");
	refuses(HEAD SYNC, "sync/mail", "x", "bad-usage", "no option");
	refuses(HEAD SYNC, "", "x", "bad-usage", "no option");
	refuses(HEAD SYNC, "sync/mail/user/map/title/x", "x", "bad-usage", "no option");
	refuses(HEAD SYNC, "sync/mail/fresh", "soon", "bad-config", "duration");
	refuses(HEAD SYNC, "sync/mail", NULL, "bad-config", "there is no sync");
	refuses(HEAD SYNC, "source/corp/a b", "x", "not-editable", "");
	refuses(HEAD "sync {", "state", "x", "bad-config", "expected");
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = 0;
	CLEAN_BUF struct buf out = { 0 };
	struct conf_change c = { "sync/mail/canary", (const char *const[]){ big }, 1, false };
	struct err e;
	assert_true(edit(HEAD SYNC, &c, 1, &out, &e)); /* long is no reason */
}

static void
test_several_at_once_load_together(void **state)
{
	const struct conf_change cs[] = {
		{ "source/two/type", WORDS("ldif"), 1, false },
		{ "source/two/file", WORDS("x"), 1, false },
		{ "sync/mail/from", WORDS("two"), 1, false },
		{ "source/corp", NULL, 0, true },
	};
	CLEAN_BUF struct buf out = { 0 };
	struct err e;

	(void)state;
	if (!edit(HEAD SYNC, cs, 4, &out, &e))
		fail_msg("%s", e.text);
	assert_string_equal(buf_cstr(&out),
		"# ours\nstate = \"data\" # folder\n"
		"target hosted { type = scim url = 'https://x.example/scim/v2' }\n"
		"sync \"mail\" {\n\tfrom = \"two\"\n\tto = \"hosted\"\n}\n"
		"\nsource \"two\" {\n\ttype = \"ldif\"\n\tfile = \"x\"\n}\n");
	assert_false(edit(HEAD SYNC, cs, 1, &out, &e) && edit(HEAD SYNC, cs + 2, 1, &out, &e));
}

/* What conf_print says of a text. */
static void
printed(const char *text, struct buf *out)
{
	struct str s = str_c(text);
	struct conf *c;
	struct err e;

	if (!conf_load_text(conf_file, &s, &c, &e))
		fail_msg("%s\n%s", e.text, text);
	conf_print(c, out);
	conf_free(&c);
}

static uint32_t seed = 20261129;
static uint32_t
rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* Property: edit, then print, equals print with the value changed; and back again equals the first print. */
static void
test_random_lists(void **state)
{
	static const char *const odd[] = { "DC=a", "OU=x\\, y,DC=b", "CN=it's", "DC={", "DC=#",
		"a//b", "/*", "\"", "${x}", "line\nbreak", "\xc3\xa9", "end\\" };
	static const char *const seps[] = { ",", ", ", ",\n\t\t", ", # c, 'x' }\n\t\t",
		" /* , } */ , ", "\n\t\t, " };
	CLEAN_BUF struct buf text = { 0 };
	CLEAN_BUF struct buf out = { 0 };

	(void)state;
	for (int round = 0; round < 400; round++) {
		const char *old[8], *new[8];
		size_t n = rnd(6), m = rnd(7);
		struct err e;
		struct conf_change c = { "sync/mail/scope/base", new, 0, false };
		CLEAN_BUF struct buf want_text = { 0 };
		CLEAN_BUF struct buf want = { 0 };
		CLEAN_BUF struct buf is = { 0 };

		buf_reset(&text);
		buf_adds(&text, HEAD "sync mail { from = corp to = hosted\n\tscope { base = {");
		for (size_t i = 0; i < n; i++) {
			old[i] = odd[rnd(sizeof odd / sizeof *odd)];
			buf_adds(&text, i ? seps[rnd(6)] : rnd(2) ? "\n\t\t" : "");
			buf_addc(&text, '\'');
			for (const char *p = old[i]; *p; p++)
				buf_addf(&text, *p == '\'' || (*p == '\\' && !p[1]) ? "\\%c" : "%c",
					*p);
			buf_addc(&text, '\'');
		}
		buf_adds(&text, rnd(2) ? " # last\n\t} } }\n" : "} } }\n");
		for (size_t i = 0; i < m; i++)
			new[c.count++] = n &&rnd(3) ? old[rnd((uint32_t)n)]
						    : odd[rnd(sizeof odd / sizeof *odd)];
		if (!edit(buf_cstr(&text), &c, 1, &out, &e))
			fail_msg("round %d: %s\n%s", round, e.text, buf_cstr(&text));
		buf_adds(&want_text, HEAD "sync mail { from = corp to = hosted scope { base = {");
		for (size_t i = 0; i < m; i++) {
			buf_adds(&want_text, i ? ", '" : "'");
			for (const char *p = new[i]; *p; p++)
				buf_addf(&want_text,
					*p == '\'' || (*p == '\\' && !p[1]) ? "\\%c" : "%c", *p);
			buf_addc(&want_text, '\'');
		}
		buf_adds(&want_text, "} } }\n");
		printed(buf_cstr(&want_text), &want);
		printed(buf_cstr(&out), &is);
		assert_string_equal(buf_cstr(&is), buf_cstr(&want));
	}
}

static int
setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/lockstep-edit-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(conf_file, sizeof conf_file, "%s/lockstep.conf", folder);
	return 0;
}

static int
teardown(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s/two.conf", folder);
	unlink(path);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_value_keeps_its_quotes),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_options_of_a_connector_where_they_stand),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_several_at_once_load_together),
		cmocka_unit_test(test_random_lists),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
