/* Evaluation of filters, three-valued (RFC 4511, 4.5.1.7): what cannot be compared is undefined. */
#include <string.h>
#include "filter_p.h"
#include "model/dn.h"
#include "names.h"

enum tri { NO, YES, UNDEFINED };

#define CHAIN_MAX 1000 /* entries along a chain of links other than membership */

struct match {
	const struct world *w;
	const struct entry *en;
	struct arena *a; /* made when first needed: most filters need none */
};

static struct arena *
arena_of(struct match *m)
{
	if (!m->a)
		m->a = arena_new();
	return m->a;
}

static bool
plain(struct str s)
{
	if (s.n == 0 || s.p[0] == ' ' || s.p[s.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80 || (s.p[i] == ' ' && s.p[i + 1] == ' '))
			return false;
	return true;
}

static bool
same_text(struct match *m, const struct filter *f, struct str v)
{
	if (f->bytes || f->rule == R_EXACT)
		return str_eq(v, f->value);
	if (str_ieq(v, f->value))
		return true;
	if (plain(v) && plain(f->value))
		return false;
	return str_eq(
		filter_normal(v, false, arena_of(m)), filter_normal(f->value, false, arena_of(m)));
}

static bool
same_dn(struct match *m, const char *key, struct str v)
{
	struct dn dn;

	if (!memchr(v.p, '=', v.n) || memchr(v.p, 0, v.n))
		return false;
	char *text = arena_strndup(arena_of(m), v.p, v.n);
	return dn_parse(text, m->a, &dn, NULL) && strcmp(dn_key(&dn, m->a), key) == 0;
}

static bool
links_have(struct match *m, const char *attr, int64_t n)
{
	int64_t *ns;
	size_t count = n ? m->w->links(m->w->ctx, m->en->n, attr, false, arena_of(m), &ns) : 0;

	for (size_t i = 0; i < count; i++)
		if (ns[i] == n)
			return true;
	return false;
}

static bool
links_any(struct match *m, const char *attr)
{
	int64_t *ns;

	return m->w->links(m->w->ctx, m->en->n, attr, false, arena_of(m), &ns) > 0;
}

/* "Organizational-Unit" and "organizationalUnit" are the same; users are of category Person. */
static bool
same_category(struct str rdn, struct str word)
{
	static const char *const people[] = { "user", "contact", "inetOrgPerson",
		"organizationalPerson" };
	size_t i = 0, j = 0;

	for (size_t k = 0; k < ARRAY_LEN(people); k++)
		if (str_ieqc(word, people[k]))
			word = STR("person");
	for (;; i++, j++) {
		while (i < rdn.n && rdn.p[i] == '-')
			i++;
		while (j < word.n && word.p[j] == '-')
			j++;
		if (i == rdn.n || j == word.n)
			return i == rdn.n && j == word.n;
		if (!str_ieq((struct str){ rdn.p + i, 1 }, (struct str){ word.p + j, 1 }))
			return false;
	}
}

static bool
category_is(const struct filter *f, struct str v)
{
	const char *eq = memchr(v.p, '=', v.n);

	if (!eq)
		return same_category(v, f->value);
	struct str rdn = { eq + 1, (size_t)(v.p + v.n - eq - 1) };
	const char *comma = memchr(rdn.p, ',', rdn.n);
	if (comma)
		rdn.n = (size_t)(comma - rdn.p);
	return same_category(rdn, f->value);
}

static enum tri
category(struct match *m, const struct filter *f, const struct attr *at)
{
	int64_t *ns;

	for (size_t i = 0; at && i < at->count; i++)
		if (category_is(f, at->values[i]))
			return YES;
	size_t n = at ? 0 : m->w->links(m->w->ctx, m->en->n, f->attr, false, arena_of(m), &ns);
	for (size_t i = 0; i < n; i++)
		if (category_is(f, str_c(m->w->dn(m->w->ctx, ns[i], m->a))))
			return YES;
	return NO;
}

static enum tri
equal(struct match *m, const struct filter *f)
{
	const struct attr *at = f->attr ? attrs_get(&m->en->attrs, f->attr) : NULL;

	if (f->special == S_DN)
		return f->n && f->n == m->en->n ? YES : NO;
	if (f->special == S_MEMBEROF)
		return links_have(m, "memberOf", f->n) ? YES : NO;
	if (f->special == S_CATEGORY && !f->dn_key)
		return category(m, f, at);
	for (size_t i = 0; at && i < at->count; i++)
		if (same_text(m, f, at->values[i]) ||
			(f->dn_key && !f->bytes && same_dn(m, f->dn_key, at->values[i])))
			return YES;
	if (at || !f->attr || (f->bound && !f->link))
		return NO;
	return links_have(m, f->attr, f->n) ? YES : NO;
}

static enum tri
present(struct match *m, const struct filter *f)
{
	if (f->special == S_DN || attrs_get(&m->en->attrs, f->attr))
		return YES;
	if (f->special == S_MEMBEROF)
		return links_any(m, "memberOf") ? YES : NO;
	if (f->bound && !f->link)
		return NO;
	return links_any(m, f->attr) ? YES : NO;
}

static const char *
find(const char *p, size_t n, struct str what)
{
	return what.n ? memmem(p, n, what.p, what.n) : p;
}

static bool
substrings(const struct filter *f, struct str v)
{
	struct str first = f->subs[0], last = f->subs[f->sub_count - 1];

	if (v.n < first.n + last.n || memcmp(v.p, first.p, first.n) != 0 ||
		memcmp(v.p + v.n - last.n, last.p, last.n) != 0)
		return false;
	const char *p = v.p + first.n, *end = v.p + v.n - last.n;
	for (size_t i = 1; i + 1 < f->sub_count; i++) {
		p = find(p, (size_t)(end - p), f->subs[i]);
		if (!p)
			return false;
		p += f->subs[i].n;
	}
	return true;
}

static bool
ordered(struct match *m, const struct filter *f, struct str v)
{
	int64_t a, b;
	int cmp;

	if (expr_number_parse(v, &a) && expr_number_parse(f->value, &b))
		cmp = a < b ? -1 : a > b;
	else
		cmp = str_cmp(filter_normal(v, false, arena_of(m)),
			filter_normal(f->value, false, arena_of(m)));
	return f->type == F_GE ? cmp >= 0 : cmp <= 0;
}

/* 1941: from this entry along the attribute's links to the one named. */
static bool
chain(struct match *m, const struct filter *f)
{
	struct arena *a = arena_of(m);
	int64_t *seen, *ns;
	size_t count = 1;

	if (!f->n)
		return false;
	if (f->special == S_MEMBEROF)
		return m->w->in_group(m->w->ctx, m->en->n, f->n);
	if (ascii_ieq(f->attr, "member"))
		return m->w->in_group(m->w->ctx, f->n, m->en->n);
	seen = arena_alloc(a, CHAIN_MAX * sizeof *seen);
	seen[0] = m->en->n;
	for (size_t i = 0; i < count; i++) {
		size_t k = m->w->links(m->w->ctx, seen[i], f->attr, false, a, &ns);
		for (size_t j = 0; j < k; j++) {
			bool known = false;
			if (ns[j] == f->n)
				return true;
			for (size_t s = 0; s < count && !known; s++)
				known = seen[s] == ns[j];
			if (!known && count < CHAIN_MAX)
				seen[count++] = ns[j];
		}
	}
	return false;
}

/* One value against the rule of an extensible match. */
static bool
ext_value(struct match *m, const struct filter *f, struct str v)
{
	int64_t a, b;

	switch (f->rule) {
	case R_BIT_AND:
	case R_BIT_OR:
	case R_INTEGER:
		if (!expr_number_parse(v, &a) || !expr_number_parse(f->value, &b))
			return false;
		return f->rule == R_INTEGER   ? a == b
		       : f->rule == R_BIT_AND ? (a & b) == b
					      : (a & b) != 0;
	case R_DN:
		return same_dn(m, f->dn_key, v);
	case R_DEFAULT:
	case R_EXACT:
	case R_IGNORE:
	case R_CHAIN:
		break;
	}
	return same_text(m, f, v);
}

/* :dn - the attributes of the entry's own DN count too. */
static bool
ext_dn(struct match *m, const struct filter *f)
{
	char *text = m->w->dn(m->w->ctx, m->en->n, arena_of(m));
	struct dn dn;

	if (!text || !dn_parse(text, m->a, &dn, NULL))
		return false;
	for (size_t i = 0; i < dn.count; i++) {
		const char *eq = strchr(dn.rdn[i], '=');
		if (!eq)
			continue;
		struct str type = { dn.rdn[i], (size_t)(eq - dn.rdn[i]) };
		if ((!f->attr || str_ieqc(type, f->attr)) && ext_value(m, f, str_c(eq + 1)))
			return true;
	}
	return false;
}

static enum tri
extensible(struct match *m, const struct filter *f)
{
	if (f->rule == R_CHAIN)
		return chain(m, f) ? YES : NO;
	if (f->dn_too && ext_dn(m, f))
		return YES;
	if (f->attr && (f->rule == R_DEFAULT || f->rule == R_DN) && equal(m, f) == YES)
		return YES;
	for (size_t i = 0; i < m->en->attrs.count; i++) {
		const struct attr *at = &m->en->attrs.list[i];
		if (f->attr && !ascii_ieq(at->name, f->attr))
			continue;
		for (size_t j = 0; j < at->count; j++)
			if (ext_value(m, f, at->values[j]))
				return YES;
	}
	return NO;
}

static enum tri
values(struct match *m, const struct filter *f)
{
	const struct attr *at = attrs_get(&m->en->attrs, f->attr);

	/* DNs and bytes have neither an order nor parts that could be compared. */
	if (f->special == S_MEMBEROF || f->special == S_DN || f->link || f->bytes)
		return UNDEFINED;
	for (size_t i = 0; at && i < at->count; i++) {
		struct str v = at->values[i];
		if (f->type == F_SUB ? substrings(f, filter_normal(v, true, arena_of(m)))
				     : ordered(m, f, v))
			return YES;
	}
	return NO;
}

static enum tri
eval(struct match *m, const struct filter *f)
{
	enum tri all = f->type == F_OR ? NO : YES, r;

	switch (f->type) {
	case F_NOT:
		r = eval(m, f->parts[0]);
		return r == UNDEFINED ? UNDEFINED : r == YES ? NO : YES;
	case F_AND:
	case F_OR:
		for (size_t i = 0; i < f->part_count; i++) {
			r = eval(m, f->parts[i]);
			if (r == (f->type == F_AND ? NO : YES))
				return r;
			if (r == UNDEFINED)
				all = UNDEFINED;
		}
		return all;
	case F_EQ:
		return equal(m, f);
	case F_PRESENT:
		return present(m, f);
	case F_EXT:
		return extensible(m, f);
	case F_SUB:
	case F_GE:
	case F_LE:
		break;
	}
	return values(m, f);
}

bool
filter_match(const struct filter *f, const struct world *w, const struct entry *en)
{
	struct match m = { .w = w, .en = en };
	enum tri r = eval(&m, f);

	arena_free(m.a);
	return r == YES;
}

void
filter_resolve(struct filter *f, const struct world *w)
{
	for (size_t i = 0; i < f->part_count; i++)
		filter_resolve(f->parts[i], w);
	if (f->dn_key)
		f->n = w->find_dn(w->ctx, f->value.p);
}
