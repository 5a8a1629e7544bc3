#include <string.h>
#include "scan.h"

bool
scan_fail(struct scan *s, const char *what)
{
	CLEAN_BUF struct buf near = { 0 };
	struct str rest = { s->text.p + s->at, s->text.n - s->at };

	text_escape(rest.p, rest.n, 40, &near);
	return err_set(s->e, ERR_OBJECT, s->code, "%s at byte %zu near \"%s\"", what, s->at + 1,
		buf_cstr(&near));
}

void
scan_spaces(struct scan *s)
{
	while (s->at < s->text.n && (s->text.p[s->at] == ' ' || s->text.p[s->at] == '\t'))
		s->at++;
}

bool
scan_char(struct scan *s, char c)
{
	if (s->at >= s->text.n || s->text.p[s->at] != c)
		return false;
	s->at++;
	return true;
}

struct str
scan_word(struct scan *s)
{
	size_t from = s->at;

	while (s->at < s->text.n && s->text.p[s->at] && !strchr(" \t()[]\"", s->text.p[s->at]))
		s->at++;
	return (struct str){ s->text.p + from, s->at - from };
}

/* attrName = ALPHA *(nameChar); nameChar = "-" / "_" / DIGIT / ALPHA; and $ref. */
static bool
name_valid(struct str n)
{
	for (size_t i = 0; i < n.n; i++) {
		char c = n.p[i];
		bool alpha =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c == '$' && i == 0);
		if (!alpha && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '_')))
			return false;
	}
	return n.n > 0;
}

/* The last c in s, or NULL. */
static const char *
str_last(struct str s, char c)
{
	return s.n ? memrchr(s.p, c, s.n) : NULL;
}

/* Inside [ ]: a sub-attribute; `value` of a plain list is the element itself. */
static void
resolve_element(const struct scan *s, struct str name, struct scim_path *p)
{
	if (!s->in)
		return;
	p->attr = scim_sub_find(s->in, name);
	if (!p->attr && s->in->kind != SCIM_COMPLEX && str_ieqc(name, "value"))
		p->attr = s->in;
}

static void
resolve(const struct scan *s, struct str urn, struct str name, struct str sub, struct scim_path *p)
{
	if (urn.n) {
		p->schema = scim_schema_find(s->type, urn);
	} else {
		p->schema = s->type->core;
	}
	if (p->schema)
		p->attr = scim_attr_find(p->schema->attrs, p->schema->n_attrs, name);
	if (!p->attr && p->schema == s->type->core) {
		p->attr = scim_attr_find(scim_common.attrs, scim_common.n_attrs, name);
		if (p->attr)
			p->schema = &scim_common;
	}
	if (p->attr && sub.n) {
		p->sub = scim_sub_find(p->attr, sub);
		if (!p->sub)
			p->attr = NULL;
	}
	if (!p->attr)
		p->schema = NULL;
}

bool
scan_path(struct scan *s, bool schema_alone, struct scim_path *p_r)
{
	size_t from = s->at;
	struct str word = scan_word(s), urn = { 0 }, name = word, sub = { 0 };
	const char *colon, *dot;

	*p_r = (struct scim_path){ .text = word };
	if (schema_alone && str_last(word, ':')) {
		p_r->schema = scim_schema_find(s->type, word);
		if (p_r->schema)
			return true;
	}
	colon = str_last(word, ':');
	if (colon) {
		urn = (struct str){ word.p, (size_t)(colon - word.p) };
		name = (struct str){ colon + 1, word.n - urn.n - 1 };
	}
	dot = name.n ? memchr(name.p, '.', name.n) : NULL;
	if (dot) {
		sub = (struct str){ dot + 1, name.n - (size_t)(dot - name.p) - 1 };
		name.n = (size_t)(dot - name.p);
	}
	if (!name_valid(name) || (dot && !name_valid(sub)) ||
		(colon && (s->element || urn.n < 4 ||
				  !str_ieq((struct str){ urn.p, 4 }, STR("urn:")))) ||
		(s->element && dot)) {
		s->at = from;
		return scan_fail(s, "an attribute name is expected");
	}
	if (s->element) {
		resolve_element(s, name, p_r);
	} else {
		resolve(s, urn, name, sub, p_r);
	}
	return true;
}

bool
scan_brackets(struct scan *s, struct scim_path *p)
{
	struct scan in = *s;

	if (s->element || p->sub || (p->schema && !p->attr))
		return scan_fail(s, "a filter in brackets is not possible here");
	in.element = true;
	in.in = p->attr;
	in.at++;
	if (++in.depth > SCIM_FILTER_DEPTH)
		return scan_fail(s, "too many levels");
	if (!scan_filter(&in, &p->filter))
		return false;
	s->at = in.at;
	s->terms = in.terms;
	if (!scan_char(s, ']'))
		return scan_fail(s, "\"]\" is expected");
	return true;
}

bool
scim_path_parse(const struct scim_type *type, struct str text, struct arena *a,
	struct scim_path *p_r, struct err *e)
{
	struct scan s = {
		.type = type, .text = str_trim(text), .arena = a, .code = "invalidPath", .e = e
	};
	struct str sub;

	if (text.n > SCIM_FILTER_BYTES)
		return err_set(e, ERR_OBJECT, s.code, "the path is longer than %d bytes",
			SCIM_FILTER_BYTES);
	if (!scan_path(&s, true, p_r))
		return false;
	if (s.at < s.text.n && s.text.p[s.at] == '[') {
		if (!scan_brackets(&s, p_r))
			return false;
		if (scan_char(&s, '.')) {
			sub = scan_word(&s);
			if (!name_valid(sub))
				return scan_fail(&s, "a sub-attribute is expected");
			p_r->sub = p_r->attr ? scim_sub_find(p_r->attr, sub) : NULL;
			if (!p_r->sub)
				p_r->attr = NULL;
		}
	}
	if (s.at < s.text.n)
		return scan_fail(&s, "the path should end");
	p_r->text = s.text;
	return true;
}
