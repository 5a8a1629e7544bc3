/*
 * The functions that expressions have (SEMANTICS 1.4): Entra Connect's names, over code points, each in
 * time linear in its input, each result at most PRELUDE_TEXT_MAX bytes or PRELUDE_LIST_MAX elements.
 * Names are found without case. lockstep.conf(5) describes each.
 */
#pragma once
#include <lua.h>
#include <stdbool.h>
#include "base/str.h"

#define PRELUDE_TEXT_MAX (256 * 1024)
#define PRELUDE_LIST_MAX 100000

struct prelude {
	const char *name;
	lua_CFunction f;
};
const struct prelude *prelude_find(const char *name); /* NULL when unknown */
const char *const *prelude_names(void);               /* NULL-ended */

/* The parts of the table, each ended by name == NULL; prelude_time in expr.c, where the clock is known. */
extern const struct prelude prelude_text[], prelude_list[], prelude_time[];

/* Between those parts. A text argument: strings and numbers; nil gives p == NULL; else a Lua error. */
struct str prelude_arg(lua_State *L, int arg);
int prelude_push(lua_State *L, struct str s); /* within the limit, else a Lua error; returns 1 */
bool prelude_truth(
	lua_State *L, int arg);  /* nil, truth values, "TRUE", "false"; else a Lua error */
size_t prelude_cp(struct str s); /* bytes of the first code point; an invalid byte is one */
/* Folded text, for comparing without case; lives until the next call with the same slot (0 or 1). */
struct str prelude_fold(lua_State *L, int slot, struct str s);
