#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/file.h"
#include "base/map.h"
#include "scan.h"

enum token { T_END, T_TEXT, T_OPEN, T_CLOSE, T_LEFT, T_RIGHT, T_EQUAL, T_COMMA, T_BAD };

struct lexer {
	struct scan *s;
	struct err *e;
	struct scan_file *file;
	char *text; /* same bytes as file->text, writable: comments are blanked in place */
	size_t at;
	int line;
	int depth;        /* of includes */
	struct map *seen; /* "PARENT/NAME" and titles, to find what is given twice */
	/* the token */
	size_t start;
	int start_line;
	struct buf value;
};

static bool scan_one(struct scan *s, const char *path, const struct str *given, int depth,
	struct map *seen, struct err *e);

/* The line on which a position lies, for the reader of an error. */
static const char *
line_text(struct lexer *x, size_t pos)
{
	size_t from = pos, to = pos;

	while (from > 0 && x->text[from - 1] != '\n')
		from--;
	while (to < x->file->size && x->text[to] != '\n')
		to++;
	struct str s = str_trim((struct str){ x->text + from, to - from });
	return arena_strndup(x->s->arena, s.p, s.n);
}

#define fail(x, ...)                                                                               \
	conf_fail((x)->e, (x)->file->path, (x)->start_line, line_text((x), (x)->start), __VA_ARGS__)

static bool
comment_skip(struct lexer *x)
{
	char *t = x->text;

	x->start = x->at;
	x->start_line = x->line;
	if (t[x->at] == '#' || (t[x->at] == '/' && t[x->at + 1] == '/')) {
		while (x->at < x->file->size && t[x->at] != '\n')
			t[x->at++] = ' ';
		return true;
	}
	char *end = strstr(t + x->at + 2, "*/");
	if (!end)
		return fail(x, "a comment begins here and never ends");
	for (; t + x->at < end + 2; x->at++) {
		if (t[x->at] == '\n')
			x->line++;
		else
			t[x->at] = ' ';
	}
	return true;
}

/* Quoted text with libConfuse's rules, less what 1.2 refuses. */
static enum token
quoted(struct lexer *x)
{
	char q = x->text[x->at++];

	for (;;) {
		char c = x->text[x->at];
		if (x->at >= x->file->size) {
			fail(x, "a string begins here and never ends (%c is missing)", q);
			return T_BAD;
		}
		if (c == q)
			break;
		if (c == '\n')
			x->line++;
		if (q == '"' && (c == '\\' || (c == '$' && x->text[x->at + 1] == '{'))) {
			x->start_line = x->line;
			x->start = x->at;
			fail(x,
				"%s in double quotes is not taken as written: use single quotes, "
				"'...'",
				c == '\\' ? "a backslash" : "\"${\"");
			return T_BAD;
		}
		if (c == '\\' && (x->text[x->at + 1] == '\\' || x->text[x->at + 1] == '\''))
			c = x->text[++x->at];
		else if (c == '\\' && x->text[x->at + 1] == '\n') {
			x->at += 2; /* libConfuse joins the lines */
			x->line++;
			continue;
		}
		buf_addc(&x->value, c);
		x->at++;
	}
	x->at++;
	return T_TEXT;
}

static enum token
bare(struct lexer *x)
{
	while (x->at < x->file->size && !strchr(" #\"'\t\n\r={}()+,", x->text[x->at])) {
		char c = x->text[x->at], next = x->text[x->at + 1];
		if (c == '/' && (next == '/' || next == '*'))
			break;
		if ((unsigned char)c < 0x20 || c == '\\' || c == '$') {
			fail(x, "'%c' must stand in single quotes, '...'", c < 0x20 ? '?' : c);
			return T_BAD;
		}
		buf_addc(&x->value, c);
		x->at++;
	}
	if (x->value.n == 0) {
		fail(x, "'%c' means nothing here", x->text[x->at]);
		return T_BAD;
	}
	return T_TEXT;
}

static enum token
next(struct lexer *x)
{
	static const char marks[] = "{}()=,";
	static const enum token mark_tokens[] = { T_OPEN, T_CLOSE, T_LEFT, T_RIGHT, T_EQUAL,
		T_COMMA };

	buf_reset(&x->value);
	for (; x->at < x->file->size; x->at++) {
		char c = x->text[x->at], c2 = x->text[x->at + 1];
		if (c == '#' || (c == '/' && (c2 == '/' || c2 == '*'))) {
			if (!comment_skip(x))
				return T_BAD;
			if (x->at >= x->file->size)
				break;
			c = x->text[x->at];
		}
		if (c == '\n')
			x->line++;
		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			break;
	}
	x->start = x->at;
	x->start_line = x->line;
	if (x->at >= x->file->size)
		return T_END;
	char c = x->text[x->at];
	/* A comment right behind another one. */
	if (c == '#' || (c == '/' && (x->text[x->at + 1] == '/' || x->text[x->at + 1] == '*')))
		return next(x);
	const char *mark = strchr(marks, c);
	if (mark) {
		x->at++;
		return mark_tokens[mark - marks];
	}
	return c == '"' || c == '\'' ? quoted(x) : bare(x);
}

static bool
expect(struct lexer *x, enum token want, const char *what)
{
	enum token t = next(x);

	if (t == T_BAD)
		return false;
	if (t == want)
		return true;
	return t == T_END ? fail(x, "the file ends where %s is expected", what)
			  : fail(x, "%s is expected here", what);
}

/* Names reach libConfuse's look-ups, where '|' and '=' have a meaning. */
static bool
name_good(const char *n)
{
	size_t len = strlen(n);

	return len > 0 && len <= 256 &&
	       strspn(n, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-") ==
		       len;
}

static bool
item_add(struct lexer *x, struct scan_item item, int line)
{
	CLEAN_BUF struct buf key = { 0 };
	struct scan *s = x->s;

	buf_addf(&key, "%zu/%s", item.parent, item.name);
	if (item.title)
		buf_addf(&key, "/%s", item.title);
	uintptr_t before = (uintptr_t)map_get(x->seen, buf_str(&key));
	if (before) {
		const struct scan_item *was = &s->items[before - 1];
		return fail(x, "%s%s%s%s is given twice; first at %s:%d", item.name,
			item.title ? " \"" : "", item.title ? item.title : "",
			item.title ? "\"" : "", was->file, was->line);
	}
	if (s->count == SCAN_ITEMS_MAX)
		return fail(x, "more than %d options", SCAN_ITEMS_MAX);
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct scan_item *more = arena_alloc(s->arena, cap * sizeof *more);
		if (s->count)
			memcpy(more, s->items, s->count * sizeof *more);
		s->items = more;
		s->cap = cap;
	}
	item.file = x->file->path;
	item.line = line;
	item.name = arena_strdup(s->arena, item.name);
	if (item.title)
		item.title = arena_strdup(s->arena, item.title);
	s->items[s->count++] = item;
	map_set(x->seen, buf_str(&key), (void *)(uintptr_t)s->count);
	return true;
}

static bool
include(struct lexer *x)
{
	if (!expect(x, T_LEFT, "'(' after include") || !expect(x, T_TEXT, "the name of a file"))
		return false;
	CLEAN_BUF struct buf path = { 0 };
	const char *slash = strrchr(x->file->path, '/');
	if (buf_cstr(&x->value)[0] != '/' && slash)
		buf_add(&path, x->file->path, (size_t)(slash - x->file->path) + 1);
	buf_adds(&path, buf_cstr(&x->value));
	if (x->depth + 1 >= SCAN_INCLUDE_MAX)
		return fail(x, "includes are nested more than %d deep", SCAN_INCLUDE_MAX);
	for (size_t i = 0; i < x->s->file_count; i++)
		if (strcmp(x->s->files[i].path, buf_cstr(&path)) == 0)
			return fail(x, "%s is included twice", buf_cstr(&path));
	if (x->s->file_count == SCAN_FILES_MAX)
		return fail(x, "more than %d files", SCAN_FILES_MAX);
	struct err inner = { 0 };
	if (!scan_one(x->s, buf_cstr(&path), NULL, x->depth + 1, x->seen, &inner)) {
		if (strcmp(inner.code, "os") == 0)
			return fail(x, "include: %s", inner.text);
		if (x->e)
			*x->e = inner;
		return false;
	}
	return expect(x, T_RIGHT, "')' after the file to include");
}

static bool
option_value(struct lexer *x, size_t *from_r)
{
	enum token t = next(x);

	*from_r = x->start;
	if (t == T_TEXT || t == T_BAD)
		return t == T_TEXT;
	if (t != T_OPEN)
		return fail(x, "a value is expected here");
	int line = x->start_line;
	t = next(x);
	while (t == T_TEXT) {
		t = next(x);
		if (t == T_COMMA)
			t = next(x);
		else if (t == T_TEXT)
			return fail(x, "',' or '}' is expected here, in the list begun at line %d",
				line);
	}
	if (t == T_BAD)
		return false;
	return t == T_CLOSE ||
	       fail(x, "'}' is expected here, to end the list begun at line %d", line);
}

static bool body(struct lexer *x, const struct conf_section *sec, size_t parent, size_t opened);

static bool
section(struct lexer *x, const struct conf_section *within, const struct conf_section *sec,
	size_t parent, int line)
{
	CLEAN_BUF struct buf title = { 0 };
	size_t opened = x->start; /* of its name */

	if (sec->titled) {
		if (!expect(x, T_TEXT, "the section's name in quotes"))
			return false;
		const char *t = buf_cstr(&x->value);
		if (!t[0] || t[0] == '.' || x->value.n > 64 || strpbrk(t, "/|\n"))
			return fail(x,
				"the name of a %s is 1 to 64 characters, without '/', '|' and "
				"leading '.'",
				sec->name);
		buf_adds(&title, buf_cstr(&x->value));
	}
	struct scan_item item = { .within = within,
		.section = sec,
		.parent = parent,
		.name = sec->name,
		.title = sec->titled ? buf_cstr(&title) : NULL,
		.from = opened };
	if (!item_add(x, item, line) || !expect(x, T_OPEN, "'{'"))
		return false;
	size_t self = x->s->count - 1, inner = x->at;
	if (!body(x, sec, self, opened))
		return false;
	struct scan_item *it = &x->s->items[self];
	it->inner_from = inner;
	it->inner_to = x->start;
	it->to = x->at;
	return true;
}

static bool
unknown(struct lexer *x, const struct conf_section *sec, const char *name)
{
	const char *near = conf_name_nearest(sec, name);
	const char *where = sec->name[0] ? sec->name : "the configuration";

	return near ? fail(x, "%s has no option '%s'; did you mean '%s'?", where, name, near)
		    : fail(x, "%s has no option '%s'", where, name);
}

/* What stands between '{' (at byte `opened`) and '}', or in a whole file (parent SCAN_NONE). */
static bool
body(struct lexer *x, const struct conf_section *sec, size_t parent, size_t opened)
{
	CLEAN_BUF struct buf name = { 0 };

	for (;;) {
		enum token t = next(x);
		if (t == T_BAD)
			return false;
		if (t == T_END && parent != SCAN_NONE) {
			x->start = opened;
			x->start_line = x->s->items[parent].line;
			return fail(x, "the section %s begins here and never ends ('}' is missing)",
				sec->name);
		}
		if (t == T_END)
			return true;
		if (t == T_CLOSE)
			return parent != SCAN_NONE || fail(x, "this '}' closes nothing");
		if (t != T_TEXT)
			return fail(x, "the name of an option is expected here");
		int line = x->start_line;
		size_t from = x->start;
		buf_reset(&name);
		buf_adds(&name, buf_cstr(&x->value));
		const char *n = buf_cstr(&name);
		if (parent == SCAN_NONE && strcmp(n, "include") == 0) {
			if (!include(x))
				return false;
			continue;
		}
		const struct conf_section *sub = conf_section_find(sec, n);
		if (sub) {
			if (!section(x, sec, sub, parent, line))
				return false;
			continue;
		}
		if (!conf_option_find(sec, n) && sec->free == FREE_NONE)
			return unknown(x, sec, n);
		if (!name_good(n))
			return fail(x, "'%s' cannot be the name of an option", n);
		struct scan_item item = {
			.within = sec, .parent = parent, .name = n, .from = from
		};
		if (!item_add(x, item, line))
			return false;
		size_t self = x->s->count - 1;
		if (!expect(x, T_EQUAL, "'='") || !option_value(x, &x->s->items[self].inner_from))
			return false;
		x->s->items[self].to = x->s->items[self].inner_to = x->at;
	}
}

static bool
scan_one(struct scan *s, const char *path, const struct str *given, int depth, struct map *seen,
	struct err *e)
{
	CLEAN_BUF struct buf raw = { 0 };

	struct stat st;

	if (given)
		buf_add(&raw, given->p, given->n);
	else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* a pipe would be waited for */
		return err_set(e, ERR_CONFIG, "no-file", "%s is a %s, not a file", path,
			S_ISDIR(st.st_mode) ? "folder" : "pipe or a device");
	else if (!file_read(path, SCAN_FILE_MAX, &raw, e))
		return false;
	size_t i = s->file_count++;
	char *text = arena_strndup(s->arena, buf_cstr(&raw), raw.n);
	s->files[i] = (struct scan_file){ arena_strdup(s->arena, path), text, raw.n };
	struct lexer x = { .s = s,
		.e = e,
		.file = &s->files[i],
		.text = text,
		.line = 1,
		.start_line = 1,
		.depth = depth,
		.seen = seen };
	bool ok;
	if (memchr(text, 0, raw.n) || !utf8_valid(text, raw.n))
		ok = conf_fail(e, x.file->path, 1, NULL, "the file is not UTF-8 text");
	else
		ok = body(&x, &conf_root, SCAN_NONE, 0);
	buf_free(&x.value);
	return ok;
}

bool
scan_load(struct scan *s, const char *path, const struct str *text, struct err *e)
{
	struct map *seen = map_new();
	bool ok = scan_one(s, path, text, 0, seen, e);

	map_free(seen, NULL);
	if (!ok && e && strcmp(e->code, "os") == 0) {
		err_wrap(e, "configuration");
		e->kind = ERR_CONFIG;
	}
	return ok;
}

size_t
scan_words(const char *text, size_t from, size_t to, struct arena *a, struct scan_word **w_r)
{
	struct scan s = { .arena = a };
	struct scan_file f = { "", text, to };
	struct err e;
	/* Nothing is blanked: the comments are blank already. */
	struct lexer x = { .s = &s,
		.e = &e,
		.file = &f,
		.text = (char *)(uintptr_t)text,
		.at = from,
		.line = 1,
		.start_line = 1 };
	size_t n = 0, most = 2;

	for (size_t i = from; i < to; i++)
		most += text[i] == ',';
	*w_r = arena_alloc(a, most * sizeof **w_r);
	for (enum token t = next(&x); t != T_END && t != T_BAD; t = next(&x))
		if (t == T_TEXT && n < most)
			(*w_r)[n++] = (struct scan_word){ x.start, x.at,
				arena_strndup(a, buf_cstr(&x.value), x.value.n) };
	buf_free(&x.value);
	return n;
}
