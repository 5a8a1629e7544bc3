/* conf/conf.h: what is no configuration, and how it is said (1.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/str.h"
#include "conf/conf.h"
#include "conf_kit.h"

static void
test_1_2_double_quotes_take_nothing_else(void **state)
{
	(void)state;
	refused("state = 'x'\nsource 'a' {\n base = \"OU=a\\, b\" }\n", 3, "single quotes");
	refused("state = \"${HOME}\"\n", 1, "single quotes");
	refused("state = ${HOME}\n", 1, "single quotes");
	refused("state = a\\b\n", 1, "single quotes");
}

static void
test_1_2_unclosed_names_where_it_opened(void **state)
{
	(void)state;
	refused("state = 'x'\nsource \"a\" {\n  type = \"ad\n}\nsync 's' { }\n", 3,
		"a string begins here and never ends");
	refused("state = 'x'\nsource 'a' {\n  base = 'DC=x\n}\n\n", 3,
		"a string begins here and never ends (' is missing), near 'base = 'DC=x'");
	refused("state = 'x'\n\n/* what\nis this\n", 3, "a comment begins here");
	refused("state = 'x'\nsource 'a' {\n type = 'ad'\n\n\n", 2,
		"the section source begins here");
	refused("state = 'x'\nsource 'a' {\n server = {'a',\n 'b'\n x = '1' }\n", 5,
		"the list begun at line 3");
}

static void
test_1_2_suggestions(void **state)
{
	(void)state;
	refused("stat = 'x'\n", 1, "did you mean 'state'?");
	refused("state='x'\nsorce 'a' { }\n", 2, "did you mean 'source'?");
	refused(FIRST SYNC("guard { delte = 5 }"), 10, "did you mean 'delete'?");
	refused(FIRST SYNC("user { map { usrName = 'mail' } }"), 10, "did you mean 'userName'?");
	refused(FIRST "sync 's' { from = 'crp' to = 'hosted' }\n", 10, "did you mean \"corp\"?");
	refused(FIRST "sync 's' { from = 'corp' to = 'hostd' }\n", 10, "did you mean \"hosted\"?");
	refused("state='x'\nsource 'a' { type = 'ldf' }\n" SYNC(""), 2, "did you mean \"ldif\"?");
	refused(FIRST SYNC("user { leave = 'delet' }"), 10, "did you mean \"delete\"?");
}

static void
test_1_2_bad_values_are_refused(void **state)
{
	static const struct {
		const char *text, *words;
		int line; /* 0: the first */
	} rows[] = {
		{ SYNC("user { grace = 'soon' }"), "duration" },
		{ SYNC("user { grace = '-5d' }"), "duration" },
		{ SYNC("user { enabled = 'perhaps' }"), "\"yes\" or \"no\"" },
		{ SYNC("user { leave = {'keep', 'delete'} }"), "one value" },
		{ SYNC("user { leave = 'keep' grace = '1d' }"), "grace says nothing" },
		{ SYNC("group { leave = 'disable' }"), "cannot be disabled" },
		{ SYNC("guard { delete = '101%' }"), "percentage" },
		{ SYNC("guard { delete = '10 %' }"), "percentage" },
		{ SYNC("guard { delete = '%' }"), "percentage" },
		{ SYNC("guard { delete = '1.2.3%' }"), "percentage" },
		{ SYNC("guard { delete = {'10%', '20%'} }"), "percentage" },
		{ SYNC("guard { delete = {} }"), "percentage" },
		{ SYNC("guard { floor = '-1' }"), "whole number" },
		{ SYNC("members = 'all'"), "\"exact\" or \"ours\"" },
		{ SYNC("scope { base = '' }"), "empty" },
		{ SYNC("user { map { members = 'member' } }"), "a user has no attribute" },
		{ SYNC("user { map { userName = '' } }"), "cannot be without" },
		{ SYNC("user { map { userName = {'a', 'b'} } }"), "one expression" },
		{ SYNC("user { } user { }"), "given twice" },
		{ SYNC("from = 'corp'"), "given twice" },
		{ SYNC("scope { base }"), "'=' is expected" },
		{ SYNC("scope { base = = }"), "a value is expected" },
		{ SYNC("scope base = 'x'"), "'{' is expected" },
		{ SYNC("}"), "closes nothing" },
		{ SYNC("") SYNC(""), "given twice", 11 },
		{ "sync 'a/b' { " LINK "}", "1 to 64 characters" },
		{ SYNC("schedule { full_at = '24:00' }"), "time of day" },
		{ SYNC("schedule { full_at = '2:30' }"), "time of day" },
		{ SYNC("schedule { full_at = '02:60' }"), "time of day" },
		{ SYNC("schedule { full_on = {'mon', 'monday'} }"), "mon, tue" },
		{ SYNC("fresh = 'soon'"), "duration" },
		{ "console { port = 0 }\n" SYNC(""), "1 to 65535" },
		{ "console 'x' { }\n" SYNC(""), "expected" },
		{ "alerts { mail_to = 'a@b' }\n" SYNC(""), "mail_to needs" },
		{ "alerts { webhook = 'http://hooks.example/' }\n" SYNC(""), "https://" },
		{ "alerts { smtp = 'mail.example' }\n" SYNC(""), "smtps://" },
		{ "sync { " LINK "}", "name in quotes" },
		{ "sync 's' { from = 'corp' }", "has no 'to'" },
		{ "sync 's' { to = 'hosted' }", "has no 'from'" },
		{ "source 'x' { a = 'b' }\n" SYNC(""), "has no type" },
		{ "source 'x' { 'a|b' = 'c' }\n", "cannot be the name" },
		{ "state = 'again'\n", "given twice" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CLEAN_BUF struct buf b = { 0 };
		buf_adds(&b, FIRST);
		buf_adds(&b, rows[i].text);
		refused(buf_cstr(&b), rows[i].line ? rows[i].line : 10, rows[i].words);
	}
	refused("source 'a' { type = 'ad' }\n", 1, "state = ");
	refused(FIRST, 1, "there is no sync");
	refused("state = 'x\xff'\n", 1, "not UTF-8");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_1_2_double_quotes_take_nothing_else),
		cmocka_unit_test(test_1_2_unclosed_names_where_it_opened),
		cmocka_unit_test(test_1_2_suggestions),
		cmocka_unit_test(test_1_2_bad_values_are_refused),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
