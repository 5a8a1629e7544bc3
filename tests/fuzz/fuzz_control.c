/* A line of the control socket: refused with a cause, or understood - and then its command is allowed or refused; what is
 * allowed holds no way round the table. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "commands.h"
#include "control.h"

static void
check_words(const struct command_asked *c)
{
	static const char *const never[] = { "--direct", "-c", "--config", "--control", "--events",
		"--json", "--out" };

	if (!c->count || c->words[c->count])
		abort();
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < ARRAY_LEN(never); k++)
			if (strcmp(c->words[i], never[k]) == 0)
				abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct control_request r;
	struct command_asked c;
	struct err e = { 0 };

	if (!control_parse((struct str){ (const char *)data, size }, &r, &e)) {
		if (r.tree || strcmp(e.code, "bad-request") != 0 || !*e.text)
			abort();
		return 0;
	}
	if (r.ask == ASK_COMMAND) {
		if (command_allow_json(r.command, a, &c, &e))
			check_words(&c);
		else if (strcmp(e.code, "bad-command") != 0)
			abort();
	}
	json_free(r.tree);
	return 0;
}
