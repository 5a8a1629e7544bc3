#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "value.h"

bool
value_time(const char *s, struct value_time *t_r)
{
	const char *dot = strchr(s, '.');
	char plain[64];
	struct value_time t = { .fraction = "000000000" };
	size_t digits = 0;

	if (strlen(s) >= sizeof(plain))
		return false;
	if (dot) {
		digits = strspn(dot + 1, "0123456789");
		if (digits == 0)
			return false;
		memcpy(t.fraction, dot + 1, digits < 9 ? digits : 9);
		snprintf(plain, sizeof(plain), "%.*s%s", (int)(dot - s), s, dot + 1 + digits);
	} else {
		snprintf(plain, sizeof(plain), "%s", s);
	}
	if (!time_parse_rfc3339(plain, &t.seconds))
		return false;
	if (t_r)
		*t_r = t;
	return true;
}

struct str
value_fold(struct arena *a, const char *s)
{
	CLEAN_BUF struct buf b = { 0 };

	utf8_fold(s, strlen(s), &b);
	return (struct str){ arena_strndup(a, buf_cstr(&b), b.n), b.n };
}

bool
value_text_equal(const char *a, const char *b, bool case_exact)
{
	CLEAN_BUF struct buf x = { 0 }, y = { 0 };

	if (strcmp(a, b) == 0)
		return true;
	if (case_exact)
		return false;
	utf8_fold(a, strlen(a), &x);
	utf8_fold(b, strlen(b), &y);
	return str_eq(buf_str(&x), buf_str(&y));
}

bool
value_absent(const struct json *j)
{
	enum json_type t = json_type(j);

	return t == JSON_NULL || ((t == JSON_ARRAY || t == JSON_OBJECT) && json_count(j) == 0);
}

const struct json *
value_lone(const struct json *j)
{
	return json_type(j) == JSON_ARRAY && json_count(j) == 1 ? json_first(j) : j;
}

const struct json *
value_holder(const struct scim_path *p, const struct json *resource)
{
	const struct json *ext = scim_get(resource, p->schema->urn);

	return ext ? ext : resource;
}

bool
value_true(const struct json *j)
{
	return json_bool(j, false) || (json_string(j) && ascii_ieq(json_string(j), "true"));
}

/* Text in the form it is compared in: its own bytes when they need no folding. */
static struct str
comparable(const char *text, bool case_exact, struct buf *scratch, char *small, size_t small_size)
{
	size_t n = strlen(text), i;

	if (case_exact)
		return (struct str){ text, n };
	for (i = 0; i < n && i < small_size && (unsigned char)text[i] < 0x80; i++)
		small[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
	if (i == n)
		return (struct str){ small, n };
	utf8_fold(text, n, scratch);
	return buf_str(scratch);
}

static bool
ordered(enum scim_op op, int c)
{
	switch (op) {
	case SCIM_EQ:
		return c == 0;
	case SCIM_NE:
		return c != 0;
	case SCIM_GT:
		return c > 0;
	case SCIM_GE:
		return c >= 0;
	case SCIM_LT:
		return c < 0;
	case SCIM_LE:
		return c <= 0;
	default:
		return false;
	}
}

static bool
compare_text(const struct scim_filter *f, bool case_exact, const char *text)
{
	CLEAN_BUF struct buf scratch = { 0 };
	char small[256];
	struct str v = comparable(text, case_exact, &scratch, small, sizeof(small));
	struct str w = f->folded;

	switch (f->op) {
	case SCIM_CO:
		return w.n == 0 || (v.n >= w.n && memmem(v.p, v.n, w.p, w.n));
	case SCIM_SW:
		return v.n >= w.n && memcmp(v.p, w.p, w.n) == 0;
	case SCIM_EW:
		return v.n >= w.n && memcmp(v.p + v.n - w.n, w.p, w.n) == 0;
	default:
		return ordered(f->op, str_cmp(v, w));
	}
}

static bool
compare_time(const struct scim_filter *f, const char *text, bool *result_r)
{
	struct value_time a, b;
	int c;

	if (f->op == SCIM_CO || f->op == SCIM_SW || f->op == SCIM_EW)
		return false;
	if (!value_time(text, &a) || !value_time(f->text, &b))
		return false;
	c = a.seconds < b.seconds ? -1 : a.seconds > b.seconds ? 1 : strcmp(a.fraction, b.fraction);
	*result_r = ordered(f->op, c);
	return true;
}

bool
scim_compare(const struct scim_filter *f, const struct scim_attr *attr, const struct json *value)
{
	enum json_type t = json_type(value);
	bool result;

	if (f->op == SCIM_PR)
		return !value_absent(value) && !(t == JSON_STRING && !*json_string(value));
	if (f->type == JSON_NULL)
		return value_absent(value) == (f->op == SCIM_EQ);
	if (t != f->type)
		return f->op == SCIM_NE;
	switch (t) {
	case JSON_BOOL:
		return (json_bool(value, false) == f->truth) == (f->op == SCIM_EQ);
	case JSON_NUMBER:
		return ordered(f->op,
			(json_number(value, 0) > f->number) - (json_number(value, 0) < f->number));
	case JSON_STRING:
		if (attr && attr->kind == SCIM_DATETIME &&
			compare_time(f, json_string(value), &result))
			return result;
		return compare_text(f, attr && attr->case_exact, json_string(value));
	default:
		return false;
	}
}
