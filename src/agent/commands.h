/*
 * Which commands of `lockstep` may be asked for by the control socket and the console, with which options: one table.
 * What is not in it is refused. Pure.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

enum command_turn {
	COMMAND_READS,   /* at once */
	COMMAND_WRITES,  /* takes its turn */
	COMMAND_FOLLOWS, /* at once; ends when who asked goes away */
};
struct command_asked {
	enum command_turn turn;
	bool run;           /* an engine run: --events tells of progress */
	bool file;          /* about the configuration file as it is, whatever is in force */
	const char **words; /* NULL-ended, in the same order; in the arena */
	size_t count;
};
/* words: NULL-ended. Code "bad-command", text for people. */
bool command_allow(
	const char *const *words, struct arena *a, struct command_asked *a_r, struct err *e);
/* The same from a JSON array of strings. */
bool command_allow_json(
	const struct json *words, struct arena *a, struct command_asked *a_r, struct err *e);
