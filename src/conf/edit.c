#include <string.h>
#include "base/map.h"
#include "base/str.h"
#include "edit_p.h"

/* Splits the path along the tables; what they do not know is refused as it would be in the file. */
static bool
path_read(struct edit *x, struct err *e)
{
	const struct conf_section *s = &conf_root;
	const char *p = x->change->path;

	x->depth = 0;
	for (;;) {
		size_t n = strcspn(p, "/");
		char *name = arena_strndup(x->arena, p, n);
		const struct conf_section *sub = conf_section_find(s, name);

		if (x->depth == EDIT_DEPTH || !n)
			break;
		x->names[x->depth] = name;
		x->titles[x->depth] = NULL;
		x->sections[x->depth++] = sub;
		p += n + (p[n] == '/');
		if (!sub && !*p) {
			if (conf_option_find(s, name) || s->free != FREE_NONE)
				return true;
			break;
		}
		if (!sub)
			break;
		if (sub->titled) {
			n = strcspn(p, "/");
			if (!n)
				break;
			x->titles[x->depth - 1] = arena_strndup(x->arena, p, n);
			p += n + (p[n] == '/');
		}
		s = sub;
		if (!*p) {
			if (x->change->remove)
				return true;
			break;
		}
	}
	return err_set(e, ERR_CONFIG, "bad-usage", "the configuration has no option \"%s\"",
		x->change->path);
}

static size_t
item_find(const struct edit *x, size_t parent, size_t level)
{
	for (size_t i = 0; i < x->scan.count; i++) {
		const struct scan_item *it = &x->scan.items[i];
		if (it->parent == parent && strcmp(it->name, x->names[level]) == 0 &&
			(!x->titles[level] ||
				(it->title && strcmp(it->title, x->titles[level]) == 0)))
			return i;
	}
	return SCAN_NONE;
}

/* Options of a connector may stand in its section or in `options` there. */
static void
find_in_options(struct edit *x, size_t connector)
{
	size_t last = x->depth - 1;

	if (last != 1 || x->there != 1 || x->scan.items[connector].section->free != FREE_OPTIONS)
		return;
	for (size_t i = 0; i < x->scan.count; i++) {
		const struct scan_item *it = &x->scan.items[i];
		size_t up = it->parent;
		if (up != SCAN_NONE && x->scan.items[up].parent == connector && !it->section &&
			strcmp(it->name, x->names[last]) == 0) {
			x->items[x->there++] = i;
			return;
		}
	}
}

static bool
locate(struct edit *x, struct err *e)
{
	size_t parent = SCAN_NONE;

	x->there = 0;
	if (!x->scan.items) /* an empty file */
		return true;
	while (x->there < x->depth) {
		size_t i = item_find(x, parent, x->there);
		if (i == SCAN_NONE)
			break;
		x->items[x->there++] = parent = i;
	}
	if (parent != SCAN_NONE && x->there < x->depth)
		find_in_options(x, parent);
	if (x->there == 0)
		return true;
	const struct scan_item *it = &x->scan.items[x->items[x->there - 1]];
	if (strcmp(it->file, x->path) != 0)
		return err_set(e, ERR_CONFIG, "not-here",
			"%s stands in %s, line %d, which %s includes: it can be changed there",
			x->change->path, it->file, it->line, x->path);
	return true;
}

/* --- the result differs only as asked --- */

/* Whether item i is, or would be, at this level of the path. */
static bool
is_at(const struct edit *x, const struct scan_item *it, size_t level)
{
	return level < x->depth && strcmp(it->name, x->names[level]) == 0 &&
	       (!x->titles[level] || (it->title && strcmp(it->title, x->titles[level]) == 0));
}

static void
words_print(struct edit *x, const struct scan *s, const struct scan_item *it, struct buf *out)
{
	struct scan_word *w;

	for (size_t f = 0; f < s->file_count; f++) {
		if (strcmp(s->files[f].path, it->file) != 0)
			continue;
		size_t n = scan_words(s->files[f].text, it->inner_from, it->inner_to, x->arena, &w);
		for (size_t k = 0; k < n; k++)
			buf_addf(out, "|%zu:%s", strlen(w[k].text), w[k].text);
	}
}

/* Every option with its words, but those that are changed and the sections around them. */
static void
outline(struct edit *x, const struct scan *s, struct buf *out)
{
	bool *on_way = arena_alloc(x->arena, (s->count + 1) * sizeof *on_way);
	bool *gone = arena_alloc(x->arena, (s->count + 1) * sizeof *gone);

	for (size_t i = 0; i < s->count; i++) {
		const struct scan_item *it = &s->items[i];
		size_t level = 0, up = it->parent;
		for (size_t p = up; p != SCAN_NONE; p = s->items[p].parent)
			level++;
		bool under = up == SCAN_NONE || on_way[up];
		bool options = under && level == 1 && it->section && x->depth == 2 &&
			       strcmp(it->name, "options") == 0;
		on_way[i] = options || (under && is_at(x, it, level));
		gone[i] = (on_way[i] && !options && level == x->depth - 1) ||
			  (up != SCAN_NONE && gone[up]) ||
			  (under && level == 2 && x->depth == 2 &&
				  strcmp(it->name, x->names[1]) == 0);
		if (gone[i] || on_way[i])
			continue;
		buf_addf(out, "%zu %s/%s", level, it->name, it->title ? it->title : "");
		if (!it->section)
			words_print(x, s, it, out);
		buf_addc(out, '\n');
	}
}

/* The words of the option as they stand now are those that were asked for. */
static bool
is_as_asked(struct edit *x)
{
	struct scan_word *w;

	if (x->change->remove)
		return x->there < x->depth;
	if (x->there < x->depth || !x->scan.items)
		return false;
	const struct scan_item *it = &x->scan.items[x->items[x->depth - 1]];
	size_t n = scan_words(x->scan.files[0].text, it->inner_from, it->inner_to, x->arena, &w);
	bool same = n == x->change->count;
	for (size_t i = 0; i < n && same; i++)
		same = strcmp(w[i].text, x->change->values[i]) == 0;
	return same;
}

/* Where every line ends in CR LF, new ones do, too. */
static void
line_ends_follow(struct str text, struct buf *out)
{
	CLEAN_BUF struct buf lines = { 0 };
	const char *nl = text.p, *end = text.p + text.n;

	if (!text.n || !memchr(text.p, '\n', text.n))
		return;
	while ((nl = memchr(nl, '\n', (size_t)(end - nl)))) {
		if (nl == text.p || nl[-1] != '\r')
			return;
		nl++;
	}
	for (size_t i = 0; i < out->n; i++) {
		if (out->p[i] == '\n' && (!i || out->p[i - 1] != '\r'))
			buf_addc(&lines, '\r');
		buf_addc(&lines, out->p[i]);
	}
	buf_reset(out);
	buf_add(out, lines.p, lines.n);
}

static bool
change_once(struct edit *x, struct buf *text, struct buf *out, struct err *e)
{
	struct patches ps = { 0 };
	CLEAN_BUF struct buf before = { 0 };
	CLEAN_BUF struct buf after = { 0 };
	struct err inner;

	x->text = buf_str(text);
	x->scan = (struct scan){ .arena = x->arena };
	if (!scan_load(&x->scan, x->path, &x->text, e) || !locate(x, e))
		return false;
	outline(x, &x->scan, &before);
	if (is_as_asked(x)) {
		buf_add(out, x->text.p, x->text.n);
		return true;
	}
	if (x->change->remove)
		text_remove(x, &ps);
	else if (x->there == x->depth)
		text_set(x, &ps);
	else
		text_insert(x, &ps);
	patches_apply(&ps, x->text, out);
	line_ends_follow(x->text, out);
	bool ok = !ps.full;
	patches_free(&ps);
	struct str new = buf_str(out);
	x->scan = (struct scan){ .arena = x->arena };
	if (ok && scan_load(&x->scan, x->path, &new, &inner) && locate(x, &inner) &&
		is_as_asked(x)) {
		outline(x, &x->scan, &after);
		if (str_eq(buf_str(&before), buf_str(&after)))
			return true;
	}
	buf_reset(out);
	return err_set(e, ERR_CONFIG, "not-editable",
		"%s cannot be changed in the text as it is laid out; edit the file",
		x->change->path);
}

bool
conf_edit(const char *path, struct str text, const struct conf_change *changes, size_t count,
	struct buf *out, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf now = { 0 };
	CLEAN_BUF struct buf next = { 0 };
	struct edit *x = arena_alloc(a, sizeof *x);
	struct conf *c = NULL;

	*x = (struct edit){ .path = path, .arena = a };
	buf_add(&now, text.p, text.n);
	for (size_t i = 0; i < count; i++) {
		struct err first = { 0 };
		x->change = &changes[i];
		x->plain = false;
		if (!path_read(x, e))
			return false;
		buf_reset(&next);
		if (!change_once(x, &now, &next, &first)) {
			x->plain = true; /* once more, less finely */
			buf_reset(&next);
			if (strcmp(first.code, "not-editable") != 0 ||
				!change_once(x, &now, &next, &first)) {
				if (e)
					*e = first;
				return false;
			}
		}
		buf_reset(&now);
		buf_add(&now, buf_cstr(&next), next.n);
	}
	struct str result = buf_str(&now);
	if (!conf_load_text(path, &result, &c, e))
		return false;
	conf_free(&c);
	buf_add(out, result.p, result.n);
	return true;
}
