#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "load.h"
#include "scan.h"

struct load {
	struct conf *c;
	struct scan scan;
	cfg_t *cfg;
	void **bases; /* per scan item that is a section: its structure */
	cfg_t **cfgs; /* and libConfuse's section */
	struct err *e;
};

/* libConfuse hands the error function no context but its own section; a parse is one call, in one
 * thread, so the file and error of the parse under way are kept here. */
static _Thread_local struct {
	const char *file;
	struct err *e;
	bool failed;
} parsing;

__attribute__((format(printf, 2, 0))) static void
parse_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[400];

	if (parsing.failed)
		return;
	parsing.failed = true;
	vsnprintf(text, sizeof text, fmt, ap);
	conf_fail(parsing.e, parsing.file, cfg ? cfg->line : 0, NULL, "%s", text);
}

/* The scanner has followed it already. */
static int
include_seen(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	(void)cfg;
	(void)opt;
	(void)argc;
	(void)argv;
	return 0;
}

/* libConfuse's table for a section: every option is a list of strings (types are ours, values.c), and
 * the free names are those that the scanner found in any section of this table. */
static cfg_opt_t *
opts_build(struct load *l, const struct conf_section *s)
{
	struct arena *a = l->scan.arena;
	struct names {
		const char **list;
		size_t count, cap;
	} names = { 0 };
	size_t fixed = 2, n = 0;

	for (const struct conf_option *o = s->options; o->name; o++)
		fixed++;
	for (const struct conf_section *c = s->sections; c->name; c++)
		fixed++;
	names.cap = l->scan.count;
	names.list = arena_alloc(a, (names.cap + 1) * sizeof *names.list);
	for (size_t i = 0; i < l->scan.count; i++) {
		const struct scan_item *it = &l->scan.items[i];
		if (it->within != s || it->section || conf_option_find(s, it->name))
			continue;
		bool known = false;
		for (size_t j = 0; j < names.count && !known; j++)
			known = strcmp(names.list[j], it->name) == 0;
		if (!known)
			names.list[names.count++] = it->name;
	}
	cfg_opt_t *opts = arena_alloc(a, (fixed + names.count) * sizeof *opts);
	for (const struct conf_option *o = s->options; o->name; o++)
		opts[n++] = (cfg_opt_t)CFG_STR_LIST(o->name, NULL, CFGF_NODEFAULT);
	for (size_t i = 0; i < names.count; i++)
		opts[n++] = (cfg_opt_t)CFG_STR_LIST(names.list[i], NULL, CFGF_NODEFAULT);
	for (const struct conf_section *c = s->sections; c->name; c++)
		opts[n++] = (cfg_opt_t)CFG_SEC(
			c->name, opts_build(l, c), c->titled ? CFGF_MULTI | CFGF_TITLE : CFGF_NONE);
	if (s == &conf_root)
		opts[n++] = (cfg_opt_t)CFG_FUNC("include", include_seen);
	opts[n] = (cfg_opt_t)CFG_END();
	return opts;
}

static bool
parse_files(struct load *l)
{
	l->cfg = cfg_init(opts_build(l, &conf_root), CFGF_NONE);
	if (!l->cfg)
		return err_set(l->e, ERR_CONFIG, "bad-config", "libConfuse refused its tables");
	cfg_set_error_function(l->cfg, parse_error);
	for (size_t i = 0; i < l->scan.file_count; i++) {
		const struct scan_file *f = &l->scan.files[i];
		if (f->size == 0)
			continue;
		CLEAN_FILE FILE *fp = fmemopen((void *)(uintptr_t)f->text, f->size, "r");
		if (!fp)
			return err_errno(l->e, ERR_CONFIG, "%s", f->path);
		parsing.file = f->path;
		parsing.e = l->e;
		parsing.failed = false;
		int rc = cfg_parse_fp(l->cfg, fp);
		if (parsing.failed)
			return false;
		if (rc != CFG_SUCCESS)
			return conf_fail(l->e, f->path, (int)l->cfg->line, NULL, "syntax error");
	}
	return true;
}

/* The words of an option as libConfuse read them. */
static const char **
words_get(struct load *l, cfg_t *cfg, const char *name, size_t *count_r)
{
	cfg_opt_t *opt = cfg_getopt(cfg, name);
	size_t n = opt ? cfg_opt_size(opt) : 0;
	const char **words = arena_alloc(l->c->arena, (n + 1) * sizeof *words);

	for (size_t i = 0; i < n; i++)
		words[i] = arena_strdup(l->c->arena, cfg_opt_getnstr(opt, (unsigned)i));
	*count_r = n;
	return words;
}

/* Options of connectors grow singly: the number is not known before. */
static bool
option_add(struct load *l, struct conf_value **list, size_t *count, const struct scan_item *it,
	const char **words, size_t n)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp((*list)[i].name, it->name) == 0)
			return conf_fail(l->e, it->file, it->line, it->name,
				"%s is given twice; first at line %d", it->name, (*list)[i].line);
	if ((*count & (*count - 1)) == 0) {
		size_t cap = *count ? *count * 2 : 1;
		struct conf_value *more = arena_alloc(l->c->arena, cap * sizeof *more);
		if (*count)
			memcpy(more, *list, *count * sizeof *more);
		*list = more;
	}
	(*list)[(*count)++] =
		(struct conf_value){ arena_strdup(l->c->arena, it->name), words, n, it->line };
	return true;
}

static bool
map_add(struct load *l, struct conf_kind *k, const struct scan_item *it, const char **words,
	size_t n)
{
	if (n != 1)
		return conf_fail(
			l->e, it->file, it->line, it->name, "%s takes one expression", it->name);
	if ((k->map_count & (k->map_count - 1)) == 0) {
		size_t cap = k->map_count ? k->map_count * 2 : 1;
		struct conf_map *more = arena_alloc(l->c->arena, cap * sizeof *more);
		if (k->map_count)
			memcpy(more, k->maps, k->map_count * sizeof *more);
		k->maps = more;
	}
	struct str expr = str_trim(str_c(words[0]));
	k->maps[k->map_count++] = (struct conf_map){ .name = arena_strdup(l->c->arena, it->name),
		.expr = arena_strndup(l->c->arena, expr.p, expr.n),
		.file = it->file,
		.line = it->line };
	return true;
}

/* A section begins: its structure, with defaults, and libConfuse's section. */
static void
section_begin(struct load *l, size_t i)
{
	const struct scan_item *it = &l->scan.items[i];
	struct conf *c = l->c;
	const char *title = it->title ? arena_strdup(c->arena, it->title) : NULL;

	if (it->parent != SCAN_NONE) {
		char *parent = l->bases[it->parent];
		l->bases[i] = parent + it->section->offset;
		l->cfgs[i] = cfg_getsec(l->cfgs[it->parent], it->name);
		return;
	}
	if (!it->section->titled) {
		l->bases[i] = (char *)c + it->section->offset;
		*(struct conf_at *)l->bases[i] = (struct conf_at){ it->file, it->line };
		l->cfgs[i] = cfg_getsec(l->cfg, it->name);
		return;
	}
	l->cfgs[i] = cfg_gettsec(l->cfg, it->name, it->title);
	if (strcmp(it->name, "source") == 0) {
		struct conf_source *s = &c->sources[c->source_count++];
		s->name = title;
		s->file = it->file;
		s->line = it->line;
		l->bases[i] = s;
		conf_section_defaults(it->section, s, c->arena);
	} else if (strcmp(it->name, "target") == 0) {
		struct conf_target *t = &c->targets[c->target_count++];
		t->name = title;
		t->file = it->file;
		t->line = it->line;
		l->bases[i] = t;
		conf_section_defaults(it->section, t, c->arena);
	} else {
		struct conf_sync *s = &c->syncs[c->sync_count++];
		s->name = title;
		s->file = it->file;
		s->line = it->line;
		l->bases[i] = s;
		conf_sync_defaults(s, c->arena);
	}
}

/* The section of the connector in which a free option stands, itself or in its `options`. */
static size_t
connector_of(const struct scan *s, size_t i)
{
	size_t p = s->items[i].parent;

	return s->items[p].parent == SCAN_NONE ? p : s->items[p].parent;
}

static bool
item_fill(struct load *l, size_t i)
{
	const struct scan_item *it = &l->scan.items[i];
	cfg_t *cfg = it->parent == SCAN_NONE ? l->cfg : l->cfgs[it->parent];
	char *base = it->parent == SCAN_NONE ? (char *)l->c : l->bases[it->parent];
	size_t n;
	const char **words = words_get(l, cfg, it->name, &n);
	struct conf_place at = { it->file, it->line, it->name };
	const struct conf_option *o = conf_option_find(it->within, it->name);

	if (o && !conf_value_set(o, base, words, n, &at, l->c->arena, l->e))
		return false;
	if (it->within->free == FREE_MAP)
		return map_add(l, (struct conf_kind *)base, it, words, n);
	/* The identity attribute is the connector's business too. */
	if (it->within->free != FREE_OPTIONS || (o && strcmp(it->name, "id") != 0))
		return true;
	size_t top = connector_of(&l->scan, i);
	if (strcmp(l->scan.items[top].name, "source") == 0) {
		struct conf_source *s = l->bases[top];
		return option_add(l, &s->options, &s->option_count, it, words, n);
	}
	struct conf_target *t = l->bases[top];
	return option_add(l, &t->options, &t->option_count, it, words, n);
}

static bool
fill(struct load *l)
{
	struct conf *c = l->c;
	size_t n = l->scan.count;
	size_t counts[3] = { 0 }; /* of the titled ones, which come first in the table */

	l->bases = arena_alloc(l->scan.arena, (n + 1) * sizeof *l->bases);
	l->cfgs = arena_alloc(l->scan.arena, (n + 1) * sizeof(cfg_t *));
	for (size_t i = 0; i < n; i++) {
		struct scan_item *it = &l->scan.items[i];
		it->file = arena_strdup(c->arena, it->file);
		if (it->section && it->section->titled && it->parent == SCAN_NONE)
			counts[it->section - conf_root.sections]++;
	}
	c->sources = arena_alloc(c->arena, (counts[0] + 1) * sizeof *c->sources);
	c->targets = arena_alloc(c->arena, (counts[1] + 1) * sizeof *c->targets);
	c->syncs = arena_alloc(c->arena, (counts[2] + 1) * sizeof *c->syncs);
	for (size_t i = 0; i < n; i++) {
		const struct scan_item *it = &l->scan.items[i];
		if (it->section)
			section_begin(l, i);
		else if (!item_fill(l, i))
			return false;
	}
	return conf_check(c, l->e);
}

bool
conf_load_text(const char *path, const struct str *text, struct conf **c_r, struct err *e)
{
	struct load *l = xcalloc(1, sizeof *l);
	struct arena *a = arena_new();

	l->e = e;
	l->scan.arena = arena_new();
	l->c = arena_alloc(a, sizeof *l->c);
	l->c->arena = a;
	l->c->path = arena_strdup(a, path);
	l->c->default_map = CONF_DEFAULT_MAP;
	conf_root_defaults(l->c);
	bool ok = scan_load(&l->scan, path, text, e) && parse_files(l) && fill(l);
	if (l->cfg)
		cfg_free(l->cfg);
	arena_free(l->scan.arena);
	*c_r = ok ? l->c : NULL;
	free(l);
	if (!ok)
		arena_free(a);
	return ok;
}

bool
conf_load(const char *path, struct conf **c_r, struct err *e)
{
	return conf_load_text(path, NULL, c_r, e);
}

void
conf_free(struct conf **c)
{
	if (*c)
		arena_free((*c)->arena);
	*c = NULL;
}
