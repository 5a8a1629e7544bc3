#include <string.h>
#include "scim/sort.h"
#include "value.h"

enum { HAS_VALUE = 1, NO_VALUE = 2 }; /* first byte of a key */

static bool
not_sortable(const char *by, const char *why, struct err *e)
{
	return err_set(e, ERR_OBJECT, "invalidValue", "sortBy \"%.200s\": %s", by, why);
}

bool
scim_sort_parse(const struct scim_type *type, const char *by, struct arena *a,
	struct scim_path *p_r, struct err *e)
{
	const struct scim_attr *attr;

	if (!scim_path_parse(type, str_c(by), a, p_r, NULL) || p_r->filter)
		return not_sortable(by, "the name of an attribute is expected", e);
	attr = p_r->attr;
	if (!attr && p_r->schema)
		return not_sortable(by, "a schema has no order", e);
	if (!attr)
		return true;
	if (attr->rows)
		return not_sortable(by, "nothing is sorted by members or groups", e);
	if (attr->kind == SCIM_COMPLEX && !p_r->sub)
		p_r->sub = scim_sub_find(attr, STR("value"));
	if (attr->kind == SCIM_COMPLEX && !p_r->sub)
		return not_sortable(
			by, "name one of its sub-attributes, such as name.familyName", e);
	return true;
}

/* Of a list the primary value, or else the first; NULL when there is none. */
static const struct json *
chosen(const struct json *v)
{
	if (json_type(v) != JSON_ARRAY)
		return v;
	json_for_each(el, v) {
		if (value_true(scim_get(el, "primary")))
			return el;
	}
	return json_first(v);
}

static void
add_bits(struct buf *key, uint64_t bits)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_addc(key, (char)(unsigned char)(bits >> shift));
}

/* Negative numbers have their bits turned, the others only that of the sign: so memcmp orders them. */
static void
add_number(struct buf *key, double d)
{
	const uint64_t sign = UINT64_C(1) << 63;
	uint64_t bits;

	d += 0.0; /* -0 is 0 */
	memcpy(&bits, &d, sizeof(bits));
	add_bits(key, bits & sign ? ~bits : bits | sign);
}

static void
add_text(struct buf *key, const struct scim_attr *attr, const char *text)
{
	struct value_time t;

	if (attr->kind == SCIM_DATETIME && value_time(text, &t)) {
		add_bits(key, (uint64_t)t.seconds ^ UINT64_C(1) << 63);
		buf_adds(key, t.fraction);
	} else if (attr->case_exact) {
		buf_adds(key, text);
	} else {
		utf8_fold(text, strlen(text), key);
	}
}

void
scim_sort_key(const struct scim_path *p, const struct json *resource, struct buf *key)
{
	const struct scim_attr *leaf = p->sub ? p->sub : p->attr;
	const struct json *v;
	size_t start = key->n;

	if (!leaf) {
		buf_addc(key, NO_VALUE);
		return;
	}
	v = chosen(scim_get(value_holder(p, resource), p->attr->name));
	if (p->sub && json_type(v) == JSON_OBJECT)
		v = scim_get(v, p->sub->name);
	buf_addc(key, HAS_VALUE);
	switch (json_type(v)) {
	case JSON_STRING:
		add_text(key, leaf, json_string(v));
		break;
	case JSON_NUMBER:
		add_number(key, json_number(v, 0));
		break;
	case JSON_BOOL:
		buf_addc(key, json_bool(v, false) ? 1 : 0);
		break;
	default:
		break;
	}
	if (key->n == start + 1) /* nothing, or "" */
		key->p[start] = NO_VALUE;
	if (key->n > start + SCIM_SORT_BYTES)
		key->n = start + SCIM_SORT_BYTES;
}
