/* Who is in scope (SEMANTICS 4.2): conditions are ANDed, the lists inside them ORed. */
#include "rules_p.h"

#define ANCESTORS_MAX 256

struct scoping {
	struct rules *r;
	const struct world *w;
	const struct entry *en;
	struct eval ev;
	struct verdict *v;
};

static void
step(struct scoping *c, const char *what, const struct conf_text *t, bool pass)
{
	struct verdict *v = c->v;

	if (v->step_count < sizeof(v->steps) / sizeof(*v->steps))
		v->steps[v->step_count++] =
			(struct scope_step){ what, t ? t->text : "", t ? t->line : 0, pass };
}

/* "(line 12)", or where the built-in configuration says so. */
static const char *
line_of(struct scoping *c, const struct conf_text *t)
{
	return t->line ? arena_printf(c->ev.a, "line %d", t->line) : "built-in";
}

static bool
out(struct scoping *c, const char *why)
{
	c->v->in = false;
	c->v->why = why;
	return false;
}

static int
base_index(const struct rule_base *b, size_t count, int64_t n)
{
	for (size_t i = 0; i < count; i++)
		if (b[i].n == n && n != 0)
			return (int)i;
	return -1;
}

/* Which bases an entry of this container stands under. */
static const struct container *
container_find(struct scoping *c, int64_t n)
{
	const struct conf_scope *sc = &c->r->s->scope;
	struct container *s = &c->r->slots[(uint64_t)n % CONTAINER_SLOTS];

	if (s->n == n && n != 0)
		return s;
	*s = (struct container){ n, -1, -1 };
	for (int depth = 0; n != 0 && depth < ANCESTORS_MAX;
		depth++, n = c->w->parent(c->w->ctx, n)) {
		if (s->base < 0)
			s->base = base_index(c->r->bases, sc->base.count, n);
		if (s->not_base < 0)
			s->not_base = base_index(c->r->not_bases, sc->not_base.count, n);
	}
	return s;
}

/* One line for a list none of whose members holds. */
static const char *
none_of(struct scoping *c, const char *what, const struct rule_base *b, size_t count)
{
	size_t lost = 0;

	for (size_t i = 0; i < count; i++)
		lost += b[i].n == 0;
	if (lost == count)
		return arena_printf(c->ev.a, "%s '%s'%s is not in the directory (%s)", what,
			b[0].text->text, count > 1 ? " and the others" : "", line_of(c, b[0].text));
	return NULL;
}

static bool
bases_check(struct scoping *c)
{
	const struct conf_scope *sc = &c->r->s->scope;

	if (sc->base.count == 0 && sc->not_base.count == 0)
		return true;
	const struct container *k = container_find(c, c->en->parent);
	int base = base_index(c->r->bases, sc->base.count, c->en->n);
	int not_base = base_index(c->r->not_bases, sc->not_base.count, c->en->n);
	base = base >= 0 ? base : k->base;
	not_base = not_base >= 0 ? not_base : k->not_base;
	if (sc->base.count) {
		const struct conf_text *t = &sc->base.list[base >= 0 ? base : 0];
		step(c, "base", t, base >= 0);
		if (base < 0) {
			const char *why = none_of(c, "base", c->r->bases, sc->base.count);
			return out(c, why ? why
					  : arena_printf(c->ev.a, "not under any base (%s)",
						    line_of(c, t)));
		}
	}
	if (sc->not_base.count) {
		const struct conf_text *t = &sc->not_base.list[not_base >= 0 ? not_base : 0];
		step(c, "not_base", t, not_base < 0);
		if (not_base >= 0)
			return out(c, arena_printf(c->ev.a, "under not_base '%s' (%s)", t->text,
					      line_of(c, t)));
	}
	return true;
}

static bool
groups_check(struct scoping *c)
{
	const struct conf_texts *t = &c->r->s->scope.group;
	const struct rule_base *g = c->r->groups;

	for (size_t i = 0; i < t->count; i++) {
		if (g[i].n && g[i].n != c->en->n && c->w->in_group(c->w->ctx, c->en->n, g[i].n)) {
			step(c, "group", g[i].text, true);
			return true;
		}
	}
	if (t->count == 0)
		return true;
	step(c, "group", &t->list[0], false);
	const char *why = none_of(c, "group", g, t->count);
	return out(c, why ? why
			  : arena_printf(c->ev.a, "not a member of %s '%s'%s (%s)",
				    t->count > 1 ? "any group," : "group", t->list[0].text,
				    t->count > 1 ? " ..." : "", line_of(c, &t->list[0])));
}

static bool
filters_check(struct scoping *c)
{
	const struct conf_texts *t = &c->r->s->scope.filter;

	for (size_t i = 0; i < t->count; i++) {
		if (filter_match(c->r->filters[i].f, c->w, c->en)) {
			step(c, "filter", &t->list[i], true);
			return true;
		}
	}
	if (t->count == 0)
		return true;
	step(c, "filter", &t->list[0], false);
	return out(c, arena_printf(c->ev.a, "filter %s does not match%s (%s)", t->list[0].text,
			      t->count > 1 ? ", nor do the others" : "", line_of(c, &t->list[0])));
}

static bool
truth(const struct value *v, bool *b_r)
{
	*b_r = false;
	if (v->type == VALUE_NONE)
		return true;
	if (v->type == VALUE_BOOL) {
		*b_r = v->truth;
		return true;
	}
	*b_r = v->count == 1 && str_ieqc(v->texts[0], "true");
	return *b_r || (v->count == 1 && str_ieqc(v->texts[0], "false"));
}

static bool
whens_check(struct scoping *c, bool *pass_r, struct err *e)
{
	const struct conf_texts *t = &c->r->s->scope.when;
	struct value v;

	*pass_r = true;
	for (size_t i = 0; i < t->count; i++) {
		bool ok = expr_eval(c->r->engine, &c->r->whens[i].x, &c->ev, &v, e);
		if (ok && !truth(&v, pass_r))
			ok = err_set(e, ERR_OBJECT, "bad-value", "neither true nor false");
		if (!ok)
			return err_wrap(e, "when '%s' (line %d)", t->list[i].text, t->list[i].line);
		if (*pass_r) {
			step(c, "when", &t->list[i], true);
			return true;
		}
	}
	if (t->count == 0)
		return true;
	step(c, "when", &t->list[0], false);
	out(c, arena_printf(c->ev.a, "when '%s' is not true%s (%s)", t->list[0].text,
		       t->count > 1 ? ", nor are the others" : "", line_of(c, &t->list[0])));
	return true;
}

bool
rules_scope(struct rules *r, const struct world *w, const struct entry *en, struct arena *a,
	struct verdict *v_r, struct err *e)
{
	const struct kind *k = entry_kind(en);
	struct scoping c = { r, w, en, { w, en, k, a, INT64_MAX }, v_r };
	bool pass;

	v_r->in = false;
	v_r->wake = INT64_MAX;
	v_r->step_count = 0;
	v_r->why = "";
	if (!k || !r->kind[k - kinds].enabled) {
		step(&c, "kind", NULL, false);
		out(&c, k ? arena_printf(a, "%s are switched off", k->plural)
			  : "neither a user nor a group");
		return true;
	}
	if (!bases_check(&c) || !groups_check(&c) || !filters_check(&c))
		return true;
	if (!whens_check(&c, &pass, e)) {
		v_r->wake = c.ev.wake;
		return false;
	}
	v_r->wake = c.ev.wake;
	v_r->in = pass;
	if (pass)
		v_r->why = "in scope";
	return true;
}
