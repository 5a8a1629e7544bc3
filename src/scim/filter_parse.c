#include <string.h>
#include "scan.h"
#include "value.h"

static const struct {
	const char *name;
	enum scim_op op;
} operators[] = {
	{ "eq", SCIM_EQ },
	{ "ne", SCIM_NE },
	{ "co", SCIM_CO },
	{ "sw", SCIM_SW },
	{ "ew", SCIM_EW },
	{ "gt", SCIM_GT },
	{ "ge", SCIM_GE },
	{ "lt", SCIM_LT },
	{ "le", SCIM_LE },
	{ "pr", SCIM_PR },
};

/* The JSON string at s->at, with its quotes; left unparsed. */
static bool
quoted_span(struct scan *s, struct str *span_r)
{
	size_t from = s->at++;

	while (s->at < s->text.n && s->text.p[s->at] != '"')
		s->at += s->text.p[s->at] == '\\' ? 2 : 1;
	if (s->at >= s->text.n) {
		s->at = from;
		return false;
	}
	s->at++;
	*span_r = (struct str){ s->text.p + from, s->at - from };
	return true;
}

static bool
no_value(struct scan *s, size_t from)
{
	s->at = from;
	return scan_fail(s, "a value (\"text\", number, true, false, null) is expected");
}

/* 'text', as OData has it: a quote inside is doubled. */
static bool
read_single_quoted(struct scan *s, struct scim_filter *f)
{
	CLEAN_BUF struct buf b = { 0 };
	size_t from = s->at++;

	while (s->at < s->text.n) {
		char c = s->text.p[s->at++];
		if (c == '\'' && !scan_char(s, '\'')) {
			f->type = JSON_STRING;
			f->text = arena_strndup(s->arena, buf_cstr(&b), b.n);
			return true;
		}
		buf_addc(&b, c);
	}
	return no_value(s, from);
}

/* Without quotes: a number, true, false, null; and, because clients send it, one word of text where
 * the attribute holds text - there 123 is text, too. A boolean's misspelt value is an error. */
static bool
read_bare(struct scan *s, const struct scim_attr *leaf, struct scim_filter *f)
{
	size_t from = s->at;
	struct str word = scan_word(s);
	bool text = leaf && (leaf->kind == SCIM_STRING || leaf->kind == SCIM_DATETIME ||
				    leaf->kind == SCIM_REFERENCE);
	CLEAN_JSON struct json *j = NULL;

	if (word.n == 0)
		return no_value(s, from);
	f->truth = str_ieqc(word, "true");
	if (!text && (f->truth || str_ieqc(word, "false"))) {
		f->type = JSON_BOOL;
	} else if (str_ieqc(word, "null")) {
		f->type = JSON_NULL;
	} else if (!text && json_parse(word, 0, &j, NULL) && json_type(j) == JSON_NUMBER) {
		f->type = JSON_NUMBER;
		f->number = json_number(j, 0);
	} else if (text || !leaf) {
		f->type = JSON_STRING;
		f->text = arena_strndup(s->arena, word.p, word.n);
	} else {
		return no_value(s, from);
	}
	return true;
}

/* compValue: a JSON string, number, true, false or null (RFC 7644 figure 1), and what clients send
 * in its place. leaf: the attribute compared; NULL: unknown. */
static bool
read_value(struct scan *s, const struct scim_attr *leaf, struct scim_filter *f)
{
	size_t from = s->at;
	struct str span;
	CLEAN_JSON struct json *j = NULL;
	char first = s->at < s->text.n ? s->text.p[s->at] : 0;

	if (first == '\'')
		return read_single_quoted(s, f);
	if (first != '"')
		return read_bare(s, leaf, f);
	if (!quoted_span(s, &span) || !json_parse(span, 0, &j, NULL))
		return no_value(s, from);
	f->type = json_type(j);
	if (f->type == JSON_STRING)
		f->text = arena_strdup(s->arena, json_string(j));
	return true;
}

static bool
is_order(enum scim_op op)
{
	return op == SCIM_GT || op == SCIM_GE || op == SCIM_LT || op == SCIM_LE;
}

/* Refuses what cannot be compared, and prepares the value for the attribute's type. */
static bool
check_value(struct scan *s, size_t from, struct scim_filter *f)
{
	const struct scim_attr *leaf = f->path.sub ? f->path.sub : f->path.attr;
	bool sub_string = f->op == SCIM_CO || f->op == SCIM_SW || f->op == SCIM_EW;
	const char *why = NULL;

	if (leaf && leaf->kind == SCIM_BOOLEAN && f->type == JSON_STRING &&
		(ascii_ieq(f->text, "true") || ascii_ieq(f->text, "false"))) {
		f->type = JSON_BOOL;
		f->truth = ascii_ieq(f->text, "true");
	}
	if (leaf && leaf->kind == SCIM_COMPLEX)
		why = "a complex attribute can only be compared by its sub-attributes";
	else if (sub_string && f->type != JSON_STRING)
		why = "co, sw and ew need a text in quotes";
	else if (is_order(f->op) && (f->type == JSON_BOOL || f->type == JSON_NULL))
		why = "gt, ge, lt and le need a text or a number";
	else if (is_order(f->op) && leaf &&
		 (leaf->kind == SCIM_BOOLEAN || leaf->kind == SCIM_BINARY))
		why = "gt, ge, lt and le do not apply to this attribute";
	else if (is_order(f->op) && leaf && leaf->kind == SCIM_DATETIME &&
		 (f->type != JSON_STRING || !value_time(f->text, NULL)))
		why = "a date and time such as \"2026-11-21T17:00:00Z\" is expected";
	if (why) {
		s->at = from;
		return scan_fail(s, why);
	}
	if (f->type == JSON_STRING)
		f->folded =
			leaf && leaf->case_exact ? str_c(f->text) : value_fold(s->arena, f->text);
	return true;
}

/* attrPath SP compareOp SP value, attrPath SP "pr", valuePath */
static bool
read_term(struct scan *s, struct scim_filter *f)
{
	size_t from;
	struct str word;

	if (++s->terms > SCIM_FILTER_TERMS)
		return scan_fail(s, "too many terms");
	if (!scan_path(s, false, &f->path))
		return false;
	if (s->at < s->text.n && s->text.p[s->at] == '[') {
		f->op = SCIM_HAS;
		if (!scan_brackets(s, &f->path))
			return false;
		f->child = f->path.filter;
		return true;
	}
	scan_spaces(s);
	from = s->at;
	word = scan_word(s);
	f->op = SCIM_AND;
	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		if (str_ieqc(word, operators[i].name))
			f->op = operators[i].op;
	}
	if (f->op == SCIM_AND) {
		s->at = from;
		return scan_fail(s, "an operator (eq ne co sw ew gt ge lt le pr) is expected");
	}
	if (f->op == SCIM_PR)
		return true;
	/* A list without sub-attribute means its `value` (RFC 7643 2.4). */
	if (f->path.attr && f->path.attr->kind == SCIM_COMPLEX && !f->path.sub &&
		f->path.attr->multi)
		f->path.sub = scim_sub_find(f->path.attr, STR("value"));
	scan_spaces(s);
	from = s->at;
	return read_value(s, f->path.sub ? f->path.sub : f->path.attr, f) &&
	       check_value(s, from, f);
}

/* Takes the word if it is next and stands alone. */
static bool
take_keyword(struct scan *s, const char *keyword)
{
	size_t from = s->at;

	scan_spaces(s);
	if (str_ieqc(scan_word(s), keyword))
		return true;
	s->at = from;
	return false;
}

static bool
read_group(struct scan *s, const struct scim_filter **f_r)
{
	if (++s->depth > SCIM_FILTER_DEPTH)
		return scan_fail(s, "too many levels");
	if (!scan_filter(s, f_r))
		return false;
	s->depth--;
	scan_spaces(s);
	if (!scan_char(s, ')'))
		return scan_fail(s, "\")\" is expected");
	return true;
}

static bool
read_factor(struct scan *s, const struct scim_filter **f_r)
{
	struct scim_filter *f = arena_alloc(s->arena, sizeof(*f));
	size_t from;

	scan_spaces(s);
	if (scan_char(s, '('))
		return read_group(s, f_r);
	from = s->at;
	if (take_keyword(s, "not")) {
		scan_spaces(s);
		if (scan_char(s, '(')) {
			f->op = SCIM_NOT;
			*f_r = f;
			return read_group(s, &f->child);
		}
		s->at = from;
	}
	*f_r = f;
	return read_term(s, f);
}

/* A list of operands joined by one keyword; a single operand is itself. */
static bool
read_list(struct scan *s, enum scim_op op, const char *keyword,
	bool (*operand)(struct scan *, const struct scim_filter **), const struct scim_filter **f_r)
{
	struct scim_filter *list = NULL, *last;
	const struct scim_filter *one = NULL;

	if (!operand(s, &one) || !one)
		return false;
	*f_r = one;
	while (take_keyword(s, keyword)) {
		/* siblings are linked through copies: an operand may itself be a list's head */
		if (!list) {
			list = arena_alloc(s->arena, sizeof(*list));
			list->op = op;
			last = arena_alloc(s->arena, sizeof(*last));
			*last = *one;
			list->child = last;
			*f_r = list;
		}
		if (!operand(s, &one) || !one)
			return false;
		struct scim_filter *copy = arena_alloc(s->arena, sizeof(*copy));
		*copy = *one;
		last->next = copy;
		last = copy;
	}
	return true;
}

static bool
read_and(struct scan *s, const struct scim_filter **f_r)
{
	return read_list(s, SCIM_AND, "and", read_factor, f_r);
}

bool
scan_filter(struct scan *s, const struct scim_filter **f_r)
{
	bool ok = read_list(s, SCIM_OR, "or", read_and, f_r);

	scan_spaces(s);
	return ok;
}

static bool
parse_all(struct scan *s, const struct scim_filter **f_r)
{
	s->code = "invalidFilter";
	if (s->text.n > SCIM_FILTER_BYTES)
		return err_set(s->e, ERR_OBJECT, s->code, "the filter is longer than %d bytes",
			SCIM_FILTER_BYTES);
	if (!utf8_valid(s->text.p, s->text.n) || memchr(s->text.p ? s->text.p : "", 0, s->text.n))
		return err_set(s->e, ERR_OBJECT, s->code, "the filter is not valid UTF-8 text");
	if (!scan_filter(s, f_r))
		return false;
	if (s->at < s->text.n)
		return scan_fail(s, "\"and\", \"or\" or the end is expected");
	return true;
}

bool
scim_filter_parse(const struct scim_type *type, struct str text, struct arena *a,
	const struct scim_filter **f_r, struct err *e)
{
	struct scan s = { .type = type, .text = text, .arena = a, .e = e };

	return parse_all(&s, f_r);
}

bool
scim_filter_parse_sub(const struct scim_attr *attr, struct str text, struct arena *a,
	const struct scim_filter **f_r, struct err *e)
{
	struct scan s = { .in = attr, .element = true, .text = text, .arena = a, .e = e };

	return parse_all(&s, f_r);
}

bool
scim_filter_any(const struct scim_filter *f, bool (*want)(const struct scim_attr *attr))
{
	if (f->op >= SCIM_HAS && f->path.attr && want(f->path.attr))
		return true;
	if (f->op == SCIM_HAS)
		return false;
	for (const struct scim_filter *c = f->child; c; c = c->next) {
		if (scim_filter_any(c, want))
			return true;
	}
	return false;
}
