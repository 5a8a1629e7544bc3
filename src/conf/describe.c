/* The configuration in force as JSON, for forms: what there is to set, how it is set, what it would be otherwise. */
#include <string.h>
#include "base/json.h"
#include "base/str.h"
#include "conf/describe.h"
#include "load.h"
#include "scan.h"

static const char *const type_names[] = {
	[CONF_TEXT] = "text",
	[CONF_TEXTS] = "texts",
	[CONF_YESNO] = "yesno",
	[CONF_DURATION] = "duration",
	[CONF_LEAVE] = "leave",
	[CONF_LIMIT] = "limit",
	[CONF_COUNT] = "count",
	[CONF_EXACT] = "exact",
	[CONF_TIME] = "time",
	[CONF_DAYS] = "days",
};

static void
words_json(const char *name, const struct buf *printed, struct arena *a, struct jsonw *w)
{
	struct scan_word *words;
	size_t n = scan_words(buf_cstr(printed), 0, printed->n, a, &words);

	jsonw_arr(w, name);
	for (size_t i = 0; i < n; i++)
		jsonw_str(w, NULL, words[i].text);
	jsonw_end(w);
}

static void
options_json(const struct conf_section *s, const char *path, const void *base,
	const void *otherwise, struct jsonw *w)
{
	CLEAN_ARENA struct arena *a = arena_new();

	jsonw_arr(w, "options");
	for (const struct conf_option *o = s->options; o->name; o++) {
		CLEAN_BUF struct buf v = { 0 };
		CLEAN_BUF struct buf d = { 0 };

		conf_value_print(o, base, &v);
		conf_value_print(o, otherwise, &d);
		jsonw_obj(w, NULL);
		jsonw_str(w, "path", arena_printf(a, "%s%s%s", path, *path ? "/" : "", o->name));
		jsonw_str(w, "name", o->name);
		jsonw_str(w, "type", type_names[o->type]);
		jsonw_str(w, "help", o->help);
		words_json("values", &v, a, w);
		words_json("default", &d, a, w);
		jsonw_bool(w, "set", !str_eq(buf_str(&v), buf_str(&d)));
		jsonw_end(w);
	}
	jsonw_end(w);
}

/* What stands in no table of ours: the connector's own options. */
static void
connector_json(const char *what, const char *path, const struct conf_value *options, size_t count,
	struct jsonw *w)
{
	const struct conf_section *sec = conf_section_find(&conf_root, what);
	CLEAN_ARENA struct arena *a = arena_new();

	jsonw_arr(w, "connector");
	for (size_t i = 0; i < count; i++) {
		if (conf_option_find(sec, options[i].name))
			continue;
		jsonw_obj(w, NULL);
		jsonw_str(w, "path", arena_printf(a, "%s/%s", path, options[i].name));
		jsonw_str(w, "name", options[i].name);
		jsonw_arr(w, "values");
		for (size_t k = 0; k < options[i].count; k++)
			jsonw_str(w, NULL, options[i].values[k]);
		jsonw_end(w);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
section_begin(const char *kind, const char *name, const char *path, struct jsonw *w)
{
	jsonw_obj(w, NULL);
	jsonw_str(w, "section", kind);
	jsonw_str(w, "path", path);
	if (name)
		jsonw_str(w, "name", name);
}

static void
maps_json(const struct conf_kind *k, const char *path, struct jsonw *w)
{
	CLEAN_ARENA struct arena *a = arena_new();

	jsonw_arr(w, "map");
	for (size_t i = 0; i < k->map_count; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "path", arena_printf(a, "%s/map/%s", path, k->maps[i].name));
		jsonw_str(w, "name", k->maps[i].name);
		jsonw_str(w, "expression", k->maps[i].expr);
		jsonw_bool(w, "default", k->maps[i].is_default);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
sync_json(const struct conf_sync *s, struct arena *a, struct jsonw *w)
{
	const struct conf_section *sec = conf_section_find(&conf_root, "sync");
	struct conf_sync *d = arena_alloc(a, sizeof *d);
	const char *path = arena_printf(a, "sync/%s", s->name);

	conf_sync_defaults(d, a);
	section_begin("sync", s->name, path, w);
	options_json(sec, path, s, d, w);
	jsonw_end(w);
	for (const struct conf_section *sub = sec->sections; sub->name; sub++) {
		const char *below = arena_printf(a, "%s/%s", path, sub->name);
		const char *base = (const char *)s + sub->offset;
		const struct kind *k = kind_find(sub->name);

		section_begin(sub->name, s->name, below, w);
		options_json(sub, below, base, (const char *)d + sub->offset, w);
		if (k)
			maps_json((const struct conf_kind *)base, below, w);
		jsonw_end(w);
	}
}

static void
ends_json(const struct conf *c, struct arena *a, struct jsonw *w)
{
	struct conf_source *source = arena_alloc(a, sizeof *source);
	struct conf_target *target = arena_alloc(a, sizeof *target);
	const struct conf_section *ssec = conf_section_find(&conf_root, "source"),
				  *tsec = conf_section_find(&conf_root, "target");

	conf_section_defaults(ssec, source, a);
	conf_section_defaults(tsec, target, a);
	for (size_t i = 0; i < c->source_count; i++) {
		const struct conf_source *s = &c->sources[i];
		const char *path = arena_printf(a, "source/%s", s->name);

		section_begin("source", s->name, path, w);
		options_json(ssec, path, s, source, w);
		connector_json("source", path, s->options, s->option_count, w);
		jsonw_end(w);
	}
	for (size_t i = 0; i < c->target_count; i++) {
		const struct conf_target *t = &c->targets[i];
		const char *path = arena_printf(a, "target/%s", t->name);

		section_begin("target", t->name, path, w);
		options_json(tsec, path, t, target, w);
		connector_json("target", path, t->options, t->option_count, w);
		jsonw_end(w);
	}
}

void
conf_describe(const struct conf *c, struct jsonw *w, const char *name)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct conf *d = arena_alloc(a, sizeof *d);

	d->arena = a;
	conf_root_defaults(d);
	jsonw_arr(w, name);
	section_begin("", NULL, "", w);
	options_json(&conf_root, "", c, d, w);
	jsonw_end(w);
	ends_json(c, a, w);
	for (size_t i = 0; i < c->sync_count; i++)
		sync_json(&c->syncs[i], a, w);
	for (const struct conf_section *s = conf_root.sections; s->name; s++) {
		if (s->titled)
			continue;
		section_begin(s->name, NULL, s->name, w);
		options_json(
			s, s->name, (const char *)c + s->offset, (const char *)d + s->offset, w);
		jsonw_end(w);
	}
	jsonw_end(w);
}
