#include <string.h>
#include "scim/patch.h"
#include "value.h"

/* Member of an object without case, for change. */
static struct json *
get_mut(struct json *obj, const char *name)
{
	const struct json *m = scim_get(obj, name);

	return m ? json_get_mut(obj, json_key(m)) : NULL;
}

/* Sets a member under its canonical name, whatever case it had. */
static void
put(struct json *obj, const char *name, struct json *value)
{
	const struct json *m = scim_get(obj, name);

	if (m && strcmp(json_key(m), name) != 0)
		json_remove(obj, json_key(m));
	json_set(obj, name, value);
}

static void
drop(struct json *obj, const char *name)
{
	const struct json *m = scim_get(obj, name);

	if (m)
		json_remove(obj, json_key(m));
}

/* A value as it is kept: a bare text for a complex attribute is its `value`. */
static struct json *
shaped(const struct scim_attr *attr, const struct json *v)
{
	struct json *obj;

	if (attr->kind != SCIM_COMPLEX || !json_string(v) || !scim_sub_find(attr, STR("value")))
		return json_dup(v);
	obj = json_new_object();
	json_set_string(obj, "value", json_string(v));
	return obj;
}

/* Takes over the members of `from`; null removes one; read-only ones stay. */
static void
merge(const struct scim_attr *attr, struct json *into, const struct json *from)
{
	json_for_each(m, from) {
		const struct scim_attr *sub = scim_sub_find(attr, str_c(json_key(m)));
		if (!sub || sub->mutability == SCIM_READ_ONLY)
			continue;
		if (json_type(m) == JSON_NULL)
			drop(into, sub->name);
		else
			put(into, sub->name, json_dup(m));
	}
}

static bool
plain_equal(const struct scim_attr *attr, const struct json *a, const struct json *b)
{
	if (json_string(a) && json_string(b))
		return value_text_equal(json_string(a), json_string(b), attr->case_exact);
	return json_equal(a, b);
}

/* Is `wanted` what `have` already says? Null members of wanted say nothing. With by_value, `value`
 * alone decides where wanted has one (Entra removes {"$ref": null, "value": id}). */
static bool
element_covers(const struct scim_attr *attr, const struct json *have, const struct json *wanted,
	bool by_value)
{
	const struct scim_attr *value = scim_sub_find(attr, STR("value"));
	const struct json *v;
	size_t said = 0;

	if (attr->kind != SCIM_COMPLEX || json_type(have) != JSON_OBJECT)
		return plain_equal(attr, have, wanted);
	if (json_type(wanted) != JSON_OBJECT)
		return value && plain_equal(value, scim_get(have, "value"), wanted);
	v = scim_get(wanted, "value");
	if (by_value && value && json_type(v) != JSON_NULL)
		return plain_equal(value, scim_get(have, "value"), v);
	json_for_each(m, wanted) {
		const struct scim_attr *sub = scim_sub_find(attr, str_c(json_key(m)));
		if (!sub || json_type(m) == JSON_NULL)
			continue;
		said++;
		if (!plain_equal(sub, scim_get(have, sub->name), m))
			return false;
	}
	return said > 0;
}

/* A new primary takes it from the others (RFC 7644 3.5.2). */
static void
one_primary(struct json *list, const struct json *chosen)
{
	if (!value_true(scim_get(chosen, "primary")))
		return;
	json_for_each(it, list) {
		struct json *v = (struct json *)(uintptr_t)it;
		if (it != chosen && value_true(scim_get(it, "primary")))
			put(v, "primary", json_new_bool(false));
	}
}

/* The last element of a list. */
static struct json *
last_of(const struct json *list)
{
	const struct json *last = NULL;

	json_for_each(it, list)
		last = it;
	return (struct json *)(uintptr_t)last;
}

static void
append(const struct scim_attr *attr, struct json *list, const struct json *v)
{
	json_for_each(have, list) {
		if (element_covers(attr, have, v, false))
			return;
	}
	json_push(list, shaped(attr, v));
	one_primary(list, last_of(list));
}

/* The list of a multi-valued attribute, made when it is absent. A lone value becomes a list. */
static struct json *
list_of(struct json *obj, const struct scim_attr *attr)
{
	struct json *have = get_mut(obj, attr->name);
	struct json *list;

	if (json_type(have) == JSON_ARRAY)
		return have;
	list = json_new_array();
	if (json_type(have) != JSON_NULL)
		json_push(list, json_dup(have));
	put(obj, attr->name, list);
	return get_mut(obj, attr->name);
}

static void
add_values(const struct scim_attr *attr, struct json *list, const struct json *value)
{
	if (json_type(value) != JSON_ARRAY) {
		append(attr, list, value);
		return;
	}
	json_for_each(v, value)
		append(attr, list, v);
}

/* The equalities that a filter such as `type eq "work" and primary eq true` asserts; false when it
 * says anything else, so that no element can be made from it. */
static bool
fill_from_filter(const struct scim_filter *f, struct json *element)
{
	if (f->op == SCIM_AND) {
		for (const struct scim_filter *c = f->child; c; c = c->next) {
			if (!fill_from_filter(c, element))
				return false;
		}
		return true;
	}
	if (f->op != SCIM_EQ || !f->path.attr)
		return false;
	if (scim_get(element, f->path.attr->name))
		return true;
	if (f->type == JSON_STRING)
		json_set_string(element, f->path.attr->name, f->text);
	else if (f->type == JSON_BOOL)
		json_set(element, f->path.attr->name, json_new_bool(f->truth));
	else
		return false;
	return true;
}

static bool
no_target(const struct scim_patch_op *op, struct err *e)
{
	return err_set(e, ERR_OBJECT, "noTarget", "no value matches \"%.*s\"",
		(int)(op->path.text.n < 200 ? op->path.text.n : 200), op->path.text.p);
}

/* x[filter] or x[filter].sub that matched nothing: Entra expects the element to be made. */
static bool
make_element(const struct scim_patch_op *op, struct json *list, struct err *e)
{
	const struct scim_attr *attr = op->path.attr;
	struct json *el = json_new_object();

	if (op->path.sub)
		json_set(el, op->path.sub->name, json_dup(op->value));
	else if (op->kind == SCIM_PATCH_ADD)
		merge(attr, el, op->value);
	if ((!op->path.sub && op->kind != SCIM_PATCH_ADD) || attr->kind != SCIM_COMPLEX ||
		!fill_from_filter(op->path.filter, el)) {
		json_free(el);
		return no_target(op, e);
	}
	json_push(list, el);
	one_primary(list, last_of(list));
	return true;
}

/* One element that the path selects. */
static void
change_element(const struct scim_patch_op *op, struct json *list, struct json *el)
{
	const struct scim_attr *attr = op->path.attr;
	struct json *fresh;

	if (op->path.sub) {
		put(el, op->path.sub->name, json_dup(op->value));
	} else {
		fresh = shaped(attr, op->value);
		if (op->kind == SCIM_PATCH_REPLACE && json_type(fresh) == JSON_OBJECT) {
			fill_from_filter(op->path.filter, fresh);
			for (size_t i = 0; i < attr->n_subs; i++)
				drop(el, attr->subs[i].name);
		}
		merge(attr, el, fresh);
		json_free(fresh);
	}
	one_primary(list, el);
}

static bool
set_selected(const struct scim_patch_op *op, struct json *list, struct err *e)
{
	size_t hits = 0;

	json_for_each(it, list) {
		if (json_type(it) != JSON_OBJECT ||
			(op->path.filter && !scim_filter_match_element(op->path.filter, it)))
			continue;
		change_element(op, list, (struct json *)(uintptr_t)it);
		hits++;
	}
	if (hits)
		return true;
	if (op->path.filter)
		return make_element(op, list, e);
	struct json *el = json_new_object();
	json_set(el, op->path.sub->name, json_dup(op->value));
	json_push(list, el);
	return true;
}

static bool
set_multi(const struct scim_patch_op *op, struct json *obj, struct err *e)
{
	const struct scim_attr *attr = op->path.attr;

	if (op->path.filter || op->path.sub)
		return set_selected(op, list_of(obj, attr), e);
	if (op->kind == SCIM_PATCH_REPLACE)
		put(obj, attr->name, json_new_array());
	add_values(attr, list_of(obj, attr), op->value);
	return true;
}

static bool
set_single(const struct scim_patch_op *op, struct json *obj)
{
	const struct scim_attr *attr = op->path.attr;
	const struct json *value = value_lone(op->value);
	struct json *have = get_mut(obj, attr->name), *fresh;

	if (attr->kind != SCIM_COMPLEX) {
		put(obj, attr->name, json_dup(value));
		return true;
	}
	if (json_string(value) && !*json_string(value)) {
		drop(obj, attr->name); /* Entra clears a manager with "" */
		return true;
	}
	if (json_type(have) != JSON_OBJECT) {
		put(obj, attr->name, json_new_object());
		have = get_mut(obj, attr->name);
	}
	if (op->path.sub) {
		put(have, op->path.sub->name, json_dup(value));
		return true;
	}
	fresh = shaped(attr, value);
	if (json_type(fresh) == JSON_OBJECT) {
		merge(attr, have, fresh);
		json_free(fresh);
	} else {
		put(obj, attr->name, fresh); /* refused with its name by scim_resource_write */
	}
	return true;
}

/* Is this element among those that `remove` names? */
static bool
to_remove(const struct scim_patch_op *op, const struct json *el)
{
	if (op->path.filter)
		return scim_filter_match_element(op->path.filter, el);
	if (json_type(op->value) != JSON_ARRAY)
		return element_covers(op->path.attr, el, op->value, true);
	json_for_each(v, op->value) {
		if (element_covers(op->path.attr, el, v, true))
			return true;
	}
	return false;
}

static void
remove_multi(const struct scim_patch_op *op, struct json *obj)
{
	struct json *list = list_of(obj, op->path.attr);
	const struct json *next;

	for (const struct json *it = json_first(list); it; it = next) {
		struct json *el = (struct json *)(uintptr_t)it;
		next = json_next(it);
		if (op->path.sub) {
			if (json_type(it) == JSON_OBJECT &&
				(!op->path.filter ||
					scim_filter_match_element(op->path.filter, it)))
				drop(el, op->path.sub->name);
		} else if (to_remove(op, it)) {
			json_free(json_detach(list, el));
		}
	}
}

static void
remove_op(const struct scim_patch_op *op, struct json *obj)
{
	const struct scim_attr *attr = op->path.attr;

	if (attr->multi && (op->path.filter || op->path.sub || op->value))
		remove_multi(op, obj);
	else if (op->path.sub)
		drop(get_mut(obj, attr->name), op->path.sub->name);
	else
		drop(obj, attr->name);
}

bool
scim_patch_apply_one(const struct scim_type *type, const struct scim_patch_op *op,
	struct json *resource, struct err *e)
{
	const struct scim_schema *schema = op->path.schema;
	struct json *obj = resource;
	struct scim_patch_op unset = *op;

	if (!scim_schema_is_core(type, schema)) {
		obj = get_mut(resource, schema->urn);
		if (!obj) {
			put(resource, schema->urn, json_new_object());
			obj = get_mut(resource, schema->urn);
		}
	}
	if (op->kind == SCIM_PATCH_REMOVE) {
		remove_op(op, obj);
		return true;
	}
	if (!op->value) { /* null and nothing mean unassigned (RFC 7643 2.5) */
		unset.kind = SCIM_PATCH_REMOVE;
		remove_op(&unset, obj);
		return true;
	}
	return op->path.attr->multi ? set_multi(op, obj, e) : set_single(op, obj);
}
