#include "commands.h"

#include <string.h>
#include "base/mem.h"

#define WORDS_MAX 32
#define WORD_MAX  4096

struct option {
	const char *name;
	bool value;     /* the next word is its value */
	signed char as; /* enum command_turn that it makes of the command; -1 = none */
};
struct row {
	const char *name, *sub;
	enum command_turn turn;
	bool run;
	unsigned least, most; /* words that are no options */
	signed char bare;     /* turn without any word or option; -1 = the same */
	struct option options[8];
	bool file; /* of command_asked */
};

static const struct row rows[] = {
	{ "sync", NULL, COMMAND_WRITES, true, 0, 1, -1,
		{ { "--full", false, -1 }, { "--retry", false, -1 } } },
	{ "plan", NULL, COMMAND_WRITES, true, 0, 1, -1,
		{ { "--all", false, -1 }, { "--full", false, -1 }, { "--offline", false, -1 },
			{ "--force", false, -1 }, { "--most", true, -1 },
			{ "--stream", true, -1 } } },
	{ "apply", NULL, COMMAND_WRITES, true, 0, 0, -1,
		{ { "--digest", true, -1 }, { "--configuration", true, -1 },
			{ "--release", false, -1 } } },
	{ "adopt", NULL, COMMAND_WRITES, false, 0, 2, COMMAND_READS,
		{ { "--list", false, COMMAND_READS }, { "--all-exact", false, -1 },
			{ "--orphans", false, -1 } } },
	{ "release", NULL, COMMAND_WRITES, false, 1, 1, -1, { { "--target", true, -1 } } },
	{ "undo", NULL, COMMAND_WRITES, true, 1, 1, -1,
		{ { "--dry-run", false, COMMAND_READS }, { "--release", false, -1 },
			{ "--target", true, -1 } } },
	{ "unpin", NULL, COMMAND_WRITES, false, 0, 1, -1, { { "--all", false, -1 } } },
	{ "state", "rebuild", COMMAND_WRITES, false, 1, 1, -1, { { 0 } } },
	{ "state", "check", COMMAND_READS, false, 0, 0, -1, { { 0 } } },
	{ "check", NULL, COMMAND_READS, false, 0, 0, -1,
		{ { "--print-setup", false, -1 }, { "--names", false, -1 } }, true },
	{ "status", NULL, COMMAND_READS, false, 0, 0, -1, { { 0 } } },
	{ "drift", NULL, COMMAND_READS, false, 0, 0, -1, { { 0 } } },
	{ "history", NULL, COMMAND_READS, false, 0, 1, -1,
		{ { "--target", true, -1 }, { "--follow", false, COMMAND_FOLLOWS } } },
	{ "register", NULL, COMMAND_WRITES, false, 0, 1, -1,
		{ { "--key-file", true, -1 }, { "--name", true, -1 } } },
	{ "explain", NULL, COMMAND_READS, false, 1, 1, -1, { { 0 } } },
	{ "search", NULL, COMMAND_READS, false, 1, 1, -1, { { 0 } } },
	{ "browse", "containers", COMMAND_READS, false, 0, 0, -1,
		{ { "--under", true, -1 }, { "--match", true, -1 } } },
	{ "browse", "groups", COMMAND_READS, false, 0, 0, -1,
		{ { "--under", true, -1 }, { "--match", true, -1 } } },
	{ "config", "show", COMMAND_READS, false, 0, 0, -1, { { 0 } }, true },
	{ "config", "options", COMMAND_READS, false, 0, 0, -1, { { 0 } }, true },
	{ "watch", NULL, COMMAND_FOLLOWS, false, 1, 1, -1, { { 0 } } },
	{ "alerts", NULL, COMMAND_READS, false, 0, 2, -1, { { "--all", false, -1 } } },
};

static const struct row *
row_of(const char *const *words)
{
	for (size_t i = 0; words[0] && i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, words[0]) == 0 &&
			(!rows[i].sub || (words[1] && strcmp(rows[i].sub, words[1]) == 0)))
			return &rows[i];
	return NULL;
}

static const struct option *
option_of(const struct row *r, const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(r->options) && r->options[i].name; i++)
		if (strcmp(r->options[i].name, word) == 0)
			return &r->options[i];
	return NULL;
}

static bool
copy(const char *const *words, struct arena *a, struct command_asked *c, struct err *e)
{
	size_t n = 0;

	while (words[n]) {
		if (n == WORDS_MAX || strlen(words[n]) > WORD_MAX)
			return err_set(e, ERR_OBJECT, "bad-command",
				"a command is at most %d words of %d bytes", WORDS_MAX, WORD_MAX);
		n++;
	}
	c->words = arena_alloc(a, (n + 1) * sizeof(*c->words));
	c->count = n;
	for (size_t i = 0; i < n; i++)
		c->words[i] = arena_strdup(a, words[i]);
	return true;
}

bool
command_allow(const char *const *words, struct arena *a, struct command_asked *c_r, struct err *e)
{
	const struct row *r = row_of(words);
	unsigned plain = 0, options = 0;

	*c_r = (struct command_asked){ 0 };
	if (!copy(words, a, c_r, e))
		return false;
	if (!r)
		return err_set(e, ERR_OBJECT, "bad-command",
			"there is no command \"%.80s\" that may be asked for",
			words[0] ? words[0] : "");
	c_r->turn = r->turn;
	c_r->run = r->run;
	c_r->file = r->file;
	for (size_t i = r->sub ? 2 : 1; words[i]; i++) {
		const struct option *o = option_of(r, words[i]);

		if (words[i][0] != '-') {
			plain++;
			continue;
		}
		if (!o || (o->value && (!words[i + 1] || words[i + 1][0] == '-')))
			return err_set(e, ERR_OBJECT, "bad-command",
				o ? "%s: %.80s needs a value" : "%s has no option %.80s", r->name,
				words[i]);
		options++;
		i += o->value;
		if (o->as >= 0)
			c_r->turn = (enum command_turn)o->as;
	}
	if (plain < r->least || plain > r->most)
		return err_set(e, ERR_OBJECT, "bad-command", "%s takes %u to %u words, not %u",
			r->name, r->least, r->most, plain);
	if (!plain && !options && r->bare >= 0)
		c_r->turn = (enum command_turn)r->bare;
	return true;
}

bool
command_allow_json(
	const struct json *words, struct arena *a, struct command_asked *c_r, struct err *e)
{
	const char *list[WORDS_MAX + 1] = { NULL };
	size_t n = 0;

	if (json_type(words) != JSON_ARRAY || json_count(words) > WORDS_MAX)
		return err_set(e, ERR_OBJECT, "bad-command",
			"a command is a list of at most %d words", WORDS_MAX);
	json_for_each(it, words) {
		if (!json_string(it))
			return err_set(e, ERR_OBJECT, "bad-command", "a command's words are text");
		list[n++] = json_string(it);
	}
	return command_allow(list, a, c_r, e);
}
