/* Functions over single texts. nil in, nil out, unless it says otherwise. */
#include <lauxlib.h>
#include <string.h>
#include <utf8proc.h>
#include "names.h"
#include "prelude.h"

size_t
prelude_cp(struct str s)
{
	utf8proc_int32_t cp;
	utf8proc_ssize_t n =
		utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &cp);

	return n > 0 ? (size_t)n : 1;
}

struct str
prelude_arg(lua_State *L, int arg)
{
	struct str s = { NULL, 0 };

	if (lua_isnoneornil(L, arg))
		return s;
	if (lua_istable(L, arg))
		luaL_argerror(L, arg, "a list; First, Item or Join make a text of it");
	if (lua_isboolean(L, arg))
		luaL_argerror(L, arg, "a truth value, not a text");
	s.p = luaL_checklstring(L, arg, &s.n);
	return s;
}

int
prelude_push(lua_State *L, struct str s)
{
	if (s.n > PRELUDE_TEXT_MAX)
		return luaL_error(L, "a text would be longer than %d bytes", PRELUDE_TEXT_MAX);
	lua_pushlstring(L, s.n ? s.p : "", s.n);
	return 1;
}

/* Directories write truth as TRUE and FALSE; to Lua both would be true. */
bool
prelude_truth(lua_State *L, int arg)
{
	size_t n;

	if (!lua_isstring(L, arg))
		return lua_toboolean(L, arg);
	struct str s = { lua_tolstring(L, arg, &n), 0 };
	s.n = n;
	if (str_ieqc(s, "true"))
		return true;
	if (!str_ieqc(s, "false"))
		luaL_argerror(L, arg, "neither true nor false");
	return false;
}

static struct str
from(struct str s, size_t at)
{
	return (struct str){ s.p + at, s.n - at };
}

/* Bytes that the first n code points take. */
static size_t
prefix(struct str s, lua_Integer n)
{
	size_t at = 0;

	while (n-- > 0 && at < s.n)
		at += prelude_cp(from(s, at));
	return at;
}

static lua_Integer
length(struct str s)
{
	lua_Integer n = 0;

	for (size_t at = 0; at < s.n; at += prelude_cp(from(s, at)))
		n++;
	return n;
}

static size_t
blank(struct str s)
{
	utf8proc_int32_t cp;

	if (s.n && strchr(" \t\r\n\f\v", s.p[0]) && s.p[0])
		return 1;
	utf8proc_ssize_t n =
		utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &cp);
	return n > 0 && utf8proc_category(cp) == UTF8PROC_CATEGORY_ZS ? (size_t)n : 0;
}

static int
trim(lua_State *L, bool left, bool right)
{
	struct str s = prelude_arg(L, 1);
	size_t n, end = 0;

	if (!s.p)
		return 0;
	while (left && s.n && (n = blank(s)))
		s = from(s, n);
	for (size_t at = 0; right && at < s.n;) {
		n = blank(from(s, at));
		at += n ? n : prelude_cp(from(s, at));
		end = n ? end : at;
	}
	if (right)
		s.n = end;
	return prelude_push(L, s);
}

static int
f_trim(lua_State *L)
{
	return trim(L, true, true);
}

static int
f_ltrim(lua_State *L)
{
	return trim(L, true, false);
}

static int
f_rtrim(lua_State *L)
{
	return trim(L, false, true);
}

static int
f_left(lua_State *L)
{
	struct str s = prelude_arg(L, 1);
	lua_Integer n = luaL_checkinteger(L, 2);

	if (!s.p)
		return 0;
	s.n = prefix(s, n);
	return prelude_push(L, s);
}

static int
f_right(lua_State *L)
{
	struct str s = prelude_arg(L, 1);
	lua_Integer n = luaL_checkinteger(L, 2);

	if (!s.p)
		return 0;
	return prelude_push(L, from(s, prefix(s, length(s) - (n > 0 ? n : 0))));
}

/* Mid(text, start [, count]); start counts from 1. */
static int
f_mid(lua_State *L)
{
	struct str s = prelude_arg(L, 1);
	lua_Integer start = luaL_checkinteger(L, 2);

	luaL_argcheck(L, start >= 1, 2, "counting begins at 1");
	if (!s.p)
		return 0;
	s = from(s, prefix(s, start - 1));
	if (!lua_isnoneornil(L, 3))
		s.n = prefix(s, luaL_checkinteger(L, 3));
	return prelude_push(L, s);
}

static int
convert(lua_State *L, utf8proc_int32_t (*f)(utf8proc_int32_t))
{
	struct str s = prelude_arg(L, 1);
	utf8proc_uint8_t out[4];
	luaL_Buffer b;

	if (!s.p)
		return 0;
	luaL_buffinit(L, &b);
	while (s.n) {
		utf8proc_int32_t cp;
		utf8proc_ssize_t n =
			utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &cp);
		if (n > 0)
			luaL_addlstring(
				&b, (const char *)out, (size_t)utf8proc_encode_char(f(cp), out));
		else
			luaL_addchar(&b, s.p[0]);
		s = from(s, n > 0 ? (size_t)n : 1);
	}
	luaL_pushresult(&b);
	return 1;
}

static int
f_lower(lua_State *L)
{
	return convert(L, utf8proc_tolower);
}

static int
f_upper(lua_State *L)
{
	return convert(L, utf8proc_toupper);
}

static int
f_len(lua_State *L)
{
	struct str s = prelude_arg(L, 1);

	lua_pushinteger(L, s.p ? length(s) : 0);
	return 1;
}

/* Replace(text, old, new): every occurrence, from the left. */
static int
f_replace(lua_State *L)
{
	struct str s = prelude_arg(L, 1), old = prelude_arg(L, 2), new = prelude_arg(L, 3);
	luaL_Buffer b;
	size_t total = 0;

	if (!s.p)
		return 0;
	if (!old.n)
		return luaL_argerror(L, 2, "nothing to look for");
	luaL_buffinit(L, &b);
	while (s.n) {
		const char *hit = memmem(s.p, s.n, old.p, old.n);
		size_t n = hit ? (size_t)(hit - s.p) : s.n;
		total += n + (hit ? new.n : 0);
		if (total > PRELUDE_TEXT_MAX)
			return luaL_error(
				L, "a text would be longer than %d bytes", PRELUDE_TEXT_MAX);
		luaL_addlstring(&b, s.p, n);
		if (hit && new.n)
			luaL_addlstring(&b, new.p, new.n);
		s = from(s, hit ? n + old.n : n);
	}
	luaL_pushresult(&b);
	return 1;
}

static int
pad(lua_State *L, bool left)
{
	struct str s = prelude_arg(L, 1), with = prelude_arg(L, 3);
	lua_Integer n = luaL_checkinteger(L, 2);
	luaL_Buffer b;

	if (!s.p)
		return 0;
	luaL_argcheck(L, n <= 4096, 2, "at most 4096");
	luaL_argcheck(L, with.n > 0 && prelude_cp(with) == with.n, 3, "one character is expected");
	n -= length(s);
	luaL_buffinit(L, &b);
	if (!left)
		luaL_addlstring(&b, s.p, s.n);
	while (n-- > 0)
		luaL_addlstring(&b, with.p, with.n);
	if (left)
		luaL_addlstring(&b, s.p, s.n);
	luaL_pushresult(&b);
	return 1;
}

static int
f_padleft(lua_State *L)
{
	return pad(L, true);
}

static int
f_padright(lua_State *L)
{
	return pad(L, false);
}

/* Append(text, end): nil when text is nil. */
static int
f_append(lua_State *L)
{
	struct str s = prelude_arg(L, 1), t = prelude_arg(L, 2);

	if (!s.p)
		return 0;
	if (s.n + t.n > PRELUDE_TEXT_MAX)
		return luaL_error(L, "a text would be longer than %d bytes", PRELUDE_TEXT_MAX);
	lua_pushlstring(L, s.p, s.n);
	lua_pushlstring(L, t.p ? t.p : "", t.n);
	lua_concat(L, 2);
	return 1;
}

static int
f_startswith(lua_State *L)
{
	struct str s = prelude_fold(L, 0, prelude_arg(L, 1));
	struct str t = prelude_fold(L, 1, prelude_arg(L, 2));

	lua_pushboolean(L, s.n >= t.n && memcmp(s.p, t.p, t.n) == 0);
	return 1;
}

static int
f_endswith(lua_State *L)
{
	struct str s = prelude_fold(L, 0, prelude_arg(L, 1));
	struct str t = prelude_fold(L, 1, prelude_arg(L, 2));

	lua_pushboolean(L, s.n >= t.n && memcmp(s.p + s.n - t.n, t.p, t.n) == 0);
	return 1;
}

/* Word(text, n [, delimiters]): the n-th of the words between any of the delimiters; nil beyond. */
static int
f_word(lua_State *L)
{
	struct str s = prelude_arg(L, 1), del = prelude_arg(L, 3);
	lua_Integer n = luaL_checkinteger(L, 2);
	const char *start = NULL;

	luaL_argcheck(L, n >= 1, 2, "counting begins at 1");
	luaL_argcheck(L, del.n <= 64, 3, "at most 64 bytes of delimiters");
	if (!del.p)
		del = STR(" ");
	for (; s.n; s = from(s, prelude_cp(s))) {
		bool is_del = memmem(del.p, del.n, s.p, prelude_cp(s)) != NULL;
		if (!is_del && !start)
			start = s.p;
		if (!is_del || !start)
			continue;
		if (--n == 0)
			return prelude_push(L, (struct str){ start, (size_t)(s.p - start) });
		start = NULL;
	}
	return start && n == 1 ? prelude_push(L, (struct str){ start, (size_t)(s.p - start) }) : 0;
}

static int
f_cstr(lua_State *L)
{
	if (lua_isboolean(L, 1)) {
		lua_pushstring(L, lua_toboolean(L, 1) ? "true" : "false");
		return 1;
	}
	struct str s = prelude_arg(L, 1);
	return s.p ? prelude_push(L, s) : 0;
}

static int
f_cbool(lua_State *L)
{
	lua_pushboolean(L, prelude_truth(L, 1));
	return 1;
}

/* Whole and decimal numbers; nil for what is none. */
static int
f_number(lua_State *L)
{
	struct str s = str_trim(prelude_arg(L, 1));
	int64_t n;

	if (expr_number_parse(s, &n)) {
		lua_pushinteger(L, n);
		return 1;
	}
	if (s.n == 0 || s.n > 64 || strspn(s.p, "0123456789.-") < s.n)
		return 0;
	lua_pushlstring(L, s.p, s.n);
	if (!lua_stringtonumber(L, lua_tostring(L, -1)))
		return 0;
	return 1;
}

static lua_Integer
whole(lua_State *L, int arg)
{
	struct str s = prelude_arg(L, arg);
	int64_t n = 0;

	luaL_argcheck(L, s.n == 0 || expr_number_parse(str_trim(s), &n), arg, "not a whole number");
	return n;
}

/* nil counts as 0, as absent flags do. */
static int
f_bitand(lua_State *L)
{
	lua_pushinteger(L, whole(L, 1) & whole(L, 2));
	return 1;
}

static int
f_bitor(lua_State *L)
{
	lua_pushinteger(L, whole(L, 1) | whole(L, 2));
	return 1;
}

const struct prelude prelude_text[] = {
	{ "Trim", f_trim },
	{ "LTrim", f_ltrim },
	{ "RTrim", f_rtrim },
	{ "Left", f_left },
	{ "Right", f_right },
	{ "Mid", f_mid },
	{ "Lower", f_lower },
	{ "LCase", f_lower },
	{ "Upper", f_upper },
	{ "UCase", f_upper },
	{ "Len", f_len },
	{ "Replace", f_replace },
	{ "PadLeft", f_padleft },
	{ "PadRight", f_padright },
	{ "Append", f_append },
	{ "StartsWith", f_startswith },
	{ "EndsWith", f_endswith },
	{ "Word", f_word },
	{ "CStr", f_cstr },
	{ "CBool", f_cbool },
	{ "Number", f_number },
	{ "CNum", f_number },
	{ "BitAnd", f_bitand },
	{ "BitOr", f_bitor },
	{ 0 },
};
