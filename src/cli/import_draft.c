/* The configuration that is being made, and the lists of what was taken and what was not. */
#include <string.h>

#include "conf/conf.h"
#include "import.h"

static struct import_note *
note_add(struct import *im, struct import_notes *notes)
{
	if (notes->count == IMPORT_NOTES_MAX) {
		im->full = true;
		return NULL;
	}
	if (notes->count == notes->cap) {
		size_t cap = notes->cap ? notes->cap * 2 : 64;
		struct import_note *more = arena_alloc(im->arena, cap * sizeof(*more));

		if (notes->count)
			memcpy(more, notes->list, notes->count * sizeof(*more));
		notes->list = more;
		notes->cap = cap;
	}
	return &notes->list[notes->count++];
}

void
import_miss(struct import *im, const xmlNode *n, const char *why, const char *todo)
{
	struct import_note *note = note_add(im, &im->missed);

	if (note)
		*note = (struct import_note){ .line = (int)xmlGetLineNo(n),
			.what = import_path(im, n),
			.why = why,
			.todo = todo ? todo : "nothing needs to be done" };
}

void
import_secret(struct import *im, const xmlNode *n, const char *todo)
{
	import_miss(
		im, n, "a secret: it is neither shown nor written into the configuration", todo);
}

/* "sync people: scope filter = (mail=*)" */
static const char *
draft_place(struct import *im, const struct draft *d)
{
	CLEAN_BUF struct buf b = { 0 };
	const struct draft *in[4]; /* sync, user, map: no deeper */
	size_t depth = 0;

	for (const struct draft *s = d->up; s && s->up && depth < ARRAY_LEN(in); s = s->up)
		in[depth++] = s;
	while (depth-- > 0) {
		buf_addf(&b, "%s ", in[depth]->name);
		if (in[depth]->title)
			buf_addf(&b, "%s: ", in[depth]->title);
	}
	buf_addf(&b, "%s = %s", d->name, d->value);
	return arena_strdup(im->arena, buf_cstr(&b));
}

static struct draft *
draft_add(struct import *im, struct draft *in, struct draft d)
{
	struct draft *copy = arena_alloc(im->arena, sizeof(*copy));

	d.up = in;
	*copy = d;
	if (in->last)
		in->last->next = copy;
	else
		in->first = copy;
	in->last = copy;
	return copy;
}

static void
draft_where(struct import *im, struct draft *d, const xmlNode *n)
{
	if (!n)
		return;
	d->line = (int)xmlGetLineNo(n);
	d->from = import_path(im, n);
}

struct draft *
draft_section(
	struct import *im, struct draft *in, const char *name, const char *title, const xmlNode *n)
{
	struct draft d = { .name = name, .title = title, .section = true };

	if (in == im->draft && ++im->sections > IMPORT_SECTIONS_MAX)
		im->full = true;
	draft_where(im, &d, n);
	return draft_add(im, in, d);
}

struct draft *
draft_option(struct import *im, struct draft *in, const char *name, const char *value,
	const xmlNode *n, const char *remark)
{
	struct draft d = { .name = name, .value = value, .remark = remark };
	struct import_note *note = n ? note_add(im, &im->taken) : NULL;
	struct draft *added;

	draft_where(im, &d, n);
	added = draft_add(im, in, d);
	if (note)
		*note = (struct import_note){
			.line = d.line, .what = d.from, .as = draft_place(im, added)
		};
	return added;
}

void
draft_suggest(
	struct import *im, struct draft *in, const char *name, const char *value, const xmlNode *n)
{
	struct draft d = { .name = name, .value = value, .off = true };

	draft_where(im, &d, n);
	draft_add(im, in, d);
}

struct draft *
draft_find(const struct draft *in, const char *name, const char *title)
{
	for (struct draft *d = in->first; d; d = d->next)
		if (!d->off && strcmp(d->name, name) == 0 &&
			(!title || (d->title && strcmp(d->title, title) == 0)))
			return d;
	return NULL;
}

/* --- printing --- */

static void
indent(struct buf *out, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_addc(out, '\t');
}

static void
where_print(const struct import *im, const struct draft *d, struct buf *out)
{
	if (d->line || d->remark)
		buf_adds(out, " # ");
	if (d->line) {
		const char *slash = strrchr(im->file, '/'), *file = slash ? slash + 1 : im->file;

		text_escape(file, strlen(file), 0, out);
		buf_addf(out, ":%d ", d->line);
		text_escape(d->from, strlen(d->from), 0, out);
		buf_adds(out, d->remark ? ": " : "");
	}
	if (d->remark)
		text_escape(d->remark, strlen(d->remark), 0, out);
	buf_addc(out, '\n');
}

/* An option given several times is one line with a list. */
static bool
is_repeated(const struct draft *d)
{
	for (const struct draft *o = d->up->first; o != d; o = o->next)
		if (!o->section && !o->off && strcmp(o->name, d->name) == 0)
			return true;
	return false;
}

static void
values_print(const struct draft *d, struct buf *out)
{
	size_t count = 1;

	for (const struct draft *o = d->next; o; o = o->next)
		count += !o->section && !o->off && strcmp(o->name, d->name) == 0;
	if (count == 1) {
		conf_quote(d->value, out);
		return;
	}
	buf_addc(out, '{');
	for (const struct draft *o = d; o; o = o->next) {
		if (o->section || o->off || strcmp(o->name, d->name) != 0)
			continue;
		if (o != d)
			buf_adds(out, ", ");
		conf_quote(o->value, out);
	}
	buf_addc(out, '}');
}

static void
option_print(const struct import *im, const struct draft *d, int depth, struct buf *out)
{
	indent(out, depth);
	if (d->off) {
		buf_addf(out, "# %s = ", d->name);
		conf_quote(d->value, out);
	} else {
		buf_addf(out, "%s = ", d->name);
		values_print(d, out);
	}
	where_print(im, d, out);
}

static void lines_print(
	const struct import *im, const struct draft *in, int depth, struct buf *out);

static void
section_print(const struct import *im, const struct draft *d, int depth, struct buf *out)
{
	indent(out, depth);
	buf_addf(out, "%s ", d->name);
	if (d->title) {
		conf_quote(d->title, out);
		buf_addc(out, ' ');
	}
	buf_addc(out, '{');
	where_print(im, d, out);
	lines_print(im, d, depth + 1, out);
	indent(out, depth);
	buf_adds(out, "}\n");
}

/* Options before sections. Those are three deep at most: sync, user, map. */
static void
lines_print(const struct import *im, const struct draft *in, int depth, struct buf *out)
{
	for (const struct draft *d = in->first; d; d = d->next)
		if (!d->section && (d->off || !is_repeated(d)))
			option_print(im, d, depth, out);
	for (const struct draft *d = in->first; d; d = d->next)
		if (d->section && d->first)
			section_print(im, d, depth, out);
}

void
draft_print(const struct import *im, struct buf *out)
{
	buf_adds(out, "# Made by `lockstep config import` from ");
	text_escape(im->file, strlen(im->file), 0, out);
	buf_addf(out,
		" (%s). What has no counterpart here was named when it was made:\n"
		"# read that list, fill in what is marked, then `lockstep check` and "
		"`lockstep plan`.\n",
		im->format);
	lines_print(im, im->draft, 0, out);
}
