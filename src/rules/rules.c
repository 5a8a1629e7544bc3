/* From configuration to compiled rules. */
#include <stdlib.h>
#include <string.h>
#include "names.h"
#include "rules_p.h"

/* Puts the place before what filter or expression found. */
static bool
place(struct err *e, const char *file, int line, const char *what)
{
	err_wrap(e, "%s:%d: %s", file, line, what);
	return false;
}

/* What explain needs of everybody, mapped or not; and what makes an entry a kind. */
static const char *const always[] = { "objectClass", "mail", "sAMAccountName", "userPrincipalName",
	"cn", "displayName", NULL };

static bool
expr_attributes(const char *text, const char *file, int line, struct names *names, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct expr_names n = { .arena = a };

	if (!expr_scan(text, &n, e))
		return place(e, file, line, "expression");
	for (size_t i = 0; i < n.count; i++) {
		enum builtin b = builtin_find(n.list[i].spelled);
		if (n.list[i].type == EXPR_FUNCTION)
			continue;
		if (b == B_MEMBEROF || n.list[i].type == EXPR_BUILTIN)
			for (const char *const *at = builtin_attributes(b); *at; at++)
				names_add(names, *at);
		else
			names_add(names, n.list[i].spelled);
	}
	return true;
}

bool
rules_attributes(const struct conf_sync *s, struct names *names, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const struct conf_scope *sc = &s->scope;
	struct filter *f;

	for (const char *const *at = always; *at; at++)
		names_add(names, *at);
	/* Members make scope groups, protected groups and memberOf; a primary group is membership too. */
	if (sc->group.count || s->guard.protect_group.count || s->kind[KIND_GROUP].enabled) {
		names_add(names, "member");
		names_add(names, "primaryGroupID");
	}
	for (size_t i = 0; i < sc->filter.count; i++) {
		const struct conf_text *t = &sc->filter.list[i];
		if (!filter_parse(t->text, a, &f, e))
			return place(e, t->file, t->line, "scope");
		filter_attributes(f, names);
	}
	for (size_t i = 0; i < sc->when.count; i++) {
		const struct conf_text *t = &sc->when.list[i];
		if (!expr_attributes(t->text, t->file, t->line, names, e))
			return false;
	}
	for (size_t k = 0; k < KIND_COUNT; k++) {
		for (size_t i = 0; s->kind[k].enabled && i < s->kind[k].map_count; i++) {
			const struct conf_map *m = &s->kind[k].maps[i];
			if (!expr_attributes(m->expr, m->file, m->line, names, e))
				return false;
		}
	}
	return true;
}

static void
link_note(struct rules *r, const char *attribute, bool chain, bool dn)
{
	size_t i = 0;

	while (i < r->link_count && !ascii_ieq(r->links[i].attribute, attribute))
		i++;
	if (i == r->link_count) {
		struct rules_link *more = arena_alloc(r->arena, (i + 1) * sizeof *more);

		if (i)
			memcpy(more, r->links, i * sizeof *more);
		r->links = more;
		r->links[r->link_count++].attribute = arena_strdup(r->arena, attribute);
	}
	r->links[i].chain |= chain;
	r->links[i].dn |= dn;
}

static void
filter_link(void *ctx, const char *attribute, bool chain)
{
	link_note(ctx, attribute, chain, false);
}

/* What an expression sees of a link is the other end's DN. */
static void
expr_note(struct rules *r, const struct expr *x)
{
	r->uses_memberof |= x->uses_memberof;
	for (size_t i = 0; i < x->link_count; i++)
		link_note(r, x->links[i], false, true);
}

static bool
filters_compile(struct rules *r, const struct rules_schema *schema, struct err *e)
{
	const struct conf_texts *t = &r->s->scope.filter;

	r->filters = arena_alloc(r->arena, (t->count + 1) * sizeof *r->filters);
	for (size_t i = 0; i < t->count; i++) {
		struct rule_filter *f = &r->filters[i];
		f->text = &t->list[i];
		/* The built-in filter may name what this source lacks. */
		bool lenient = f->text->line == 0;
		if (!filter_parse(f->text->text, r->arena, &f->f, e) ||
			!filter_bind(f->f, schema, lenient, e))
			return place(e, f->text->file, f->text->line, "scope");
		r->uses_memberof |= filter_uses_memberof(f->f);
		filter_links(f->f, filter_link, r);
	}
	return true;
}

static bool
whens_compile(struct rules *r, struct err *e)
{
	const struct conf_texts *t = &r->s->scope.when;

	r->whens = arena_alloc(r->arena, (t->count + 1) * sizeof *r->whens);
	for (size_t i = 0; i < t->count; i++) {
		struct rule_when *w = &r->whens[i];
		w->text = &t->list[i];
		if (!expr_compile(r->engine, w->text->text, false, &w->x, e))
			return place(e, w->text->file, w->text->line, "when");
		expr_note(r, &w->x);
	}
	return true;
}

/* References follow links, not values: their expression is the link attribute's name and no more. */
static bool
ref_check(const struct kind_ref *ref, const struct conf_map *m, struct err *e)
{
	if (ascii_ieq(m->expr, ref->link))
		return true;
	err_set(e, ERR_CONFIG, "bad-expression", "%s follows a link and takes its name alone: '%s'",
		m->name, ref->link);
	return place(e, m->file, m->line, m->name);
}

static bool
kind_compile(struct rules *r, const struct kind *k, struct err *e)
{
	const struct conf_kind *ck = &r->s->kind[k - kinds];
	struct rule_kind *rk = &r->kind[k - kinds];

	rk->enabled = ck->enabled;
	rk->maps = arena_alloc(r->arena, (ck->map_count + 1) * sizeof *rk->maps);
	for (size_t i = 0; rk->enabled && i < ck->map_count; i++) {
		struct rule_map *m = &rk->maps[rk->count++];
		m->map = &ck->maps[i];
		m->vocab = vocab_find(m->map->name);
		m->ref = -1;
		for (int j = 0; j < 3 && k->refs[j].attribute; j++)
			if (strcmp(k->refs[j].attribute, m->map->name) == 0)
				m->ref = j;
		if (m->ref >= 0) {
			if (!ref_check(&k->refs[m->ref], m->map, e))
				return false;
			continue;
		}
		if (!expr_compile(r->engine, m->map->expr, m->map->is_default, &m->x, e))
			return place(e, m->map->file, m->map->line, m->map->name);
		expr_note(r, &m->x);
	}
	return true;
}

static struct rule_base *
bases_make(struct rules *r, const struct conf_texts *t)
{
	struct rule_base *b = arena_alloc(r->arena, (t->count + 1) * sizeof *b);

	for (size_t i = 0; i < t->count; i++)
		b[i].text = &t->list[i];
	return b;
}

bool
rules_compile(const struct conf *c, const struct conf_sync *s, const struct rules_schema *schema,
	struct rules **r_r, struct err *e)
{
	struct arena *a = arena_new();
	struct rules *r = arena_alloc(a, sizeof *r);

	(void)c;
	r->arena = a;
	r->s = s;
	r->engine = expr_engine_new(schema);
	r->bases = bases_make(r, &s->scope.base);
	r->not_bases = bases_make(r, &s->scope.not_base);
	r->groups = bases_make(r, &s->scope.group);
	r->group_ns = arena_alloc(a, (s->scope.group.count + 1) * sizeof *r->group_ns);
	bool ok = filters_compile(r, schema, e) && whens_compile(r, e);
	for (size_t k = 0; ok && k < KIND_COUNT; k++)
		ok = kind_compile(r, &kinds[k], e);
	if (!ok)
		rules_free(&r);
	*r_r = r;
	return ok;
}

void
rules_free(struct rules **r)
{
	if (!*r)
		return;
	expr_engine_free((*r)->engine);
	arena_free((*r)->arena);
	*r = NULL;
}

static void
bases_resolve(struct rule_base *b, size_t count, const struct world *w)
{
	for (size_t i = 0; i < count; i++)
		b[i].n = w->find_dn(w->ctx, b[i].text->text);
}

void
rules_resolve(struct rules *r, const struct world *w)
{
	const struct conf_scope *sc = &r->s->scope;

	bases_resolve(r->bases, sc->base.count, w);
	bases_resolve(r->not_bases, sc->not_base.count, w);
	bases_resolve(r->groups, sc->group.count, w);
	for (size_t i = 0; i < sc->group.count; i++)
		r->group_ns[i] = r->groups[i].n;
	for (size_t i = 0; i < sc->filter.count; i++)
		filter_resolve(r->filters[i].f, w);
	memset(r->slots, 0, sizeof r->slots);
}

static const struct conf_text *
first_lost(const struct rule_base *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!b[i].n)
			return b[i].text;
	return NULL;
}

const struct conf_text *
rules_scope_lost(const struct rules *r, bool excluding)
{
	const struct conf_scope *sc = &r->s->scope;
	const struct conf_text *lost;

	if (excluding)
		return first_lost(r->not_bases, sc->not_base.count);
	lost = first_lost(r->groups, sc->group.count);
	return lost ? lost : first_lost(r->bases, sc->base.count);
}

size_t
rules_scope_groups(const struct rules *r, const int64_t **ns_r)
{
	*ns_r = r->group_ns;
	return r->s->scope.group.count;
}

bool
rules_uses_memberof(const struct rules *r)
{
	return r->uses_memberof;
}

size_t
rules_links(const struct rules *r, const struct rules_link **list_r)
{
	*list_r = r->links;
	return r->link_count;
}

void
rules_named(const struct rules *r, struct buf *out)
{
	for (size_t i = 0; i < r->s->scope.filter.count; i++)
		filter_named(r->filters[i].f, out);
}
