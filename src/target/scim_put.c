/* PUT: the resource that was read, changed in what is ours. */
#include <string.h>
#include "scim_body.h"

static struct json *
new_value(const struct place *p, struct str v)
{
	CLEAN_BUF struct buf text = { 0 };

	if (p->boolean)
		return json_new_bool(str_ieqc(v, "true"));
	buf_add(&text, v.p, v.n);
	return json_new_string(buf_cstr(&text));
}

/* A copy of the attribute's array without the elements of this type, or with them changed. */
static struct json *
put_elements(const struct body_item *it, const struct json *old)
{
	struct json *list = json_new_array();
	size_t n = it->attr->count, set = 0;
	bool whole = body_whole_element(&it->at) || !it->at.type;

	json_for_each(o, old) {
		const char *type = json_get_string(o, "type");
		if (!body_same(type, it->at.type)) {
			json_push(list, json_dup(o));
			continue;
		}
		if (whole && set >= n)
			continue;
		struct json *copy = json_dup(o);
		if (set < n)
			json_set(copy, it->at.sub, new_value(&it->at, it->attr->values[set++]));
		else
			json_remove(copy, it->at.sub);
		json_push(list, copy);
	}
	for (; set < n; set++) {
		struct json *fresh = json_new_object();
		if (it->at.type)
			json_set_string(fresh, "type", it->at.type);
		json_set(fresh, it->at.sub, new_value(&it->at, it->attr->values[set]));
		json_push(list, fresh);
	}
	return list;
}

/* A copy of the list with what is added, without what leaves. */
static struct json *
put_part(const struct body_item *o, const struct json *old)
{
	struct json *list = json_new_array();
	const char *sub = o->at.sub;

	json_for_each(it, old) {
		const char *one = sub ? json_get_string(it, sub) : json_string(it);
		if (o->part == BODY_MORE || !one || !str_eqc(o->attr->values[0], one))
			json_push(list, json_dup(it));
	}
	for (size_t n = 0; o->part == BODY_MORE && n < o->attr->count; n++) {
		struct json *v = new_value(&o->at, o->attr->values[n]), *el = v;
		bool has = false;

		json_for_each(it, old) {
			const char *one = sub ? json_get_string(it, sub) : json_string(it);
			has |= one && str_eqc(o->attr->values[n], one);
		}
		if (has) {
			json_free(v);
			continue;
		}
		if (sub) {
			el = json_new_object();
			json_set(el, sub, v);
		}
		json_push(list, el);
	}
	return list;
}

static struct json *
member_object(struct json *obj, const char *name)
{
	if (json_type(json_get(obj, name)) != JSON_OBJECT)
		json_set(obj, name, json_new_object());
	return json_get_mut(obj, name);
}

static void
put_item(const struct body_item *it, struct json *level)
{
	const struct place *p = &it->at;
	const struct attr *v = it->attr;

	if (it->part != BODY_WHOLE) {
		json_set(level, p->attr, put_part(it, json_get(level, p->attr)));
		if (!json_count(json_get(level, p->attr)))
			json_remove(level, p->attr);
	} else if (p->multi && p->sub) {
		json_set(level, p->attr, put_elements(it, json_get(level, p->attr)));
	} else if (p->sub) {
		struct json *obj = member_object(level, p->attr);
		if (v->count)
			json_set(obj, p->sub, new_value(p, v->values[0]));
		else
			json_remove(obj, p->sub);
		if (!json_count(obj))
			json_remove(level, p->attr);
	} else if (!v->count) {
		json_remove(level, p->attr);
	} else if (p->multi) {
		struct json *list = json_new_array();
		for (size_t i = 0; i < v->count; i++)
			json_push(list, new_value(p, v->values[i]));
		json_set(level, p->attr, list);
	} else {
		json_set(level, p->attr, new_value(p, v->values[0]));
	}
}

static void
put_schema(struct json *resource, const char *urn)
{
	if (json_type(json_get(resource, "schemas")) != JSON_ARRAY)
		json_set(resource, "schemas", json_new_array());
	json_for_each(it, json_get(resource, "schemas"))
		if (json_string(it) && strcmp(json_string(it), urn) == 0)
			return;
	json_push(json_get_mut(resource, "schemas"), json_new_string(urn));
}

static struct json *
put_level(struct json *resource, const struct place *p)
{
	if (!p->schema)
		return resource;
	put_schema(resource, p->schema);
	return member_object(resource, p->schema);
}

void
body_put(struct body_items *it, struct json *resource)
{
	json_remove(resource, "meta"); /* read-only, and large */
	json_remove(resource, "groups");
	for (size_t i = 0; i < it->count; i++)
		put_item(&it->list[i], put_level(resource, &it->list[i].at));
}
