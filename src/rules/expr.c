#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "expr.h"
#include "names.h"
#include "prelude.h"

struct engine {
	lua_State *L;
	struct arena *arena;
	const struct rules_schema *schema;
	size_t used, limit;    /* Lua's memory; limit SIZE_MAX outside evaluations */
	size_t base;           /* what the compiled expressions use */
	int env;               /* registry: functions, `attr`, names through __index */
	int names, attr_names; /* registry: spelling -> struct name_ref */
	struct eval *ev;       /* the evaluation under way */
	struct buf fold[2];
};

static struct engine *
engine_of(lua_State *L)
{
	return *(struct engine **)lua_getextraspace(L);
}

/* NULL makes Lua collect its garbage, then fail the evaluation with "not enough memory". */
static void *
lua_memory(void *ud, void *p, size_t old, size_t n)
{
	struct engine *g = ud;

	if (!p)
		old = 0;
	if (n > old && n - old > g->limit - (g->used < g->limit ? g->used : g->limit))
		return NULL;
	g->used = g->used - old + n;
	if (n == 0) {
		free(p);
		return NULL;
	}
	return xrealloc(p, n);
}

struct str
prelude_fold(lua_State *L, int slot, struct str s)
{
	struct buf *b = &engine_of(L)->fold[slot];

	buf_reset(b);
	utf8_fold(s.p ? s.p : "", s.n, b);
	return (struct str){ buf_cstr(b), b->n };
}

static void
value_push(lua_State *L, const struct value *v)
{
	if (v->type == VALUE_NONE) {
		lua_pushnil(L);
	} else if (v->type == VALUE_BOOL) {
		lua_pushboolean(L, v->truth);
	} else if (!v->list) {
		lua_pushlstring(L, v->texts[0].p, v->texts[0].n);
	} else {
		lua_createtable(L, (int)v->count, 0);
		for (size_t i = 0; i < v->count; i++) {
			lua_pushlstring(L, v->texts[i].p, v->texts[i].n);
			lua_rawseti(L, -2, (lua_Integer)i + 1);
		}
	}
}

/* __index of the environment and of `attr`; upvalue 1: the names. */
static int
name_index(lua_State *L)
{
	struct value v;
	struct err e;

	lua_rawget(L, lua_upvalueindex(1));
	const struct name_ref *r = lua_touserdata(L, -1);
	if (!r)
		return 0;
	if (!expr_name_value(r, engine_of(L)->ev, &v, &e))
		return luaL_error(L, "%s", e.text);
	value_push(L, &v);
	return 1;
}

static int
closed(lua_State *L)
{
	return luaL_error(L, "an expression changes nothing");
}

static void
stop(lua_State *L, lua_Debug *d)
{
	(void)d;
	luaL_error(L, "more than %d steps", EXPR_STEPS_MAX);
}

/* Pushes a table whose names come through name_index; returns the registry's key of those names. */
static int
names_table(lua_State *L)
{
	lua_newtable(L);
	lua_newtable(L);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	int names = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_pushcclosure(L, name_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, closed);
	lua_setfield(L, -2, "__newindex");
	lua_setmetatable(L, -2);
	return names;
}

struct engine *
expr_engine_new(const struct rules_schema *schema)
{
	struct engine *g = xcalloc(1, sizeof *g);

	g->schema = schema;
	g->arena = arena_new();
	g->limit = SIZE_MAX;
	g->L = lua_newstate(lua_memory, g);
	*(struct engine **)lua_getextraspace(g->L) = g;
	g->names = names_table(g->L);
	g->attr_names = names_table(g->L);
	lua_pushliteral(g->L, "attr");
	lua_insert(g->L, -2);
	lua_rawset(g->L, -3);
	g->env = luaL_ref(g->L, LUA_REGISTRYINDEX);
	return g;
}

void
expr_engine_free(struct engine *g)
{
	if (!g)
		return;
	lua_close(g->L);
	buf_free(&g->fold[0]);
	buf_free(&g->fold[1]);
	arena_free(g->arena);
	free(g);
}

static struct name_ref *
name_resolve(struct engine *g, const struct expr_name *n, bool lenient, struct err *e)
{
	struct name_ref *r = arena_alloc(g->arena, sizeof *r);
	enum builtin b = builtin_find(n->spelled);

	r->name = arena_strdup(g->arena, n->spelled);
	if (b == B_MEMBEROF || (b != B_NONE && !n->through_attr)) {
		r->builtin = b;
		r->known = true;
		r->multi = b == B_MEMBEROF;
		return r;
	}
	if (!g->schema)
		r->known = true;
	else
		r->known =
			g->schema->lookup(g->schema->ctx, r->name, &r->multi, &r->link, &r->bytes);
	if (!r->known && ascii_ieq(r->name, "objectClass"))
		r->known = r->multi = true;
	if (r->known || lenient)
		return r;
	const char *near = names_nearest(r->name, true);
	err_set(e, ERR_CONFIG, "bad-expression", "the source has no attribute '%s'%s%s%s", r->name,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}

/* Makes what an expression names known to its environment, under the spelling used. */
static bool
names_bind(
	struct engine *g, const struct expr_names *n, bool lenient, struct expr *x, struct err *e)
{
	lua_State *L = g->L;

	x->plain_count = n->plain ? n->count : 0;
	x->plain = n->plain ? arena_alloc(g->arena, n->count * sizeof(struct name_ref *)) : NULL;
	x->links = arena_alloc(g->arena, (n->count + 1) * sizeof *x->links);
	for (size_t i = 0; i < n->count; i++) {
		const struct expr_name *en = &n->list[i];
		if (en->type == EXPR_FUNCTION) {
			lua_rawgeti(L, LUA_REGISTRYINDEX, g->env);
			lua_pushstring(L, en->spelled);
			lua_pushcfunction(L, prelude_find(en->spelled)->f);
			lua_rawset(L, -3);
			lua_pop(L, 1);
			continue;
		}
		struct name_ref *r = name_resolve(g, en, lenient, e);
		if (!r)
			return false;
		x->uses_memberof |= r->builtin == B_MEMBEROF;
		if (r->link)
			x->links[x->link_count++] = r->name;
		if (x->plain) {
			x->plain[i] = r;
			continue;
		}
		lua_rawgeti(L, LUA_REGISTRYINDEX, en->through_attr ? g->attr_names : g->names);
		lua_pushstring(L, en->spelled);
		lua_pushlightuserdata(L, r);
		lua_rawset(L, -3);
		lua_pop(L, 1);
	}
	return true;
}

/* Lua's message without the place it names: ours knows the file and line. */
static const char *
message(lua_State *L, struct buf *out)
{
	const char *m = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "failed";
	size_t digits = strncmp(m, "expr:", 5) == 0 ? strspn(m + 5, "0123456789") : 0;

	if (digits && m[5 + digits] == ':')
		m += 7 + digits;
	buf_reset(out);
	for (const char *hit; (hit = strstr(m, "global '")); m = hit + strlen("global ")) {
		buf_add(out, m, (size_t)(hit - m));
		buf_adds(out, "attribute ");
	}
	buf_adds(out, m);
	return buf_cstr(out);
}

static bool
chunk_load(struct engine *g, const char *text, const char *before, const char *after, struct err *e)
{
	CLEAN_BUF struct buf b = { 0 };

	buf_addf(&b, "return %s", before);
	buf_adds(&b, text);
	buf_adds(&b, after);
	if (luaL_loadbufferx(g->L, b.p, b.n, "=expr", "t") == LUA_OK)
		return true;
	CLEAN_BUF struct buf m = { 0 };
	err_set(e, ERR_CONFIG, "bad-expression", "%s", message(g->L, &m));
	lua_pop(g->L, 1);
	return false;
}

bool
expr_compile(struct engine *g, const char *text, bool lenient, struct expr *x_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct expr_names n = { .arena = a };

	*x_r = (struct expr){ .text = text, .chunk = LUA_NOREF };
	if (!str_trim(str_c(text)).n)
		return err_set(e, ERR_CONFIG, "bad-expression", "the expression is empty");
	if (!expr_scan(text, &n, e) || !names_bind(g, &n, lenient, x_r, e))
		return false;
	if (x_r->plain)
		return true;
	/* Alone first, for Lua's own words about a mistake; then as one value, nothing after it. */
	if (!chunk_load(g, text, "", "", e))
		return false;
	lua_pop(g->L, 1);
	if (!chunk_load(g, text, "(", "\n)", e))
		return false;
	lua_rawgeti(g->L, LUA_REGISTRYINDEX, g->env);
	lua_setupvalue(g->L, -2, 1);
	x_r->chunk = luaL_ref(g->L, LUA_REGISTRYINDEX);
	g->base = g->used;
	return true;
}

/* The element at the top as a text in the arena; no Lua call here may allocate. */
static bool
text_take(lua_State *L, struct eval *ev, struct str *s_r, struct err *e)
{
	char number[40];
	size_t n = 0;

	switch (lua_type(L, -1)) {
	case LUA_TSTRING:
		s_r->p = lua_tolstring(L, -1, &n);
		s_r->n = n;
		break;
	case LUA_TBOOLEAN:
		*s_r = lua_toboolean(L, -1) ? STR("true") : STR("false");
		return true;
	case LUA_TNUMBER:
		if (lua_isinteger(L, -1))
			snprintf(number, sizeof number, "%lld", (long long)lua_tointeger(L, -1));
		else if (lua_tonumber(L, -1) - lua_tonumber(L, -1) != 0)
			return err_set(e, ERR_OBJECT, "bad-value", "a number that is not finite");
		else
			snprintf(number, sizeof number, "%.14g", lua_tonumber(L, -1));
		*s_r = str_c(number);
		break;
	default:
		return err_set(e, ERR_OBJECT, "bad-value", "a %s is no value",
			lua_typename(L, lua_type(L, -1)));
	}
	s_r->p = arena_strndup(ev->a, s_r->p, s_r->n);
	return true;
}

/* The elements of a table; { a, nil, b } has two. lua_next goes through positions in their order, and
 * lua_rawlen would stop at a hole. */
static bool
list_take(lua_State *L, struct eval *ev, struct value *v, struct err *e)
{
	size_t n = 0;
	struct str s = { 0 };

	v->list = true;
	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
		n++;
	if (n > EXPR_VALUES_MAX)
		return err_set(e, ERR_OBJECT, "bad-value", "more than %d values", EXPR_VALUES_MAX);
	v->texts = arena_alloc(ev->a, (n + 1) * sizeof *v->texts);
	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
		bool ok = lua_isinteger(L, -2) ||
			  err_set(e, ERR_OBJECT, "bad-value", "a table with names is no list");
		if (!ok || !text_take(L, ev, &s, e)) {
			lua_pop(L, 2);
			return false;
		}
		if (s.n)
			v->texts[v->count++] = s;
	}
	if (v->count)
		v->type = VALUE_TEXTS;
	return true;
}

static bool
result_take(lua_State *L, struct eval *ev, struct value *v, struct err *e)
{
	if (lua_isnil(L, -1))
		return true;
	if (lua_isboolean(L, -1)) {
		v->type = VALUE_BOOL;
		v->truth = lua_toboolean(L, -1);
		return true;
	}
	if (lua_istable(L, -1))
		return list_take(L, ev, v, e);
	v->texts = arena_alloc(ev->a, sizeof *v->texts);
	if (!text_take(L, ev, v->texts, e))
		return false;
	v->count = v->texts[0].n ? 1 : 0;
	v->type = v->count ? VALUE_TEXTS : VALUE_NONE;
	return true;
}

/* `a or b or c` as Lua means it: the first that is neither absent nor false, else the last. */
static bool
plain_eval(const struct expr *x, struct eval *ev, struct value *v_r, struct err *e)
{
	for (size_t i = 0; i < x->plain_count; i++) {
		if (!expr_name_value(x->plain[i], ev, v_r, e))
			return false;
		if (v_r->type == VALUE_TEXTS || (v_r->type == VALUE_BOOL && v_r->truth))
			break;
	}
	return true;
}

bool
expr_eval(struct engine *g, const struct expr *x, struct eval *ev, struct value *v_r, struct err *e)
{
	lua_State *L = g->L;

	*v_r = (struct value){ 0 };
	if (x->plain)
		return plain_eval(x, ev, v_r, e);
	g->ev = ev;
	g->limit = g->base + EXPR_MEMORY_MAX;
	lua_sethook(L, stop, LUA_MASKCOUNT, EXPR_STEPS_MAX);
	lua_rawgeti(L, LUA_REGISTRYINDEX, x->chunk);
	bool ok = lua_pcall(L, 0, 1, 0) == LUA_OK;
	if (!ok) {
		CLEAN_BUF struct buf m = { 0 };
		CLEAN_BUF struct buf safe = { 0 };
		const char *text = message(L, &m);
		text_escape(text, strlen(text), 300, &safe);
		err_set(e, ERR_OBJECT, "bad-value", "%s", buf_cstr(&safe));
	} else {
		ok = result_take(L, ev, v_r, e);
	}
	lua_pop(L, 1);
	g->limit = SIZE_MAX;
	g->ev = NULL;
	return ok;
}

/* Without a time there is nothing to wait for: before(nil) is true, after(nil) is false. */
static int
before(lua_State *L)
{
	struct str s = prelude_arg(L, 1);
	int64_t t = INT64_MAX;

	if (s.n && !expr_time_parse(s, &t))
		return luaL_argerror(L, 1, "not a time");
	lua_pushboolean(L, t == INT64_MAX || eval_before(engine_of(L)->ev, t));
	return 1;
}

static int
after(lua_State *L)
{
	before(L);
	lua_pushboolean(L, !lua_toboolean(L, -1));
	return 1;
}

const struct prelude prelude_time[] = { { "before", before }, { "after", after }, { 0 } };
