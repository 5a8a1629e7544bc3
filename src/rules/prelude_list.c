/* Functions over lists, and those that choose. A single text counts as a list of one, nil as an empty one. */
#include <lauxlib.h>
#include <string.h>
#include "base/mem.h"
#include "prelude.h"

/* Elements of an argument. { a, nil, b } has two: a table with holes is replaced by one without. */
static lua_Integer
count(lua_State *L, int arg)
{
	lua_Integer n = 0;

	if (!lua_istable(L, arg))
		return !lua_isnoneornil(L, arg);
	luaL_checkstack(L, 6, NULL);
	for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1))
		n++;
	if (n == (lua_Integer)lua_rawlen(L, arg))
		return n;
	lua_newtable(L);
	n = 0;
	for (lua_pushnil(L); lua_next(L, arg);) {
		if (!lua_isinteger(L, -2))
			luaL_argerror(L, arg, "a table with names is no list");
		lua_rawseti(L, -3, ++n);
	}
	lua_replace(L, arg);
	return n;
}

/* Pushes element i (from 1). */
static void
element(lua_State *L, int arg, lua_Integer i)
{
	if (lua_istable(L, arg))
		lua_rawgeti(L, arg, i);
	else
		lua_pushvalue(L, arg);
}

static void
append(lua_State *L, int list, lua_Integer *n)
{
	if (*n >= PRELUDE_LIST_MAX)
		luaL_error(L, "a list would be longer than %d", PRELUDE_LIST_MAX);
	lua_rawseti(L, list, ++*n);
}

static int
f_count(lua_State *L)
{
	lua_pushinteger(L, count(L, 1));
	return 1;
}

static int
f_item(lua_State *L)
{
	lua_Integer i = luaL_checkinteger(L, 2), n = count(L, 1);

	luaL_argcheck(L, i >= 1, 2, "counting begins at 1");
	if (i > n)
		return 0;
	element(L, 1, i);
	return 1;
}

static int
f_first(lua_State *L)
{
	if (count(L, 1) == 0)
		return 0;
	element(L, 1, 1);
	return 1;
}

/* Join(list [, separator]): nil for an empty list. */
static int
f_join(lua_State *L)
{
	struct str sep = prelude_arg(L, 2);
	lua_Integer n = count(L, 1);
	size_t total = 0;
	luaL_Buffer b;

	if (n == 0)
		return 0;
	if (!sep.p)
		sep = STR(",");
	luaL_checkstack(L, 4, NULL);
	luaL_buffinit(L, &b);
	for (lua_Integer i = 1; i <= n; i++) {
		element(L, 1, i);
		struct str s = prelude_arg(L, lua_gettop(L));
		total += s.n + sep.n;
		if (total > PRELUDE_TEXT_MAX)
			return luaL_error(
				L, "a text would be longer than %d bytes", PRELUDE_TEXT_MAX);
		if (s.p)
			luaL_addvalue(&b);
		else
			lua_pop(L, 1);
		if (i < n)
			luaL_addlstring(&b, sep.p, sep.n);
	}
	luaL_pushresult(&b);
	return 1;
}

static int
f_split(lua_State *L)
{
	struct str s = prelude_arg(L, 1), sep = prelude_arg(L, 2);
	lua_Integer n = 0;

	if (!s.p)
		return 0;
	luaL_argcheck(L, sep.n > 0, 2, "a separator is expected");
	lua_newtable(L);
	for (;;) {
		const char *hit = memmem(s.p, s.n, sep.p, sep.n);
		lua_pushlstring(L, s.p, hit ? (size_t)(hit - s.p) : s.n);
		append(L, lua_gettop(L) - 1, &n);
		if (!hit)
			return 1;
		s.n -= (size_t)(hit - s.p) + sep.n;
		s.p = hit + sep.n;
	}
}

static bool
folded_find(struct str s, struct str what)
{
	return what.n == 0 || (s.n && memmem(s.p, s.n, what.p, what.n));
}

/* Contains(list, value): an element equals it; Contains(text, part): it is a part; both without case. */
static int
f_contains(lua_State *L)
{
	struct str what = prelude_fold(L, 1, prelude_arg(L, 2));
	lua_Integer n = count(L, 1);
	bool found = false;

	if (!lua_istable(L, 1)) {
		struct str s = prelude_arg(L, 1);
		found = s.p && folded_find(prelude_fold(L, 0, s), what);
	}
	for (lua_Integer i = 1; lua_istable(L, 1) && !found && i <= n; i++) {
		lua_rawgeti(L, 1, i);
		found = str_eq(prelude_fold(L, 0, prelude_arg(L, lua_gettop(L))), what);
		lua_pop(L, 1);
	}
	lua_pushboolean(L, found);
	return 1;
}

/* True when the text on the stack's top was not in the table `seen` yet (without case). Pops nothing. */
static bool
mark(lua_State *L, int seen)
{
	struct str f = prelude_fold(L, 0, prelude_arg(L, lua_gettop(L)));

	lua_pushlstring(L, f.p, f.n);
	lua_pushvalue(L, -1);
	bool new = lua_rawget(L, seen) == LUA_TNIL;
	lua_pop(L, 1);
	lua_pushboolean(L, 1);
	lua_rawset(L, seen);
	return new;
}

static int
f_removeduplicates(lua_State *L)
{
	lua_Integer n = 0, all = count(L, 1);

	if (all == 0)
		return 0;
	lua_settop(L, 1);
	lua_newtable(L);
	lua_newtable(L);
	for (lua_Integer i = 1; i <= all; i++) {
		element(L, 1, i);
		if (mark(L, 2))
			append(L, 3, &n);
		else
			lua_pop(L, 1);
	}
	return 1;
}

/* The address in a proxyAddresses value; empty when it is none of SMTP. */
static struct str
smtp_address(struct str s, bool *primary_r)
{
	const char *colon = memchr(s.p, ':', s.n);

	*primary_r = str_starts(s, "SMTP:");
	if (!colon)
		return memchr(s.p, '@', s.n) ? s : (struct str){ s.p, 0 };
	if (colon - s.p != 4 || !str_ieq((struct str){ s.p, 4 }, STR("smtp")))
		return (struct str){ s.p, 0 };
	return (struct str){ s.p + 5, s.n - 5 };
}

/* Aliases(proxyAddresses): SMTP addresses without prefix, without the primary one and its like. */
static int
f_aliases(lua_State *L)
{
	lua_Integer n = 0, all = count(L, 1);
	bool primary = false;

	lua_settop(L, 1);
	lua_newtable(L);
	lua_newtable(L);
	for (int pass = 0; pass < 2; pass++) {
		for (lua_Integer i = 1; i <= all; i++) {
			element(L, 1, i);
			struct str s = prelude_arg(L, lua_gettop(L));
			struct str addr = s.p ? smtp_address(s, &primary) : s;
			if (addr.n && primary == (pass == 0)) {
				lua_pushlstring(L, addr.p, addr.n);
				if (mark(L, 2) && pass == 1)
					append(L, 3, &n);
			}
			lua_settop(L, 3);
		}
	}
	return n > 0;
}

static int
f_primaryaddress(lua_State *L)
{
	lua_Integer n = count(L, 1);
	bool primary = false;

	for (lua_Integer i = 1; i <= n; i++) {
		element(L, 1, i);
		struct str s = prelude_arg(L, lua_gettop(L));
		struct str addr = s.p ? smtp_address(s, &primary) : s;
		if (addr.n && primary)
			return prelude_push(L, addr);
		lua_pop(L, 1);
	}
	return 0;
}

static bool
empty(lua_State *L, int arg)
{
	if (lua_isstring(L, arg))
		return prelude_arg(L, arg).n == 0;
	return count(L, arg) == 0;
}

static int
f_isnullorempty(lua_State *L)
{
	lua_pushboolean(L, empty(L, 1));
	return 1;
}

static int
f_ispresent(lua_State *L)
{
	lua_pushboolean(L, !empty(L, 1));
	return 1;
}

static int
f_coalesce(lua_State *L)
{
	for (int i = 1; i <= lua_gettop(L); i++) {
		if (!empty(L, i)) {
			lua_pushvalue(L, i);
			return 1;
		}
	}
	return 0;
}

static int
f_iif(lua_State *L)
{
	lua_settop(L, 3);
	lua_pushvalue(L, prelude_truth(L, 1) ? 2 : 3);
	return 1;
}

/* Switch(condition, value, condition, value, ... [, otherwise]) */
static int
f_switch(lua_State *L)
{
	int top = lua_gettop(L);

	for (int i = 1; i + 1 <= top; i += 2) {
		if (prelude_truth(L, i)) {
			lua_pushvalue(L, i + 1);
			return 1;
		}
	}
	if (top % 2 == 0)
		return 0;
	lua_pushvalue(L, top);
	return 1;
}

const struct prelude prelude_list[] = {
	{ "Count", f_count },
	{ "Item", f_item },
	{ "First", f_first },
	{ "Join", f_join },
	{ "Split", f_split },
	{ "Contains", f_contains },
	{ "RemoveDuplicates", f_removeduplicates },
	{ "Aliases", f_aliases },
	{ "PrimaryAddress", f_primaryaddress },
	{ "IsNullOrEmpty", f_isnullorempty },
	{ "IsPresent", f_ispresent },
	{ "Coalesce", f_coalesce },
	{ "IIF", f_iif },
	{ "Switch", f_switch },
	{ 0 },
};

static const struct prelude *const parts[] = { prelude_text, prelude_list, prelude_time };

const struct prelude *
prelude_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (const struct prelude *f = parts[i]; f->name; f++)
			if (ascii_ieq(f->name, name))
				return f;
	return NULL;
}

const char *const *
prelude_names(void)
{
	static _Thread_local const char *names[64];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (const struct prelude *f = parts[i]; f->name && n + 1 < ARRAY_LEN(names); f++)
			names[n++] = f->name;
	return names;
}
