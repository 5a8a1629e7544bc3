/* What may be asked for by socket and console, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "commands.h"

static const struct {
	const char *json;
	int turn; /* -1: refused */
	bool run;
} cases[] = {
	{ "[\"sync\"]", COMMAND_WRITES, true },
	{ "[\"sync\",\"mail\",\"--full\"]", COMMAND_WRITES, true },
	{ "[\"sync\",\"a\",\"b\"]", -1, false },
	{ "[\"sync\",\"-c\",\"/tmp/mine\"]", -1, false },
	{ "[\"sync\",\"--direct\"]", -1, false },
	{ "[\"-c\",\"/tmp/mine\",\"sync\"]", -1, false },
	{ "[\"plan\",\"--all\"]", COMMAND_WRITES, true },
	{ "[\"plan\",\"--out\",\"/etc/x\"]", -1, false },
	{ "[\"plan\",\"--stream\",\"/etc/x\"]", COMMAND_WRITES, true },
	{ "[\"plan\",\"--stream\"]", -1, false },
	{ "[\"apply\",\"x\"]", -1, false },
	{ "[\"apply\",\"--digest\",\"x\",\"--configuration\",\"y\"]", COMMAND_WRITES, true },
	{ "[\"history\",\"7\",\"--target\",\"x\"]", COMMAND_READS, false },
	{ "[\"history\",\"--follow\"]", COMMAND_FOLLOWS, false },
	{ "[\"register\",\"x\",\"--key-file\",\"/x\",\"--name\",\"y\"]", COMMAND_WRITES, false },
	{ "[\"adopt\"]", COMMAND_READS, false },
	{ "[\"adopt\",\"--list\"]", COMMAND_READS, false },
	{ "[\"adopt\",\"a@b\"]", COMMAND_WRITES, false },
	{ "[\"adopt\",\"--all-exact\"]", COMMAND_WRITES, false },
	{ "[\"release\",\"7\"]", COMMAND_WRITES, false },
	{ "[\"undo\",\"7\"]", COMMAND_WRITES, true },
	{ "[\"undo\",\"7\",\"--dry-run\"]", COMMAND_READS, true },
	{ "[\"undo\",\"7\",\"--target\",\"x\"]", COMMAND_WRITES, true },
	{ "[\"undo\",\"7\",\"--target\"]", -1, false },
	{ "[\"unpin\",\"--all\"]", COMMAND_WRITES, false },
	{ "[\"status\"]", COMMAND_READS, false },
	{ "[\"status\",\"x\"]", -1, false },
	{ "[\"explain\",\"a@b\"]", COMMAND_READS, false },
	{ "[\"config\",\"show\"]", COMMAND_READS, false },
	{ "[\"config\"]", -1, false },
	{ "[\"state\",\"check\"]", COMMAND_READS, false },
	{ "[\"state\",\"rebuild\",\"s\"]", COMMAND_WRITES, false },
	{ "[\"state\",\"backup\",\"/etc\"]", -1, false },
	{ "[\"watch\",\"s\"]", COMMAND_FOLLOWS, false },
	{ "[\"watch\"]", -1, false },
	{ "[\"console\"]", -1, false },
	{ "[\"\"]", -1, false },
	{ "[]", -1, false },
	{ "[1]", -1, false },
	{ "[\"sync\",null]", -1, false },
	{ "{\"sync\":1}", -1, false },
	{ "\"sync\"", -1, false },
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_JSON struct json *j = NULL;
		struct command_asked c;
		struct err e = { 0 };
		bool ok;

		assert_true(json_parse(str_c(cases[i].json), 0, &j, &e));
		ok = command_allow_json(j, a, &c, &e);
		if (ok != (cases[i].turn >= 0))
			fail_msg("%s: %s", cases[i].json, e.text);
		if (!ok) {
			assert_string_equal(e.code, "bad-command");
			continue;
		}
		assert_int_equal(c.turn, cases[i].turn);
		assert_int_equal(c.run, cases[i].run);
		assert_int_equal(c.count, json_count(j));
		assert_null(c.words[c.count]);
	}
}

static void
test_too_much(void **state)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_FREE char *word = xmalloc(5001);
	const char *words[] = { "explain", word, NULL };
	struct command_asked c;
	struct err e = { 0 };

	(void)state;
	memset(word, 'x', 5000);
	word[5000] = '\0';
	assert_false(command_allow(words, a, &c, &e));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_table),
		cmocka_unit_test(test_too_much) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
