/* What a change does to the text. Where lines, indentation and quotes are a matter of taste, those around are followed. */
#include <string.h>
#include "base/str.h"
#include "edit_p.h"
#include "load.h"

struct buf *
patch_add(struct patches *ps, size_t from, size_t to)
{
	if (ps->count == sizeof ps->list / sizeof ps->list[0]) {
		ps->full = true;
		ps->count--;
		buf_free(&ps->list[ps->count].put);
	}
	ps->list[ps->count] = (struct patch){ .from = from, .to = to };
	return &ps->list[ps->count++].put;
}

void
patches_free(struct patches *ps)
{
	for (size_t i = 0; i < ps->count; i++)
		buf_free(&ps->list[i].put);
	ps->count = 0;
}

void
patches_apply(const struct patches *ps, struct str text, struct buf *out)
{
	size_t at = 0;

	for (size_t i = 0; i < ps->count; i++) {
		const struct patch *p = &ps->list[i];
		if (p->from > at)
			buf_add(out, text.p + at, p->from - at);
		buf_add(out, buf_cstr(&p->put), p->put.n);
		if (p->to > at)
			at = p->to;
	}
	buf_add(out, text.p + at, text.n - at);
}

/* --- lines --- */

static size_t
line_start(struct str t, size_t at)
{
	while (at > 0 && t.p[at - 1] != '\n')
		at--;
	return at;
}

static size_t
line_end(struct str t, size_t at)
{
	while (at < t.n && t.p[at] != '\n')
		at++;
	return at;
}

static bool
blank(struct str t, size_t from, size_t to)
{
	for (; from < to; from++)
		if (!strchr(" \t\r\n", t.p[from]) || !t.p[from])
			return false;
	return true;
}

/* White space at the start of the line on which `at` lies. */
static struct str
indent_of(struct str t, size_t at)
{
	size_t from = line_start(t, at), to = from;

	while (to < at && (t.p[to] == ' ' || t.p[to] == '\t'))
		to++;
	return (struct str){ t.p + from, to - from };
}

/* --- values --- */

static bool
is_bare(const char *s)
{
	return *s && strlen(s) == strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					    "0123456789_.:-%");
}

/* Quoted as the one before was, where that can be. */
static void
put_word(const char *word, char style, struct buf *out)
{
	if (style == '"' && !strpbrk(word, "\"\\\n") && !strstr(word, "${"))
		buf_addf(out, "\"%s\"", word);
	else if (style && !strchr("'\"", style) && is_bare(word))
		buf_adds(out, word);
	else
		conf_quote(word, out);
}

static void
put_value(const struct conf_change *c, bool list, char style, struct buf *out)
{
	if (list || c->count != 1)
		buf_addc(out, '{');
	for (size_t i = 0; i < c->count; i++) {
		buf_adds(out, i ? ", " : "");
		put_word(c->values[i], style, out);
	}
	if (list || c->count != 1)
		buf_addc(out, '}');
}

/* --- a list, word by word --- */

struct listing {
	struct edit *x;
	struct patches *ps;
	const struct scan_item *it;
	struct scan_word *old;
	size_t n;
};

/* The comma behind old[i], or where it would stand. */
static size_t
comma_of(const struct listing *l, size_t i)
{
	const char *blanked = l->x->scan.files[0].text;
	size_t at = l->old[i].to;

	while (at < l->it->inner_to && strchr(" \t\r\n", blanked[at]))
		at++;
	return at;
}

static bool
has_comma(const struct listing *l, size_t i)
{
	return l->x->scan.files[0].text[comma_of(l, i)] == ',';
}

/* Goes, with the comma behind it, and its line, if nothing else is on it. */
static void
word_drop(struct listing *l, size_t i)
{
	struct str t = l->x->text;
	size_t from = l->old[i].from, to = has_comma(l, i) ? comma_of(l, i) + 1 : l->old[i].to;
	size_t start = line_start(t, from), end = line_end(t, to);

	if (end < t.n && start > l->it->inner_from && blank(t, start, from) && blank(t, to, end)) {
		from = start;
		to = end + 1;
	} else if (to < t.n && t.p[to] == ' ' && from > 0 && strchr(" {", t.p[from - 1])) {
		to++;
	}
	patch_add(l->ps, from, to);
}

/* New words behind old[i], on lines of their own if it is the last on a line of its own. */
static void
words_add(struct listing *l, size_t i, const char *const *words, size_t n)
{
	struct str t = l->x->text, b = { l->x->scan.files[0].text, t.n };
	size_t at = l->old[i].to, end = line_end(t, at), comma = comma_of(l, i);
	bool with = has_comma(l, i);
	struct str in = indent_of(t, l->old[i].from);
	char style = t.p[l->old[i].from];
	struct buf *put;

	if (end >= l->it->inner_to || !blank(b, with ? comma + 1 : at, end) ||
		(with && comma > end) || !blank(t, line_start(t, l->old[i].from), l->old[i].from)) {
		put = patch_add(l->ps, at, at);
		for (size_t k = 0; k < n; k++) {
			buf_adds(put, ", ");
			put_word(words[k], style, put);
		}
		return;
	}
	if (!with)
		buf_addc(patch_add(l->ps, at, at), ',');
	put = patch_add(l->ps, end, end);
	for (size_t k = 0; k < n; k++) {
		buf_addf(put, "\n%.*s", (int)in.n, in.p);
		put_word(words[k], style, put);
		if (with || k + 1 < n)
			buf_addc(put, ',');
	}
}

/* Which of the old words stay, and as which of the new ones. False: too many for that. */
static bool
words_match(const struct listing *l, bool *keep, size_t *at, size_t *kept_r, size_t *last_r)
{
	const struct conf_change *c = l->x->change;
	size_t pos = 0;

	*kept_r = *last_r = 0;
	if (l->n > 2000 || c->count > 2000)
		return false;
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = pos; k < c->count && !keep[i]; k++)
			if (strcmp(l->old[i].text, c->values[k]) == 0) {
				keep[i] = true;
				at[i] = k;
				if (!(*kept_r)++ && k > 0)
					return false; /* something new comes first */
				pos = k + 1;
				*last_r = i;
			}
	return *kept_r > 0;
}

/* False: not to be done so; the whole value is written anew. */
static bool
list_change(struct listing *l)
{
	const struct conf_change *c = l->x->change;
	bool *keep = arena_alloc(l->x->arena, (l->n + 1) * sizeof *keep);
	size_t *at = arena_alloc(l->x->arena, (l->n + 1) * sizeof *at);
	size_t kept, last;

	if (!words_match(l, keep, at, &kept, &last) || (last + 1 < l->n && at[last] + 1 < c->count))
		return false;
	for (size_t i = 0; i < l->n; i++) {
		if (!keep[i]) {
			word_drop(l, i);
			continue;
		}
		size_t next = i + 1;
		while (next < l->n && !keep[next])
			next++;
		size_t upto = next < l->n ? at[next] : c->count;
		if (upto > at[i] + 1)
			words_add(l, i, c->values + at[i] + 1, upto - at[i] - 1);
		if (i == last && last + 1 < l->n)
			patch_add(l->ps, comma_of(l, i), comma_of(l, i) + 1);
	}
	return true;
}

void
text_set(struct edit *x, struct patches *ps)
{
	const struct scan_item *it = &x->scan.items[x->items[x->depth - 1]];
	struct listing l = { .x = x, .ps = ps, .it = it };
	bool list = x->text.p[it->inner_from] == '{';

	l.n = scan_words(x->scan.files[0].text, it->inner_from, it->inner_to, x->arena, &l.old);
	char style = x->text.p[l.n ? l.old[0].from : it->inner_from];
	if (list && !x->plain && list_change(&l))
		return;
	patches_free(ps);
	/* A list that becomes one word stays a list: what stands in its braces may be a comment. */
	put_value(x->change, list && x->change->count != 1, style == '{' ? '\'' : style,
		patch_add(ps, it->inner_from, it->inner_to));
}

/* --- new options --- */

/* Name, value, and around them the sections from names[from] on that are not there. */
static void
put_option(const struct edit *x, size_t from, struct str indent, bool lines, struct buf *out)
{
	static const char tabs[] = "\t\t\t\t\t\t";
	size_t last = x->depth - 1;
	char sep = lines ? '\n' : ' ';

	for (size_t i = from; i <= last; i++) {
		if (lines)
			buf_addf(out, "%.*s%.*s", (int)indent.n, indent.p, (int)(i - from), tabs);
		buf_adds(out, x->names[i]);
		if (i == last) {
			buf_adds(out, " = ");
			put_value(x->change, false, '"', out);
		} else if (x->titles[i]) {
			buf_addc(out, ' ');
			put_word(x->titles[i], '"', out);
		}
		if (i < last)
			buf_adds(out, " {");
		buf_addc(out, sep);
	}
	for (size_t i = last; i > from; i--) {
		if (lines)
			buf_addf(out, "%.*s%.*s", (int)indent.n, indent.p, (int)(i - 1 - from),
				tabs);
		buf_addf(out, "}%c", sep);
	}
}

/* At the top: an option behind the last one there is, or first; a section last. */
static void
insert_at_top(struct edit *x, struct patches *ps)
{
	struct str t = x->text, none = { "", 0 };
	size_t at = t.n;
	bool any = false;

	if (x->depth == 1) {
		for (size_t i = 0; i < x->scan.count; i++) {
			const struct scan_item *it = &x->scan.items[i];
			if (it->parent != SCAN_NONE || strcmp(it->file, x->path) != 0)
				continue;
			if (!it->section) {
				at = line_end(t, it->to);
				any = true;
			} else if (!any) {
				at = line_start(t, it->from);
				break;
			}
		}
	}
	struct buf *put = patch_add(ps, at, at);
	if (at == t.n ? at > 0 && t.p[at - 1] != '\n' : t.p[at] == '\n' && any)
		buf_addc(put, '\n');
	if (x->depth > 1 && at > 0)
		buf_addc(put, '\n');
	put_option(x, 0, none, true, put);
	if (at < t.n && t.p[at] == '\n' && any)
		put->n--; /* the line's own end follows */
}

/* The last item in a section that begins a line: new ones are indented like it. */
static const struct scan_item *
model_item(const struct edit *x, size_t section)
{
	const struct scan_item *found = NULL;

	for (size_t i = section + 1; i < x->scan.count; i++) {
		const struct scan_item *it = &x->scan.items[i];
		if (it->parent == section &&
			blank(x->text, line_start(x->text, it->from), it->from))
			found = it;
	}
	return found;
}

void
text_insert(struct edit *x, struct patches *ps)
{
	struct str t = x->text;

	if (x->there == 0) {
		insert_at_top(x, ps);
		return;
	}
	size_t section = x->items[x->there - 1];
	const struct scan_item *sec = &x->scan.items[section];
	const struct scan_item *like = model_item(x, section);
	size_t close = sec->inner_to, start = line_start(t, close);
	bool lines = start > sec->inner_from && blank(t, start, close);
	struct buf *put = patch_add(ps, lines ? start : close, lines ? start : close);

	if (lines) {
		CLEAN_BUF struct buf in = { 0 };
		struct str from = indent_of(t, like ? like->from : sec->from);
		buf_add(&in, from.p, from.n);
		if (!like)
			buf_addc(&in, '\t');
		put_option(x, x->there, buf_str(&in), true, put);
		return;
	}
	if (!strchr(" \t\n", t.p[close - 1]))
		buf_addc(put, ' ');
	put_option(x, x->there, (struct str){ "", 0 }, false, put);
}

void
text_remove(struct edit *x, struct patches *ps)
{
	const struct scan_item *it = &x->scan.items[x->items[x->depth - 1]];
	struct str t = x->text;
	size_t from = it->from, to = it->to, start = line_start(t, from), end = line_end(t, to);

	if (blank(t, start, from) && blank(t, to, end)) {
		from = start;
		to = end < t.n ? end + 1 : end;
	} else if (from > 0 && t.p[from - 1] == ' ') {
		from--;
	}
	patch_add(ps, from, to);
}
