/* What is wanted of one entry (N13): an attribute whose value is bad is held back, not the object. */
#include <string.h>
#include "rules_p.h"

struct mapping {
	struct rules *r;
	const struct kind *k;
	struct eval ev;
	struct mapped *m;
};

static bool
texts_check(const struct value *v, struct err *e)
{
	for (size_t i = 0; i < v->count; i++) {
		CLEAN_BUF struct buf b = { 0 };
		struct str s = v->texts[i];
		bool nul = s.n && memchr(s.p, 0, s.n);
		if (!nul && utf8_valid(s.p, s.n))
			continue;
		text_escape(s.p, s.n, 60, &b);
		return err_set(e, ERR_OBJECT, "bad-value", "the value %s: '%s'",
			nul ? "holds a NUL" : "is not UTF-8", buf_cstr(&b));
	}
	return true;
}

static bool
is_name(const struct mapping *c, const struct rule_map *rm)
{
	return strcmp(rm->map->name, c->k->name_attribute) == 0;
}

/* One value where one is taken. The schema says "list" for attributes that may hold several; a default
 * map takes the first in the order of bytes, but never for the unique name: another address given
 * later would rename the object. */
static bool
single(struct mapping *c, const struct rule_map *rm, struct value *v, struct err *e)
{
	if (v->count <= 1)
		return true;
	if (!rm->map->is_default || is_name(c, rm))
		return err_set(e, ERR_OBJECT, "bad-value",
			"%zu values where one is taken: choose with First, Item or Join", v->count);
	for (size_t i = 1; i < v->count; i++)
		if (str_cmp(v->texts[i], v->texts[0]) < 0)
			v->texts[0] = v->texts[i];
	v->count = 1;
	return true;
}

/* Into the vocabulary's type. */
static bool
value_fit(struct mapping *c, const struct rule_map *rm, struct value *v, struct err *e)
{
	static const struct str truths[] = { { "false", 5 }, { "true", 4 } };
	bool want_bool = rm->vocab && rm->vocab->type == VOCAB_BOOL;

	if (v->type == VALUE_BOOL) {
		v->texts = arena_alloc(c->ev.a, sizeof *v->texts);
		v->texts[0] = truths[v->truth];
		v->count = 1;
		v->type = VALUE_TEXTS;
	}
	if (!texts_check(v, e))
		return false;
	if (rm->vocab && !rm->vocab->multi && v->count > 1) {
		/* The texts may be the entry's own: the choice is made on a copy. */
		struct str *copy = arena_alloc(c->ev.a, v->count * sizeof *copy);
		memcpy(copy, v->texts, v->count * sizeof *copy);
		v->texts = copy;
		if (!single(c, rm, v, e))
			return false;
	}
	if (!want_bool)
		return true;
	for (size_t i = 0; i < 2; i++) {
		if (v->count && str_ieq(v->texts[0], truths[i])) {
			v->texts = (struct str *)(uintptr_t)&truths[i];
			return true;
		}
	}
	return err_set(e, ERR_OBJECT, "bad-value", "neither true nor false");
}

static bool
map_one(struct mapping *c, const struct rule_map *rm, struct err *e)
{
	struct value v;

	if (!expr_eval(c->r->engine, &rm->x, &c->ev, &v, e) || !value_fit(c, rm, &v, e)) {
		CLEAN_BUF struct buf x = { 0 };
		text_escape(rm->map->expr, strlen(rm->map->expr), 100, &x);
		return err_wrap(e, "%s = '%s'", rm->map->name, buf_cstr(&x));
	}
	if (v.count)
		attrs_set(&c->m->wanted, rm->map->name, v.texts, v.count);
	return true;
}

/* The two attributes by which the engine itself goes cannot be held back alone: the object is. */
static bool
essential(struct mapping *c, const struct rule_map *rm)
{
	return is_name(c, rm) ||
	       (c->k->active_attribute && strcmp(rm->map->name, c->k->active_attribute) == 0);
}

static bool
name_and_active(struct mapping *c, struct err *e)
{
	const struct attr *name = attrs_get(&c->m->wanted, c->k->name_attribute);
	const struct rule_map *rm = NULL;
	const struct rule_kind *rk = &c->r->kind[c->k - kinds];

	for (size_t i = 0; i < rk->count; i++)
		if (is_name(c, &rk->maps[i]))
			rm = &rk->maps[i];
	c->m->active = true;
	if (c->k->active_attribute) {
		struct str active = attrs_first(&c->m->wanted, c->k->active_attribute);
		c->m->active = !str_eqc(active, "false");
	}
	if (!name)
		return err_set(e, ERR_OBJECT, "no-name",
			"no %s: '%s' gives no value; fill it in the directory or map another "
			"attribute",
			c->k->name_attribute, rm ? rm->map->expr : "");
	c->m->name = arena_strndup(c->ev.a, name->values[0].p, name->values[0].n);
	return true;
}

bool
rules_map(struct rules *r, const struct world *w, const struct entry *en, const struct kind *k,
	struct arena *a, struct mapped *m_r, struct err *e)
{
	struct mapping c = { r, k, { w, en, k, a, INT64_MAX }, m_r };
	const struct rule_kind *rk = &r->kind[k - kinds];
	struct err own, stop;
	bool whole = true;

	memset(m_r, 0, sizeof *m_r);
	m_r->wanted = attrs_new(a);
	m_r->steps = arena_alloc(a, (rk->count + 1) * sizeof *m_r->steps);
	for (size_t i = 0; i < rk->count; i++) {
		const struct rule_map *rm = &rk->maps[i];
		struct map_step *st = &m_r->steps[m_r->step_count++];
		*st = (struct map_step){ rm->map->name, rm->map->expr, rm->map->line,
			rm->map->is_default, NULL };
		if (rm->ref >= 0) {
			m_r->refs[rm->ref] = true;
			continue;
		}
		if (map_one(&c, rm, &own))
			continue;
		st->error = arena_strdup(a, own.text);
		if (whole && essential(&c, rm)) {
			stop = own;
			whole = false;
		}
	}
	m_r->wake = c.ev.wake;
	if (!whole) {
		if (e)
			*e = stop;
		return false;
	}
	return name_and_active(&c, e);
}
