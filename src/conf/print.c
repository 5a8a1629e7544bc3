/* conf_print and the digest. Both go by the tables. */
#include <string.h>
#include "base/str.h"
#include "load.h"

static void
indent(struct buf *out, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_addc(out, '\t');
}

/* All options of a section; those that equal their default as comments. */
static void
options_print(const struct conf_section *s, const void *base, const void *defaults, int depth,
	struct buf *out)
{
	for (const struct conf_option *o = s->options; o->name; o++) {
		CLEAN_BUF struct buf v = { 0 };
		CLEAN_BUF struct buf d = { 0 };
		conf_value_print(o, base, &v);
		conf_value_print(o, defaults, &d);
		indent(out, depth);
		if (str_eq(buf_str(&v), buf_str(&d)))
			buf_adds(out, "# ");
		/* An unset text has no value that could be written. */
		buf_addf(out, "%s%s%s # %s\n", o->name, v.n ? " = " : "", buf_cstr(&v), o->help);
	}
}

/* Options of the connector stand in a section of their own, where no name can be taken for one of ours. */
static void
connector_print(const char *what, const void *base, const struct conf_value *options, size_t count,
	struct buf *out)
{
	static const struct {
		struct conf_source s;
		struct conf_target t;
	} zero;
	const struct conf_section *sec = conf_section_find(&conf_root, what);
	CLEAN_ARENA struct arena *a = arena_new();
	void *defaults = arena_alloc(a, sizeof zero);

	conf_section_defaults(sec, defaults, a);
	options_print(sec, base, defaults, 1, out);
	buf_adds(out, "\toptions {\n");
	for (size_t i = 0; i < count; i++) {
		const struct conf_option *o = conf_option_find(sec, options[i].name);
		if (o) /* "id", above already */
			continue;
		buf_addf(out, "\t\t%s = ", options[i].name);
		if (options[i].count != 1)
			buf_addc(out, '{');
		for (size_t j = 0; j < options[i].count; j++) {
			if (j)
				buf_adds(out, ", ");
			conf_quote(options[i].values[j], out);
		}
		buf_adds(out, options[i].count != 1 ? "}\n" : "\n");
	}
	buf_adds(out, "\t}\n}\n");
}

static bool
map_present(const struct conf_kind *ck, const char *name)
{
	for (size_t i = 0; i < ck->map_count; i++)
		if (strcmp(ck->maps[i].name, name) == 0)
			return true;
	return false;
}

static void
map_print(const struct conf *c, enum kind_id kind, const struct conf_kind *ck, struct buf *out)
{
	buf_adds(out, "\t\tmap {\n");
	for (size_t i = 0; i < ck->map_count; i++) {
		buf_addf(
			out, "\t\t\t%s%s = ", ck->maps[i].is_default ? "# " : "", ck->maps[i].name);
		conf_quote(ck->maps[i].expr, out);
		buf_addc(out, '\n');
	}
	for (const struct conf_default *d = conf_default_maps(c->default_map, kind); d->name; d++)
		if (!map_present(ck, d->name))
			buf_addf(out, "\t\t\t%s = ''\n", d->name);
	buf_adds(out, "\t\t}\n");
}

static void
sync_print(const struct conf *c, const struct conf_sync *s, struct buf *out)
{
	const struct conf_section *sec = conf_section_find(&conf_root, "sync");
	CLEAN_ARENA struct arena *a = arena_new();
	struct conf_sync *d = arena_alloc(a, sizeof *d);

	conf_sync_defaults(d, a);
	options_print(sec, s, d, 1, out);
	for (const struct conf_section *sub = sec->sections; sub->name; sub++) {
		const char *base = (const char *)s + sub->offset;
		buf_addf(out, "\t%s {\n", sub->name);
		options_print(sub, base, (const char *)d + sub->offset, 2, out);
		const struct kind *k = kind_find(sub->name);
		if (k)
			map_print(
				c, (enum kind_id)(k - kinds), (const struct conf_kind *)base, out);
		buf_adds(out, "\t}\n");
	}
	buf_adds(out, "}\n");
}

void
conf_print(const struct conf *c, struct buf *out)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct conf *d = arena_alloc(a, sizeof *d);

	d->arena = a;
	conf_root_defaults(d);
	buf_addf(out, "# default maps: number %d\n", c->default_map);
	options_print(&conf_root, c, d, 0, out);
	for (const struct conf_section *s = conf_root.sections; s->name; s++) {
		if (s->titled)
			continue;
		buf_addf(out, "%s {\n", s->name);
		options_print(s, (const char *)c + s->offset, (const char *)d + s->offset, 1, out);
		buf_adds(out, "}\n");
	}
	for (size_t i = 0; i < c->source_count; i++) {
		const struct conf_source *s = &c->sources[i];
		buf_adds(out, "source ");
		conf_quote(s->name, out);
		buf_adds(out, " {\n");
		connector_print("source", s, s->options, s->option_count, out);
	}
	for (size_t i = 0; i < c->target_count; i++) {
		const struct conf_target *t = &c->targets[i];
		buf_adds(out, "target ");
		conf_quote(t->name, out);
		buf_adds(out, " {\n");
		connector_print("target", t, t->options, t->option_count, out);
	}
	for (size_t i = 0; i < c->sync_count; i++) {
		buf_adds(out, "sync ");
		conf_quote(c->syncs[i].name, out);
		buf_adds(out, " {\n");
		sync_print(c, &c->syncs[i], out);
	}
}

/* The guard holds work back, the schedule says when, and the rest is for alerts: none of it wants anything. */
static bool
wants_nothing(const char *name)
{
	static const char *const names[] = { "guard", "schedule", "fresh", "canary",
		"canary_every" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void
value_digest(const struct conf_option *o, const void *base, struct buf *b)
{
	conf_value_print(o, base, b);
	buf_addc(b, '\n');
}

void
conf_sync_digest(const struct conf_sync *s, char out[65])
{
	const struct conf_section *sec = conf_section_find(&conf_root, "sync");
	CLEAN_BUF struct buf b = { 0 };

	for (const struct conf_option *o = sec->options; o->name; o++) {
		if (!wants_nothing(o->name))
			value_digest(o, s, &b);
	}
	for (const struct conf_section *sub = sec->sections; sub->name; sub++) {
		if (wants_nothing(sub->name))
			continue;
		for (const struct conf_option *o = sub->options; o->name; o++)
			value_digest(o, (const char *)s + sub->offset, &b);
	}
	/* Of the guard: who is protected, for that is kept with each object (8.4). */
	sec = conf_section_find(sec, "guard");
	value_digest(conf_option_find(sec, "protect"), &s->guard, &b);
	value_digest(conf_option_find(sec, "protect_group"), &s->guard, &b);
	for (size_t k = 0; k < KIND_COUNT; k++) {
		for (size_t i = 0; i < s->kind[k].map_count; i++) {
			const struct conf_map *m = &s->kind[k].maps[i];
			buf_addf(&b, "%s %zu %s=", kinds[k].name, strlen(m->expr), m->name);
			buf_adds(&b, m->expr);
			buf_addc(&b, '\n');
		}
	}
	sha256_hex(b.p, b.n, out);
}

const char *
guard_class_name(enum guard_class c)
{
	static const char *const names[GUARD_CLASS_COUNT] = {
		[GUARD_CREATE] = "create",
		[GUARD_ADOPT] = "adopt",
		[GUARD_UPDATE] = "update",
		[GUARD_DISABLE] = "disable",
		[GUARD_DELETE] = "delete",
		[GUARD_MEMBER_REMOVAL] = "member-removal",
	};

	return names[c];
}
