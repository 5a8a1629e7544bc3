#include "scan.h"
#include "value.h"

const struct json *
scim_get(const struct json *obj, const char *name)
{
	if (json_type(obj) != JSON_OBJECT)
		return NULL;
	json_for_each(m, obj) {
		if (ascii_ieq(json_key(m), name))
			return m;
	}
	return NULL;
}

/* Compares one value of the attribute; an element that is no object is its own `value`. */
static bool
match_value(const struct scim_filter *f, const struct json *v)
{
	const struct scim_attr *sub = f->path.sub;

	if (!sub)
		return scim_compare(f, f->path.attr, v);
	if (json_type(v) != JSON_OBJECT)
		return str_eqc(str_c(sub->name), "value") && scim_compare(f, sub, v);
	return scim_compare(f, sub, scim_get(v, sub->name));
}

/* ne and "eq null" hold where there is no value at all; the others need one. */
static bool
match_absent(const struct scim_filter *f)
{
	return scim_compare(f, NULL, NULL);
}

static bool
match_attr(const struct scim_filter *f, const struct json *values)
{
	if (value_absent(values))
		return f->op != SCIM_HAS && match_absent(f);
	if (f->op == SCIM_HAS) {
		if (json_type(values) != JSON_ARRAY)
			return scim_filter_match_element(f->child, values);
		json_for_each(v, values) {
			if (scim_filter_match_element(f->child, v))
				return true;
		}
		return false;
	}
	if (json_type(values) != JSON_ARRAY)
		return match_value(f, values);
	json_for_each(v, values) {
		if (match_value(f, v))
			return true;
	}
	return false;
}

static bool
match_term(const struct scim_filter *f, const struct json *resource, const struct scim_match *m)
{
	const struct scim_path *p = &f->path;

	if (!p->attr)
		return f->op != SCIM_HAS && match_absent(f);
	if (p->attr->rows && m && m->rows)
		return m->rows(m->ctx, f);
	return match_attr(f, scim_get(value_holder(p, resource), p->attr->name));
}

/* element: the paths are sub-attributes of the object. */
static bool
match(const struct scim_filter *f, const struct json *j, bool element, const struct scim_match *m)
{
	switch (f->op) {
	case SCIM_AND:
		for (const struct scim_filter *c = f->child; c; c = c->next) {
			if (!match(c, j, element, m))
				return false;
		}
		return true;
	case SCIM_OR:
		for (const struct scim_filter *c = f->child; c; c = c->next) {
			if (match(c, j, element, m))
				return true;
		}
		return false;
	case SCIM_NOT:
		return !match(f->child, j, element, m);
	default:
		break;
	}
	if (!element)
		return match_term(f, j, m);
	if (!f->path.attr)
		return match_absent(f);
	if (json_type(j) == JSON_OBJECT)
		return match_attr(f, scim_get(j, f->path.attr->name));
	if (str_ieqc(f->path.text, "value"))
		return scim_compare(f, f->path.attr, j);
	return match_absent(f);
}

bool
scim_filter_match(
	const struct scim_filter *f, const struct json *resource, const struct scim_match *m)
{
	return match(f, resource, false, m);
}

bool
scim_filter_match_element(const struct scim_filter *f, const struct json *element)
{
	return match(f, element, true, NULL);
}
