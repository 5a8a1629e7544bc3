/* RFC 4515, section 3; white space between components is taken as well, for filters over several lines. */
#include <inttypes.h>
#include <string.h>
#include "filter_p.h"
#include "model/dn.h"
#include "names.h"

struct parser {
	const char *text, *p, *end;
	struct arena *a;
	struct err *e;
};

static const struct {
	const char *oid, *name;
	enum filter_rule rule;
} rule_table[] = {
	{ "1.2.840.113556.1.4.803", "LDAP_MATCHING_RULE_BIT_AND", R_BIT_AND },
	{ "1.2.840.113556.1.4.804", "LDAP_MATCHING_RULE_BIT_OR", R_BIT_OR },
	{ "1.2.840.113556.1.4.1941", "LDAP_MATCHING_RULE_IN_CHAIN", R_CHAIN },
	{ "2.5.13.0", "objectIdentifierMatch", R_IGNORE },
	{ "2.5.13.1", "distinguishedNameMatch", R_DN },
	{ "2.5.13.2", "caseIgnoreMatch", R_IGNORE },
	{ "2.5.13.5", "caseExactMatch", R_EXACT },
	{ "2.5.13.8", "numericStringMatch", R_IGNORE },
	{ "2.5.13.13", "booleanMatch", R_IGNORE },
	{ "2.5.13.14", "integerMatch", R_INTEGER },
	{ "2.5.13.17", "octetStringMatch", R_EXACT },
	{ "1.3.6.1.4.1.1466.109.114.1", "caseExactIA5Match", R_EXACT },
	{ "1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5Match", R_IGNORE },
};

static bool
bad(struct parser *x, const char *what)
{
	CLEAN_BUF struct buf near = { 0 };

	text_escape(x->p, (size_t)(x->end - x->p), 30, &near);
	return err_set(x->e, ERR_CONFIG, "bad-filter", "filter, column %zu: %s%s%s%s",
		(size_t)(x->p - x->text) + 1, what, x->p < x->end ? ", near '" : "",
		buf_cstr(&near), x->p < x->end ? "'" : "");
}

static void
space(struct parser *x)
{
	while (x->p < x->end && strchr(" \t\r\n", *x->p))
		x->p++;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct str
filter_normal(struct str s, bool part, struct arena *a)
{
	CLEAN_BUF struct buf f = { 0 };

	if (!utf8_valid(s.p, s.n))
		return (struct str){ arena_strndup(a, s.p, s.n), s.n };
	utf8_fold(s.p, s.n, &f);
	char *out = arena_alloc(a, f.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < f.n; i++)
		if (f.p[i] != ' ' || ((n == 0 || out[n - 1] != ' ') && (part || n > 0)))
			out[n++] = f.p[i];
	if (!part && n > 0 && out[n - 1] == ' ')
		n--;
	return (struct str){ out, n };
}

/* One piece of a value, up to `)` or `*`. */
static bool
piece(struct parser *x, struct buf *out)
{
	while (x->p < x->end && *x->p != ')' && *x->p != '*') {
		if (*x->p == '(')
			return bad(x, "'(' in a value is written \\28");
		if (*x->p != '\\') {
			buf_addc(out, *x->p++);
			continue;
		}
		int h = x->p + 2 < x->end ? hex(x->p[1]) : -1, l = h < 0 ? -1 : hex(x->p[2]);
		if (l < 0)
			return bad(x, "a backslash is followed by two hexadecimal digits (write "
				      "\\5c for itself)");
		buf_addc(out, (char)(h * 16 + l));
		x->p += 3;
	}
	return x->p < x->end || bad(x, "')' is missing");
}

static struct str
keep(struct parser *x, const struct buf *b)
{
	return (struct str){ arena_strndup(x->a, buf_cstr(b), b->n), b->n };
}

/* What a value may be besides text: the name of an entry. */
static void
value_set(struct parser *x, struct filter *f, struct str v)
{
	struct dn dn;

	f->value = v;
	if (!memchr(v.p, '=', v.n) || memchr(v.p, 0, v.n) || v.n > DN_LENGTH_MAX)
		return;
	if (dn_parse(v.p, x->a, &dn, NULL) && dn.count > 0)
		f->dn_key = dn_key(&dn, x->a);
}

static bool
value_parse(struct parser *x, struct filter *f)
{
	CLEAN_BUF struct buf b = { 0 };
	size_t cap = 2;

	for (const char *q = x->p; q < x->end && *q != ')'; q++)
		cap += *q == '*';
	f->subs = arena_alloc(x->a, cap * sizeof *f->subs);
	for (;;) {
		buf_reset(&b);
		if (!piece(x, &b))
			return false;
		f->subs[f->sub_count++] = keep(x, &b);
		if (*x->p == ')')
			break;
		x->p++;
	}
	if (f->sub_count == 1) {
		value_set(x, f, f->subs[0]);
		return true;
	}
	if (f->type != F_EQ)
		return bad(x, "'*' in a value is written \\2a");
	if (f->sub_count == 2 && !f->subs[0].n && !f->subs[1].n) {
		f->type = F_PRESENT;
		return true;
	}
	f->type = F_SUB;
	for (size_t i = 0; i < f->sub_count; i++)
		f->subs[i] = filter_normal(f->subs[i], true, x->a);
	return true;
}

static struct str
word(struct parser *x)
{
	const char *p = x->p;

	while (x->p < x->end &&
		strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.;_", *x->p))
		x->p++;
	return (struct str){ p, (size_t)(x->p - p) };
}

static bool
rule_find(struct parser *x, struct filter *f, struct str r)
{
	for (size_t i = 0; i < sizeof(rule_table) / sizeof(*rule_table); i++) {
		if (str_eqc(r, rule_table[i].oid) || str_ieqc(r, rule_table[i].name)) {
			f->rule = rule_table[i].rule;
			return true;
		}
	}
	x->p = r.p;
	return bad(x, "a matching rule that is not known (803, 804 and 1941 of AD are, in full)");
}

/* attr [":dn"] [":" rule] ":=" value; behind attr. */
static bool
extensible(struct parser *x, struct filter *f)
{
	f->type = F_EXT;
	while (x->p < x->end && *x->p == ':' && x->p[1] != '=') {
		x->p++;
		struct str w = word(x);
		if (str_ieqc(w, "dn") && !f->dn_too && f->rule == R_DEFAULT)
			f->dn_too = true;
		else if (w.n == 0 || f->rule != R_DEFAULT)
			return bad(x, "a matching rule is expected here");
		else if (!rule_find(x, f, w))
			return false;
	}
	if (x->p + 1 >= x->end || x->p[0] != ':' || x->p[1] != '=')
		return bad(x, "':=' is expected here");
	x->p += 2;
	if (!f->attr && f->rule == R_DEFAULT)
		return bad(x, "an attribute or a matching rule is missing");
	if (!f->attr && f->rule == R_CHAIN)
		return bad(x, "rule 1941 needs an attribute");
	return true;
}

static bool
check_value(struct parser *x, const struct filter *f)
{
	bool number = f->rule == R_BIT_AND || f->rule == R_BIT_OR || f->rule == R_INTEGER;
	int64_t n;

	if (number && !expr_number_parse(f->value, &n))
		return bad(x, "this rule compares with a whole number");
	if ((f->rule == R_CHAIN || f->rule == R_DN) && !f->dn_key)
		return bad(x, "this rule compares with a DN");
	return true;
}

static bool
item(struct parser *x, struct filter *f)
{
	static const struct {
		const char *name;
		enum filter_special special;
	} specials[] = { { "memberOf", S_MEMBEROF }, { "distinguishedName", S_DN },
		{ "entryDN", S_DN }, { "objectCategory", S_CATEGORY } };
	struct str name = word(x);

	if (name.n)
		f->attr = arena_strndup(x->a, name.p, name.n);
	for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++)
		if (str_ieqc(name, specials[i].name))
			f->special = specials[i].special;
	space(x);
	f->type = F_EQ;
	if (x->p >= x->end)
		return bad(x, "'=' is missing");
	if (*x->p == ':') {
		if (!extensible(x, f))
			return false;
	} else {
		if (!name.n)
			return bad(x, "the name of an attribute is expected here");
		if (*x->p == '>' || *x->p == '<' || *x->p == '~') {
			f->type = *x->p == '>' ? F_GE : *x->p == '<' ? F_LE : F_EQ;
			x->p++;
		}
		if (x->p >= x->end || *x->p != '=')
			return bad(x, "'=' is expected here");
		bool approx = x->p[-1] == '~';
		x->p++;
		if (approx && memchr(x->p, '*', (size_t)(x->end - x->p)) == x->p)
			return bad(x, "'*' in a value is written \\2a");
	}
	return value_parse(x, f) && check_value(x, f);
}

static bool node(struct parser *x, int depth, struct filter **f_r);

static bool
parts(struct parser *x, int depth, struct filter *f)
{
	size_t cap = 0;

	for (space(x); x->p < x->end && *x->p == '('; space(x)) {
		if (f->part_count == cap) {
			struct filter **more = arena_alloc(
				x->a, (cap = cap ? cap * 2 : 4) * sizeof(struct filter *));
			if (f->part_count)
				memcpy(more, f->parts, f->part_count * sizeof(struct filter *));
			f->parts = more;
		}
		if (!node(x, depth + 1, &f->parts[f->part_count++]))
			return false;
	}
	if (f->type == F_NOT && f->part_count != 1)
		return bad(x, "'!' takes one filter in parentheses");
	return true;
}

static bool
node(struct parser *x, int depth, struct filter **f_r)
{
	struct filter *f = arena_alloc(x->a, sizeof *f);

	*f_r = f;
	space(x);
	if (x->p >= x->end || *x->p != '(')
		return bad(x, "a filter begins with '(', such as (mail=*)");
	if (depth > FILTER_DEPTH_MAX)
		return bad(x, "the filter is nested too deeply");
	x->p++;
	space(x);
	char c = x->p < x->end ? *x->p : 0;
	if (c == '&' || c == '|' || c == '!') {
		f->type = c == '&' ? F_AND : c == '|' ? F_OR : F_NOT;
		x->p++;
		if (!parts(x, depth, f))
			return false;
	} else if (!item(x, f)) {
		return false;
	}
	if (x->p >= x->end || *x->p != ')')
		return bad(x, "')' is missing");
	x->p++;
	return true;
}

bool
filter_parse(const char *text, struct arena *a, struct filter **f_r, struct err *e)
{
	size_t n = strlen(text);
	struct parser x = { text, text, text + n, a, e };

	if (n > FILTER_LENGTH_MAX)
		return err_set(e, ERR_CONFIG, "bad-filter", "filter: longer than %d bytes",
			FILTER_LENGTH_MAX);
	if (!utf8_valid(text, n))
		return err_set(e, ERR_CONFIG, "bad-filter", "filter: not UTF-8");
	if (!node(&x, 1, f_r))
		return false;
	space(&x);
	return x.p == x.end || bad(&x, "the filter has ended before this");
}

void
filter_attributes(const struct filter *f, struct names *names)
{
	for (size_t i = 0; i < f->part_count; i++)
		filter_attributes(f->parts[i], names);
	if (!f->attr)
		return;
	if (f->special == S_MEMBEROF) {
		names_add(names, "member");
		names_add(names, "primaryGroupID");
	} else if (f->special != S_DN) {
		names_add(names, f->attr);
	}
}

bool
filter_uses_memberof(const struct filter *f)
{
	for (size_t i = 0; i < f->part_count; i++)
		if (filter_uses_memberof(f->parts[i]))
			return true;
	return f->special == S_MEMBEROF || f->rule == R_CHAIN;
}

void
filter_links(const struct filter *f, void (*note)(void *ctx, const char *attribute, bool chain),
	void *ctx)
{
	for (size_t i = 0; i < f->part_count; i++)
		filter_links(f->parts[i], note, ctx);
	if (f->attr && (f->special == S_NONE || f->special == S_CATEGORY) && (f->link || !f->bound))
		note(ctx, f->attr, f->rule == R_CHAIN);
}

void
filter_named(const struct filter *f, struct buf *out)
{
	for (size_t i = 0; i < f->part_count; i++)
		filter_named(f->parts[i], out);
	if (f->dn_key)
		buf_addf(out, " %" PRId64, f->n);
}

bool
filter_bind(struct filter *f, const struct rules_schema *schema, bool lenient, struct err *e)
{
	bool multi;

	for (size_t i = 0; i < f->part_count; i++)
		if (!filter_bind(f->parts[i], schema, lenient, e))
			return false;
	if (!f->attr || f->special == S_MEMBEROF || f->special == S_DN || !schema)
		return true;
	f->bound = schema->lookup(schema->ctx, f->attr, &multi, &f->link, &f->bytes);
	if (f->bound || lenient)
		return true;
	const char *near = names_nearest(f->attr, false);
	return err_set(e, ERR_CONFIG, "bad-filter",
		"filter: the source has no attribute '%s'%s%s%s", f->attr,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
