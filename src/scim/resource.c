#include <string.h>
#include "scim/resource.h"
#include "scim/filter.h"
#include "value.h"

struct writer {
	const struct scim_type *type;
	struct arena *arena;
	struct jsonw w;
	struct scim_keys *keys;
	size_t cap_addresses;
	struct err *e;
};

static bool write_attrs(struct writer *wr, const struct scim_attr *attrs, size_t n,
	const struct json *in, const char *where);

static bool
bad_value(struct writer *wr, const char *where, const struct scim_attr *attr, const char *what)
{
	return err_set(wr->e, ERR_OBJECT, "invalidValue", "%s%s%s: %s", where, *where ? "." : "",
		attr->name, what);
}

static void
add_address(struct writer *wr, const char *text, enum scim_key key)
{
	struct scim_keys *k = wr->keys;

	if (k->n_addresses == wr->cap_addresses) {
		size_t cap = wr->cap_addresses ? wr->cap_addresses * 2 : 4;
		struct scim_address *grown = arena_alloc(wr->arena, cap * sizeof(*grown));
		if (k->n_addresses)
			memcpy(grown, k->addresses, k->n_addresses * sizeof(*grown));
		k->addresses = grown;
		wr->cap_addresses = cap;
	}
	k->addresses[k->n_addresses++] = (struct scim_address){ text, key };
}

/* Takes down what a server indexes. */
static bool
take_key(struct writer *wr, const char *where, const struct scim_attr *attr, const char *text)
{
	if (attr->key == SCIM_KEY_NONE)
		return true;
	if (strlen(text) > SCIM_KEY_BYTES)
		return bad_value(wr, where, attr, "longer than 1024 bytes");
	if (attr->key == SCIM_KEY_NAME)
		wr->keys->name = text;
	else if (attr->key == SCIM_KEY_EXTERNAL)
		wr->keys->external = text;
	else if (attr->key == SCIM_KEY_EMAIL || attr->key == SCIM_KEY_ALIAS)
		add_address(wr, text, attr->key);
	return true;
}

static bool
write_bool(struct writer *wr, const char *where, const struct scim_attr *attr, const char *name,
	const struct json *v)
{
	const char *s = json_string(v);

	if (json_type(v) == JSON_BOOL)
		jsonw_bool(&wr->w, name, json_bool(v, false));
	else if (s && (ascii_ieq(s, "true") || ascii_ieq(s, "false")))
		jsonw_bool(&wr->w, name, ascii_ieq(s, "true"));
	else
		return bad_value(wr, where, attr, "true or false is expected");
	return true;
}

static bool
write_number(struct writer *wr, const char *where, const struct scim_attr *attr, const char *name,
	const struct json *v)
{
	double d = json_number(v, 0);

	if (json_type(v) != JSON_NUMBER)
		return bad_value(wr, where, attr, "a number is expected");
	if (attr->kind == SCIM_INTEGER && (d < -9e15 || d > 9e15 || d != (double)(int64_t)d))
		return bad_value(wr, where, attr, "a whole number is expected");
	jsonw_num(&wr->w, name, d);
	return true;
}

/* One value that is not complex; name is NULL inside a list. */
static bool
write_plain(struct writer *wr, const char *where, const struct scim_attr *attr, const char *name,
	const struct json *v)
{
	const char *s = json_string(v);

	if (attr->kind == SCIM_BOOLEAN)
		return write_bool(wr, where, attr, name, v);
	if (attr->kind == SCIM_INTEGER || attr->kind == SCIM_DECIMAL)
		return write_number(wr, where, attr, name, v);
	if (!s)
		return bad_value(wr, where, attr, "a text is expected");
	if (attr->kind == SCIM_DATETIME && !value_time(s, NULL))
		return bad_value(wr, where, attr, "a date and time is expected");
	if (!take_key(wr, where, attr, s))
		return false;
	jsonw_str(&wr->w, name, s);
	return true;
}

struct opened {
	struct jsonw before;
	size_t at, start;
};

/* Nothing is left of what ends up empty. */
static void
opened_end(struct writer *wr, const struct opened *o)
{
	if (wr->w.out->n == o->start) {
		wr->w = o->before;
		wr->w.out->n = o->at;
	} else {
		jsonw_end(&wr->w);
	}
}

static bool
write_complex(
	struct writer *wr, const struct scim_attr *attr, const char *name, const struct json *v)
{
	struct opened o = { wr->w, wr->w.out->n, 0 };
	const struct scim_attr *value;

	jsonw_obj(&wr->w, name);
	o.start = wr->w.out->n;
	if (json_type(v) == JSON_OBJECT) {
		if (!write_attrs(wr, attr->subs, attr->n_subs, v, attr->name))
			return false;
	} else {
		value = scim_sub_find(attr, STR("value"));
		if (!value || !json_string(v))
			return bad_value(wr, "", attr, "an object is expected");
		if (!write_plain(wr, attr->name, value, "value", v))
			return false;
	}
	opened_end(wr, &o);
	return true;
}

static bool
write_one(struct writer *wr, const char *where, const struct scim_attr *attr, const char *name,
	const struct json *v)
{
	if (!attr->multi)
		v = value_lone(v);
	if (value_absent(v))
		return true;
	if (attr->kind == SCIM_COMPLEX)
		return write_complex(wr, attr, name, v);
	return write_plain(wr, where, attr, name, v);
}

/* RFC 7643 2.4: primary "true" at most once. */
static bool
check_primary(struct writer *wr, const struct scim_attr *attr, const struct json *list)
{
	size_t n = 0;

	json_for_each(v, list)
		n += value_true(scim_get(v, "primary"));
	return n <= 1 || bad_value(wr, "", attr, "more than one value is primary");
}

static bool
write_list(struct writer *wr, const char *where, const struct scim_attr *attr, const struct json *v)
{
	struct opened o = { wr->w, wr->w.out->n, 0 };

	jsonw_arr(&wr->w, attr->name);
	o.start = wr->w.out->n;
	if (json_type(v) != JSON_ARRAY) {
		if (!write_one(wr, where, attr, NULL, v))
			return false;
	} else {
		if (!check_primary(wr, attr, v))
			return false;
		json_for_each(item, v) {
			if (!write_one(wr, where, attr, NULL, item))
				return false;
		}
	}
	opened_end(wr, &o);
	return true;
}

/* The members of `in` by their place in the table; unknown ones are passed over. */
static bool
sort_out(struct writer *wr, const struct scim_attr *attrs, size_t n, const struct json *in,
	const struct json **slot)
{
	json_for_each(m, in) {
		const struct scim_attr *attr = scim_attr_find(attrs, n, str_c(json_key(m)));
		if (!attr)
			continue;
		if (slot[attr - attrs])
			return err_set(wr->e, ERR_OBJECT, "invalidSyntax",
				"attribute \"%s\" is given twice", attr->name);
		slot[attr - attrs] = m;
	}
	return true;
}

static bool
write_attrs(struct writer *wr, const struct scim_attr *attrs, size_t n, const struct json *in,
	const char *where)
{
	const struct json *slot[SCIM_ATTRS_MAX] = { NULL };

	if (!sort_out(wr, attrs, n, in, slot))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct scim_attr *attr = &attrs[i];
		if (attr->required &&
			(value_absent(slot[i]) || (json_string(slot[i]) && !*json_string(slot[i]))))
			return bad_value(wr, where, attr, "is required");
		/* null is what Okta sends back for a group without members: it asserts nothing */
		if (attr->rows && attr->mutability == SCIM_READ_WRITE &&
			json_type(slot[i]) != JSON_NULL)
			wr->keys->members = slot[i];
		if (!slot[i] || attr->rows || attr->mutability == SCIM_READ_ONLY ||
			attr->mutability == SCIM_WRITE_ONLY || value_absent(slot[i]))
			continue;
		if (attr->multi ? !write_list(wr, where, attr, slot[i])
				: !write_one(wr, where, attr, attr->name, slot[i]))
			return false;
	}
	return true;
}

/* The extension's object into its own buffer; empty when it holds nothing. */
static bool
write_extension(
	struct writer *wr, const struct scim_schema *ext, const struct json *in, struct buf *out)
{
	struct jsonw outer = wr->w;
	const struct json *obj = scim_get(in, ext->urn);
	bool ok;

	if (value_absent(obj))
		return true;
	if (json_type(obj) != JSON_OBJECT)
		return err_set(
			wr->e, ERR_OBJECT, "invalidValue", "%s: an object is expected", ext->urn);
	wr->w = jsonw(out);
	jsonw_obj(&wr->w, NULL);
	ok = write_attrs(wr, ext->attrs, ext->n_attrs, obj, ext->name);
	jsonw_end(&wr->w);
	wr->w = outer;
	if (out->n <= 2)
		buf_reset(out);
	return ok;
}

static void clean_bufs(struct buf (*b)[SCIM_EXTS_MAX])
{
	for (size_t i = 0; i < SCIM_EXTS_MAX; i++)
		buf_free(&(*b)[i]);
}

bool
scim_resource_write(const struct scim_type *type, const struct json *in, struct arena *a,
	struct buf *out, struct scim_keys *keys_r, struct err *e)
{
	struct writer wr = { .type = type, .arena = a, .w = jsonw(out), .keys = keys_r, .e = e };
	__attribute__((cleanup(clean_bufs))) struct buf ext[SCIM_EXTS_MAX] = { 0 };

	*keys_r = (struct scim_keys){ 0 };
	if (json_type(in) != JSON_OBJECT)
		return err_set(e, ERR_OBJECT, "invalidSyntax", "a JSON object is expected");
	for (size_t i = 0; i < type->n_exts; i++) {
		if (!write_extension(&wr, type->exts[i], in, &ext[i]))
			return false;
	}
	jsonw_obj(&wr.w, NULL);
	jsonw_arr(&wr.w, "schemas");
	jsonw_str(&wr.w, NULL, type->core->urn);
	for (size_t i = 0; i < type->n_exts; i++) {
		if (ext[i].n)
			jsonw_str(&wr.w, NULL, type->exts[i]->urn);
	}
	jsonw_end(&wr.w);
	if (!write_attrs(&wr, scim_common.attrs, scim_common.n_attrs, in, "") ||
		!write_attrs(&wr, type->core->attrs, type->core->n_attrs, in, ""))
		return false;
	for (size_t i = 0; i < type->n_exts; i++) {
		if (ext[i].n)
			jsonw_raw(&wr.w, type->exts[i]->urn, ext[i].p, ext[i].n);
	}
	jsonw_end(&wr.w);
	return true;
}
