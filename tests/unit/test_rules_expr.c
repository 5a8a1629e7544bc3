/* rules/rules.h: expressions and their prelude (1.4), times (4.5, 5.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "base/file.h"
#include "rules/rules.h"
#include "world.h"
#include "rules_kit.h"

const char *const *prelude_names(void);

/* FILETIME of a Unix time. */
#define FILETIME(t) (((t) + 11644473600LL) * 10000000LL)

/* The value of an expression over ann, or bob, as `title`, `aliases` or `active` get it: values joined
 * by '|', "nil", or "error: ...". */
static const char *
value_of(const char *expr, const char *target, const struct entry *en, int64_t *wake_r)
{
	struct conf_map maps[] = { { "userName", "cn", "x.conf", 3, false },
		{ target, expr, "x.conf", 4, false } };
	struct conf_sync s = sync_of(maps, 2);
	struct rules *r = NULL;
	struct mapped m;
	struct err e;

	if (!rules_compile(NULL, &s, &world_schema, &r, &e))
		return arena_printf(f.a, "config: %s", e.text);
	bool ok = rules_map(r, &f.w, en, &kinds[KIND_USER], f.a, &m, &e);
	const struct attr *at = ok ? attrs_get(&m.wanted, target) : NULL;
	CLEAN_BUF struct buf b = { 0 };
	for (size_t i = 0; at && i < at->count; i++) {
		if (i)
			buf_addc(&b, '|');
		buf_add(&b, at->values[i].p, at->values[i].n);
	}
	if (wake_r)
		*wake_r = m.wake;
	rules_free(&r);
	if (!ok)
		return arena_printf(f.a, "object: %s", e.text);
	if (m.steps[1].error)
		return arena_printf(f.a, "error: %s", m.steps[1].error);
	return at ? arena_strdup(f.a, buf_cstr(&b)) : "nil";
}

static void
check(const char *expr, const char *target, const struct entry *en, const char *want)
{
	const char *have = value_of(expr, target, en, NULL);
	size_t n = strlen(want);

	/* "...": the rest does not matter */
	bool part = n > 3 && strcmp(want + n - 3, "...") == 0;
	if (part ? strncmp(have, want, n - 3) != 0 : strcmp(have, want) != 0)
		fail_msg("%s\nis  '%s'\nnot '%s'", expr, have, want);
}

static void
test_1_4_names(void **state)
{
	(void)state;
	check("mail", "title", ann, "ann@x.org");
	check("MAIL", "title", ann, "ann@x.org");
	check("mail or userPrincipalName", "title", bob, "bob@x.org");
	check("title", "title", ann, "nil");
	check("(mail)", "title", ann, "ann@x.org");
	check("attr[\"employee-type\"]", "title", ann, "staff");
	check("attr['EMPLOYEE-type'] .. \"!\"", "title", ann, "staff!");
	check("attr.mail", "title", ann, "ann@x.org");
	check("attr [ [[mail]] ]", "title", ann, "ann@x.org");
	check("id", "title", ann, "id-4");
	check("attr.id", "title", ann, "A7");
	check("attr['left']", "title", ann, "attr");
	check("kind .. \" \" .. dn", "title", ann, "user CN=Ann Lee,OU=People,DC=x");
	check("container", "title", ann, "OU=People,DC=x");
	check("Join(memberOf, ';')", "title", ann, "CN=Team,DC=x");
	check("manager", "title", ann, "CN=Bob,OU=Attic,OU=People,DC=x");
	check("cn --[[ a comment ]] .. \"x\" -- mail(", "title", ann, "Ann Leex");
}

static void
test_1_4_lists_follow_the_schema(void **state)
{
	(void)state;
	check("description", "aliases", ann, "b|a|B");
	check("description[2]", "title", ann, "a");
	check("description", "title", ann,
		"error: title = 'description': 3 values where one is taken...");
	check("#description", "title", ann, "3");
	check("#(description or {})", "title", bob, "0");
	check("mail", "aliases", ann, "ann@x.org");
	check("{mail, nil, cn}", "aliases", ann, "ann@x.org|Ann Lee");
	check("{mail, \"\", cn}", "aliases", ann, "ann@x.org|Ann Lee");
	check("{title, cn, nil, mail, nil, nil}", "aliases", ann, "Ann Lee|ann@x.org");
	check("Join({title, cn, nil, mail, nil, nil}, \" \")", "title", ann, "Ann Lee ann@x.org");
	check("Count({title, nil, cn, nil, nil}) .. Count({})", "title", ann, "10");
	check("Join({title}, \" \")", "title", ann, "nil");
	check("Join({a = cn})", "title", ann, "error: ...");
	check("{a = mail}", "aliases", ann,
		"error: aliases = '{a = mail}': a table with names is no list");
	check("{{mail}}", "aliases", ann, "error: aliases = '{{mail}}': a table is no value");
	check("Trim", "title", ann, "config: x.conf:4: title: 'Trim' is a function...");
}

/* What goes past Lua must mean what Lua means. */
static void
test_1_4_simple_expressions_mean_the_same(void **state)
{
	static const char *const names[] = { "mail", "title", "description", "hidden", "enabled",
		"locked", "manager", "memberOf", "objectGUID", "info", "dn" };
	static const char *const targets[] = { "aliases", "title", "active" };
	enum { N = sizeof(names) / sizeof(*names) };

	(void)state;
	attrs_set_c(&ann->attrs, "info", "");
	for (int i = 0; i < N * N * N; i++) {
		char plain[128], lua[128];
		const struct entry *en = i % 2 ? ann : bob;
		const char *to = targets[i % 3];
		const char *a = names[i % N], *b = names[i / N % N], *c = names[i / N / N];
		snprintf(plain, sizeof plain, "%s or %s or %s", a, b, c);
		snprintf(lua, sizeof lua, "%s or %s or(%s)", a, b, c);
		const char *one = value_of(plain, to, en, NULL), *two = value_of(lua, to, en, NULL);
		/* errors quote the expression before what is wrong with it */
		const char *e1 = strstr(one, "': "), *e2 = strstr(two, "': ");
		one = e1 ? e1 : one;
		two = e2 ? e2 : two;
		if (strcmp(one, two) != 0)
			fail_msg("%s: '%s' is not '%s'", plain, one, two);
	}
}

static void
test_1_4_text_functions(void **state)
{
	(void)state;
	check("Trim(givenName)", "title", ann, "Änn");
	check("\"[\" .. LTrim(\" a \") .. \"]\" .. RTrim(\" b \") .. \"|\"", "title", ann,
		"[a ] b|");
	check("Left(Trim(givenName), 1)", "title", ann, "Ä");
	check("left(cn, 99) .. Left(cn, -1)", "title", ann, "Ann Lee");
	check("Right(cn, 3)", "title", ann, "Lee");
	check("Right(\"日本語\", 2)", "title", ann, "本語");
	check("Mid(cn, 5)", "title", ann, "Lee");
	check("Mid(\"日本語\", 2, 1)", "title", ann, "本");
	check("Mid(cn, 0)", "title", ann,
		"error: title = 'Mid(cn, 0)': bad argument #2 to 'Mid' (counting...");
	check("Lower(\"ÄÖ A\") .. Upper(\"straße ñ\")", "title", ann, "äö aSTRAẞE Ñ...");
	check("Len(\"日本語\")", "title", ann, "3");
	check("Len(title)", "title", ann, "0");
	check("Replace(cn, \"n\", \"nn\")", "title", ann, "Annnn Lee");
	check("Replace(cn, \" \", \"\")", "title", ann, "AnnLee");
	check("Replace(cn, \".\", \"\")", "title", ann, "Ann Lee");
	check("Replace(cn, \"\", \"x\")", "title", ann, "error: ...");
	check("PadLeft(\"7\", 3, \"0\") .. PadRight(\"é\", 2, \"ü\")", "title", ann, "007éü");
	check("Append(title, \"x\")", "title", ann, "nil");
	check("Append(cn, \"!\")", "title", ann, "Ann Lee!");
	check("StartsWith(cn, \"ANN\") and EndsWith(cn, \"lee\") and not StartsWith(cn, \"x\")",
		"title", ann, "true");
	check("Word(mail, 2, \"@.\")", "title", ann, "x");
	check("Word(cn, 2)", "title", ann, "Lee");
	check("Word(cn, 3)", "title", ann, "nil");
	check("CStr(1) .. CStr(true)", "title", ann, "1true");
	check("Number(userAccountControl) + 1", "title", ann, "513");
	check("Number(cn)", "title", ann, "nil");
	check("CNum(\"2.5\") * 2", "title", ann, "5");
	check("BitAnd(userAccountControl, 512) ~= 0", "title", ann, "true");
	check("BitOr(1, \"2\")", "title", ann, "3");
	check("BitAnd(cn, 1)", "title", ann, "error: ...");
	check("Trim(description)", "title", ann,
		"error: title = 'Trim(description)': bad argument #1 to 'Trim' (a list;...");
	check("Trim(title)", "title", ann, "nil");
	check("1/0", "title", ann, "error: title = '1/0': a number that is not finite");
	check("2^53", "title", ann, "9.007199254741e+15");
	check("7 // 2", "title", ann, "3");
}

static void
test_1_4_list_functions(void **state)
{
	(void)state;
	check("Split(department, \"/\")", "aliases", ann, "Sales|EMEA|North");
	check("Item(Split(department, \"/\"), 2)", "title", ann, "EMEA");
	check("Item(description, 9)", "title", ann, "nil");
	check("Join(description)", "title", ann, "b,a,B");
	check("Join(Split(department, \"/\"), \" - \")", "title", ann, "Sales - EMEA - North");
	check("Join(description)", "title", bob, "nil");
	check("First(description)", "title", ann, "b");
	check("First(cn)", "title", ann, "Ann Lee");
	check("Count(description) + Count(title) + Count(cn)", "title", ann, "4");
	check("RemoveDuplicates(description)", "aliases", ann, "b|a");
	check("Contains(description, \"A\") and not Contains(description, \"ab\")", "title", ann,
		"true");
	check("Contains(cn, \"N L\") and not Contains(title, \"x\")", "title", ann, "true");
	check("Aliases(proxyAddresses)", "aliases", ann, "ann.lee@x.org|al@x.org");
	check("Aliases(proxyAddresses)", "aliases", bob, "nil");
	check("PrimaryAddress(proxyAddresses)", "title", ann, "Ann@x.org");
}

static void
test_1_4_choosing(void **state)
{
	(void)state;
	check("IIF(IsPresent(mail), \"y\", \"n\")", "title", ann, "y");
	check("IIF(hidden, \"y\", \"n\")", "title", ann, "n");
	check("IIF(cn, \"y\", \"n\")", "title", ann, "error: ...");
	check("Switch(StartsWith(cn, \"B\"), \"b\", StartsWith(cn, \"A\"), \"a\")", "title", ann,
		"a");
	check("Switch(false, \"b\", \"z\")", "title", ann, "z");
	check("Switch(false, \"b\")", "title", ann, "nil");
	check("Coalesce(title, \"\", sn, cn)", "title", ann, "Lee");
	check("IsNullOrEmpty(title) and not IsNullOrEmpty(description)", "title", ann, "true");
	check("(title and 1) or 2", "title", ann, "2");
	check("CBool(hidden)", "active", ann, "false");
	check("hidden", "active", ann, "false");
	check("cn", "active", ann, "object: active = 'cn': neither true nor false");
	check("title", "active", ann, "object: active = 'title': neither true nor false");
}

static void
test_1_4_nothing_but_the_prelude(void **state)
{
	static const char *const refused[] = { "os", "print(1)", "_ENV.x", "_G", "load(\"x\")",
		"string.rep(cn, 9)", "(function() while true do end end)()", "mail; cn", "mail, cn",
		"return mail", "mail end", "attr[cn]", "attr", "attr.", "attr[\"\"]", "\"abc",
		"mail ..", "setmetatable({}, {})", "goto x", "", " ", "mial", "Trimm(cn)", "cn)(",
		"a=1" };

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		check(refused[i], "title", ann, "config: x.conf:4: title: ...");
	check("mial", "title", ann,
		"config: x.conf:4: title: the source has no attribute 'mial'; did you mean"
		" 'mail'?");
	check("Trimm(cn)", "title", ann,
		"config: x.conf:4: title: there is no function 'Trimm'; did you mean"
		" 'Trim'?");
	check("cn:rep(99)", "title", ann,
		"error: title = 'cn:rep(99)': attempt to index a string value"
		" (attribute 'cn')");
	check("cn .. title", "title", ann,
		"error: title = 'cn .. title': attempt to concatenate a nil value (attribute "
		"'title')");
}

static void
test_1_4_memory_and_output_are_limited(void **state)
{
	CLEAN_BUF struct buf b = { 0 };

	(void)state;
	/* doubling: 2^40 bytes if nothing stopped it */
	buf_adds(&b, "cn");
	for (int i = 0; i < 40; i++) {
		CLEAN_BUF struct buf next = { 0 };
		buf_addf(&next, "Replace(%s, \"n\", \"nnnnnnnn\")", buf_cstr(&b));
		buf_reset(&b);
		buf_adds(&b, buf_cstr(&next));
	}
	check(buf_cstr(&b), "title", ann, "error: ...");
	assert_non_null(
		strstr(value_of(buf_cstr(&b), "title", ann, NULL), "longer than 262144 bytes"));
	/* 60 texts of 256 KiB each at once: the memory of one evaluation ends first */
	buf_reset(&b);
	buf_adds(&b, "Count({");
	for (int i = 0; i < 60; i++)
		buf_addf(&b,
			"Replace(PadLeft(\"%d\", 4096, \"x\"), \"x\", PadLeft(\"%d\", 60, \"y\")),",
			i, i);
	buf_adds(&b, "})");
	check(buf_cstr(&b), "title", ann, "error: ...");
	assert_non_null(strstr(value_of(buf_cstr(&b), "title", ann, NULL), "not enough memory"));
	/* and the next evaluation works again */
	check("cn", "title", ann, "Ann Lee");
}

static void
test_4_5_enabled(void **state)
{
	static const struct {
		const char *uac, *expires, *lock;
		const char *want;
		int64_t wake;
	} rows[] = {
		{ NULL, NULL, NULL, "true", INT64_MAX },
		{ "512", NULL, NULL, "true", INT64_MAX },
		{ "514", NULL, NULL, "false", INT64_MAX },
		{ "512", "0", NULL, "true", INT64_MAX },
		{ "512", "9223372036854775807", NULL, "true", INT64_MAX },
		{ "512", "134082000000000000", NULL, "true", 1763726400 + 36000 },
		{ "514", "134082000000000000", NULL, "false", INT64_MAX },
		{ "512", "130000000000000000", NULL, "false", INT64_MAX },
		{ "512", NULL, "000001010000Z", "false", INT64_MAX },
		{ "512", NULL, "20250101000000Z", "true", INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t wake;
		char text[32];
		attrs_remove(&ann->attrs, "userAccountControl");
		attrs_remove(&ann->attrs, "accountExpires");
		attrs_remove(&ann->attrs, "pwdAccountLockedTime");
		if (rows[i].uac)
			attrs_set_c(&ann->attrs, "userAccountControl", rows[i].uac);
		if (rows[i].expires)
			attrs_set_c(&ann->attrs, "accountExpires", rows[i].expires);
		if (rows[i].lock)
			attrs_set_c(&ann->attrs, "pwdAccountLockedTime", rows[i].lock);
		if (i == 5 || i == 6) { /* ten hours ahead */
			snprintf(text, sizeof text, "%lld", FILETIME(NOW + 36000));
			attrs_set_c(&ann->attrs, "accountExpires", text);
		}
		assert_string_equal(value_of("enabled", "active", ann, &wake), rows[i].want);
		assert_true(wake == (i == 5 ? NOW + 36000 : INT64_MAX));
	}
	attrs_set_c(&ann->attrs, "nsAccountLock", "TRUE");
	check("enabled", "active", ann, "false");
	attrs_set_c(&ann->attrs, "userAccountControl", "x");
	check("enabled", "active", ann,
		"object: active = 'enabled': userAccountControl is not a number: 'x'");
	/* lockout is no part of it, but can be asked for */
	attrs_set_c(&ann->attrs, "userAccountControl", "512");
	attrs_remove(&ann->attrs, "nsAccountLock");
	attrs_set_c(&ann->attrs, "lockoutTime", "133000000000000000");
	check("enabled", "active", ann, "true");
	check("enabled and not locked", "active", ann, "false");
}

static void
test_5_2_before_and_after_wake(void **state)
{
	int64_t wake;

	(void)state;
	assert_int_equal(f.w.now, NOW);
	assert_string_equal(
		value_of("before(\"2025-11-21T17:00:00Z\")", "active", ann, &wake), "true");
	assert_true(wake == NOW + 3600);
	assert_string_equal(
		value_of("after(\"20251121180000.0Z\")", "active", ann, &wake), "false");
	assert_true(wake == NOW + 7200);
	assert_string_equal(value_of("after(\"20251121160000Z\")", "active", ann, &wake), "true");
	assert_true(wake == INT64_MAX);
	assert_string_equal(value_of("before(accountExpires)", "active", ann, &wake), "true");
	assert_true(wake == INT64_MAX);
	assert_string_equal(value_of("after(accountExpires)", "active", ann, &wake), "false");
	assert_string_equal(value_of("after(\"20251121180000Z\") or before(\"20251121170000Z\")",
				    "active", ann, &wake),
		"true");
	assert_true(wake == NOW + 3600);
	check("before(cn)", "active", ann,
		"object: active = 'before(cn)': bad argument #1 to 'before'...");
}

static void
test_1_4_manual_page_names_every_function(void **state)
{
	CLEAN_BUF struct buf page = { 0 };
	const char *top = getenv("LOCKSTEP_SOURCE");
	char path[512];

	(void)state;
	if (!top)
		skip();
	snprintf(path, sizeof path, "%s/man/lockstep.conf.5", top);
	assert_true(file_read(path, 1 << 20, &page, NULL));
	for (const char *const *n = prelude_names(); *n; n++) {
		const char *fn = arena_printf(f.a, "Fn %s ", *n),
			   *also = arena_printf(f.a, "also %s", *n);
		if (!strstr(page.p, fn) && !strstr(page.p, also) &&
			!strstr(page.p, arena_printf(f.a, ", %s\n", *n)))
			fail_msg("lockstep.conf(5) lacks '%s'", *n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_1_4_names),
		TEST(test_1_4_lists_follow_the_schema),
		TEST(test_1_4_simple_expressions_mean_the_same),
		TEST(test_1_4_text_functions),
		TEST(test_1_4_list_functions),
		TEST(test_1_4_choosing),
		TEST(test_1_4_nothing_but_the_prelude),
		TEST(test_1_4_memory_and_output_are_limited),
		TEST(test_4_5_enabled),
		TEST(test_5_2_before_and_after_wake),
		TEST(test_1_4_manual_page_names_every_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
