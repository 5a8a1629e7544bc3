#include <string.h>
#include "names.h"
#include "prelude.h"
#include "scan.h"

enum x_type { X_END, X_NAME, X_STRING, X_OTHER };

struct token {
	enum x_type type;
	struct str text;
	const char *string; /* X_STRING: decoded, NULL when it has escapes */
};

static const struct {
	const char *name;
	enum builtin builtin;
	const char *attributes[5];
} builtins[] = {
	{ "enabled", B_ENABLED,
		{ "userAccountControl", "accountExpires", "nsAccountLock",
			"pwdAccountLockedTime" } },
	{ "locked", B_LOCKED, { "lockoutTime", "pwdAccountLockedTime" } },
	{ "dn", B_DN, { NULL } },
	{ "id", B_ID, { NULL } },
	{ "kind", B_KIND, { "objectClass" } },
	{ "container", B_CONTAINER, { NULL } },
	{ "memberOf", B_MEMBEROF, { "member", "primaryGroupID" } },
};

enum builtin
builtin_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
		if (ascii_ieq(builtins[i].name, name))
			return builtins[i].builtin;
	return B_NONE;
}

const char *const *
builtin_attributes(enum builtin b)
{
	static const char *const none[] = { NULL };

	for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
		if (builtins[i].builtin == b)
			return builtins[i].attributes;
	return none;
}

static bool
name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
name_char(char c)
{
	return name_start(c) || (c >= '0' && c <= '9');
}

/* "[[", "[=[", ...: the number of "=" or -1. */
static int
long_level(const char *p)
{
	int level = 0;

	if (*p++ != '[')
		return -1;
	while (*p == '=')
		p++, level++;
	return *p == '[' ? level : -1;
}

/* Behind the closing "]=]", or NULL when there is none. */
static const char *
long_end(const char *p, int level)
{
	for (p += level + 2; *p; p++) {
		int n = 0;
		if (*p != ']')
			continue;
		while (p[1 + n] == '=')
			n++;
		if (n == level && p[1 + n] == ']')
			return p + 2 + n;
	}
	return NULL;
}

static const char *
skip(const char *p)
{
	for (;;) {
		while (*p && strchr(" \t\r\n\f\v", *p))
			p++;
		if (p[0] != '-' || p[1] != '-')
			return p;
		p += 2;
		int level = long_level(p);
		const char *end = level >= 0 ? long_end(p, level) : strchr(p, '\n');
		if (!end)
			return p + strlen(p);
		p = end;
	}
}

static const char *
string_end(const char *p, bool *escaped_r)
{
	char q = *p++;

	for (; *p && *p != q; p++) {
		if (*p == '\n')
			return NULL;
		if (*p == '\\') {
			*escaped_r = true;
			if (!*++p)
				return NULL;
		}
	}
	return *p ? p + 1 : NULL;
}

static const char *
number_end(const char *p)
{
	while (name_char(*p) || *p == '.' || ((*p == '+' || *p == '-') && strchr("eEpP", p[-1])))
		p++;
	return p;
}

/* One token; where Lua's own parser will complain (an unclosed string), the rest is one token. */
static const char *
token(const char *p, struct token *t, struct arena *a)
{
	const char *start = p = skip(p), *end = NULL;
	bool escaped = false;
	int level;

	t->string = NULL;
	t->type = *p ? X_OTHER : X_END;
	if (!*p) {
		end = p;
	} else if (name_start(*p)) {
		t->type = X_NAME;
		while (name_char(*p))
			p++;
		end = p;
	} else if (*p == '"' || *p == '\'') {
		t->type = X_STRING;
		end = string_end(p, &escaped);
		if (end && !escaped)
			t->string = arena_strndup(a, p + 1, (size_t)(end - p) - 2);
	} else if ((level = long_level(p)) >= 0) {
		t->type = X_STRING;
		end = long_end(p, level);
		if (end)
			t->string = arena_strndup(
				a, p + level + 2, (size_t)(end - p) - 2 * (size_t)(level + 2));
	} else if ((*p >= '0' && *p <= '9') || (*p == '.' && p[1] >= '0' && p[1] <= '9')) {
		end = number_end(p + 1);
	} else if (strncmp(p, "...", 3) == 0) {
		end = p + 3;
	} else if (strncmp(p, "..", 2) == 0 || strncmp(p, "==", 2) == 0 ||
		   strncmp(p, "~=", 2) == 0 || strncmp(p, "<=", 2) == 0 ||
		   strncmp(p, ">=", 2) == 0 || strncmp(p, "//", 2) == 0 ||
		   strncmp(p, "::", 2) == 0) {
		end = p + 2;
	} else {
		end = p + 1;
	}
	if (!end)
		end = p + strlen(p);
	t->text = (struct str){ start, (size_t)(end - start) };
	return end;
}

static bool
is(const struct token *t, const char *text)
{
	return t->type == X_OTHER && str_eqc(t->text, text);
}

static bool
word_in(struct str w, const char *const *list)
{
	for (; *list; list++)
		if (str_eqc(w, *list))
			return true;
	return false;
}

static void
add(struct expr_names *n, enum expr_name_type type, const char *spelled, bool through_attr)
{
	if (n->count == n->cap) {
		size_t cap = n->cap ? n->cap * 2 : 4;
		struct expr_name *more = arena_alloc(n->arena, cap * sizeof *more);
		if (n->count)
			memcpy(more, n->list, n->count * sizeof *more);
		n->list = more;
		n->cap = cap;
	}
	n->list[n->count++] = (struct expr_name){ type, spelled, through_attr };
}

static bool
bad(struct err *e, const char *text)
{
	return err_set(e, ERR_CONFIG, "bad-expression", "%s", text);
}

/* attr.NAME or attr["NAME"]; p stands behind `attr`. */
static const char *
through_attr(const char *p, struct expr_names *n, struct err *e)
{
	struct token t;
	const char *name = NULL;

	p = token(p, &t, n->arena);
	if (is(&t, ".")) {
		p = token(p, &t, n->arena);
		if (t.type == X_NAME)
			name = arena_strndup(n->arena, t.text.p, t.text.n);
	} else if (is(&t, "[")) {
		p = token(p, &t, n->arena);
		name = t.type == X_STRING ? t.string : NULL;
		p = token(p, &t, n->arena);
		if (!is(&t, "]"))
			name = NULL;
	}
	if (!name || !name[0]) {
		bad(e, "attr takes the name of an attribute in quotes: attr[\"employee-type\"]");
		return NULL;
	}
	add(n, EXPR_ATTRIBUTE, name, true);
	return p;
}

static bool
name(const struct token *t, const struct token *after, struct expr_names *n, struct err *e)
{
	const char *s = arena_strndup(n->arena, t->text.p, t->text.n);
	const struct prelude *f = prelude_find(s);
	bool call = is(after, "(") || after->type == X_STRING || is(after, "{");

	if (call && !f) {
		const char *near = text_nearest(s, prelude_names());
		return err_set(e, ERR_CONFIG, "bad-expression", "there is no function '%s'%s%s%s",
			s, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	if (call)
		add(n, EXPR_FUNCTION, s, false);
	else if (f)
		return err_set(e, ERR_CONFIG, "bad-expression",
			"'%s' is a function: %s(...); an attribute of that name is attr[\"%s\"]", s,
			f->name, s);
	else
		add(n, builtin_find(s) != B_NONE ? EXPR_BUILTIN : EXPR_ATTRIBUTE, s, false);
	return true;
}

bool
expr_scan(const char *text, struct expr_names *n, struct err *e)
{
	static const char *const words[] = { "and", "or", "not", "nil", "true", "false", NULL };
	static const char *const statements[] = { "break", "do", "else", "elseif", "end", "for",
		"function", "goto", "if", "in", "local", "repeat", "return", "then", "until",
		"while", "_ENV", "_G", NULL };
	struct token t, after;
	struct str before = { "", 0 };
	bool want_name = true; /* of a plain expression */

	if (strlen(text) > EXPR_LENGTH_MAX)
		return bad(e, "the expression is longer than 16384 bytes");
	n->plain = true;
	for (const char *p = token(text, &t, n->arena); t.type != X_END;
		before = t.text, p = token(p, &t, n->arena)) {
		if (t.type != X_NAME) {
			n->plain = false;
			continue;
		}
		bool is_or = str_eqc(t.text, "or");
		n->plain = n->plain && is_or != want_name;
		want_name = is_or;
		if (str_eqc(before, ".") || str_eqc(before, ":"))
			continue; /* a field */
		if (word_in(t.text, words)) {
			n->plain = n->plain && is_or;
			continue;
		}
		if (word_in(t.text, statements))
			return err_set(e, ERR_CONFIG, "bad-expression",
				"'%.*s' does not belong into an expression", (int)t.text.n,
				t.text.p);
		if (str_eqc(t.text, "attr")) {
			n->plain = false;
			p = through_attr(p, n, e);
			if (!p)
				return false;
			continue;
		}
		token(p, &after, n->arena);
		if (is(&after, "=") &&
			(str_eqc(before, "{") || str_eqc(before, ",") || str_eqc(before, ";")))
			continue; /* the key of a table */
		if (!name(&t, &after, n, e))
			return false;
	}
	n->plain = n->plain && n->count > 0 && !want_name;
	return true;
}
