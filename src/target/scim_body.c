#include "scim_body.h"
#include <string.h>

bool
body_same(const char *a, const char *b)
{
	return a == b || (a && b && *a == *b && strcmp(a, b) == 0);
}

bool
body_same_element(const struct place *a, const struct place *b)
{
	return body_same(a->schema, b->schema) && strcmp(a->attr, b->attr) == 0 &&
	       body_same(a->type, b->type);
}

static bool
item_check(const struct body_item *it, struct err *e)
{
	for (size_t i = 0; i < it->attr->count; i++) {
		struct str v = it->attr->values[i];
		if ((v.n && memchr(v.p, 0, v.n)) || !utf8_valid(v.p, v.n))
			return err_set(e, ERR_OBJECT, "bad-value",
				"%s: the value is not text and cannot be sent; map a text "
				"attribute to it",
				it->attr->name);
		if (it->at.boolean && !str_ieqc(v, "true") && !str_ieqc(v, "false"))
			return err_set(e, ERR_OBJECT, "bad-value",
				"%s: the value must be true or false", it->attr->name);
	}
	if (it->attr->count > 1 && !it->at.multi)
		return err_set(e, ERR_OBJECT, "bad-value",
			"%s: %zu values, but SCIM holds one; map it to a single value",
			it->attr->name, it->attr->count);
	if (it->at.type && (strpbrk(it->at.type, "\"\\][") || ascii_ieq(it->at.sub, "type")))
		return err_set(
			e, ERR_OBJECT, "bad-value", "%s: not an attribute name", it->attr->name);
	return true;
}

/* Two names of one place: emails.work and emails.work.value. */
static bool
item_check_place(const struct body_items *its, size_t n, struct err *e)
{
	const struct body_item *it = &its->list[n];

	for (size_t i = 0; i < n; i++) {
		const struct body_item *o = &its->list[i];
		if (body_same_element(&o->at, &it->at) && body_same(o->at.sub, it->at.sub))
			return err_set(e, ERR_OBJECT, "bad-value",
				"%s and %s mean the same; map one of them", o->attr->name,
				it->attr->name);
	}
	return true;
}

/* Each value that leaves a list is an item of its own. */
static bool
items_less(const struct body_item *list, const struct attr *gone, struct body_items *its,
	struct arena *a, struct err *e)
{
	struct attr *one = arena_alloc(a, (gone->count + 1) * sizeof(*one));

	for (size_t i = 0; i < gone->count; i++) {
		struct body_item *it = &its->list[its->count++];
		one[i] = (struct attr){ gone->name, 1, &gone->values[i] };
		*it = (struct body_item){ .at = list->at, .attr = &one[i], .part = BODY_LESS };
		if (!item_check(it, e))
			return false;
	}
	return true;
}

bool
body_items(enum kind_id kind, const struct attrs *as, const struct attrs *gone,
	struct body_items *it_r, struct err *e)
{
	size_t most = as->count + 1;

	for (size_t i = 0; gone && i < gone->count; i++)
		most += gone->list[i].count;
	it_r->count = 0;
	it_r->list = arena_alloc(as->arena, most * sizeof(*it_r->list));
	for (size_t i = 0; i < as->count; i++) {
		const struct attr *less = gone ? attrs_get(gone, as->list[i].name) : NULL;
		struct body_item it = { .attr = &as->list[i],
			.part = less ? BODY_MORE : BODY_WHOLE,
			.at = place_of(kind, as->list[i].name, as->arena) };

		it_r->list[it_r->count++] = it;
		if (!item_check(&it, e) || !item_check_place(it_r, it_r->count - 1, e))
			return false;
		if (!less)
			continue;
		it_r->count -= !it.attr->count; /* nothing is added */
		if (!items_less(&it, less, it_r, as->arena, e))
			return false;
	}
	return true;
}

void
body_write_value(struct jsonw *w, const char *name, const struct place *p, struct str v)
{
	if (p->boolean)
		jsonw_bool(w, name, str_ieqc(v, "true"));
	else
		jsonw_strn(w, name, v.p, v.n);
}

void
body_write_element(struct jsonw *w, struct body_items *it, size_t from, size_t nth, bool primary)
{
	const struct place *p = &it->list[from].at;

	jsonw_obj(w, NULL);
	if (p->type)
		jsonw_str(w, "type", p->type);
	for (size_t i = from; i < it->count; i++) {
		struct body_item *o = &it->list[i];
		if (!body_same_element(&o->at, p) || nth >= o->attr->count)
			continue;
		body_write_value(w, o->at.sub ? o->at.sub : "value", &o->at, o->attr->values[nth]);
		o->done = nth + 1 >= o->attr->count;
	}
	if (primary)
		jsonw_bool(w, "primary", true);
	jsonw_end(w);
}

/* The array of one multi-valued complex attribute: all its types. */
static void
write_elements(struct jsonw *w, struct body_items *it, size_t from)
{
	const struct place *p = &it->list[from].at;
	bool primary = strcmp(p->attr, "emails") == 0; /* services look for one */

	jsonw_arr(w, p->attr);
	for (size_t i = from; i < it->count; i++) {
		struct body_item *o = &it->list[i];
		if (o->done || !body_same(o->at.schema, p->schema) ||
			strcmp(o->at.attr, p->attr) != 0)
			continue;
		for (size_t n = 0; n < o->attr->count; n++) {
			body_write_element(w, it, i, n, primary);
			primary = false;
		}
	}
	jsonw_end(w);
}

/* A complex value with one value per sub-attribute: name, manager. */
static void
write_complex(struct jsonw *w, struct body_items *it, size_t from)
{
	const struct place *p = &it->list[from].at;

	jsonw_obj(w, p->attr);
	for (size_t i = from; i < it->count; i++) {
		struct body_item *o = &it->list[i];
		if (o->done || !o->attr->count || !o->at.sub || !body_same_element(&o->at, p))
			continue;
		body_write_value(w, o->at.sub, &o->at, o->attr->values[0]);
		o->done = true;
	}
	jsonw_end(w);
}

void
body_write_plain(struct jsonw *w, const char *name, struct body_item *it)
{
	it->done = true;
	if (!it->at.multi) {
		body_write_value(w, name, &it->at, it->attr->values[0]);
		return;
	}
	jsonw_arr(w, name);
	for (size_t i = 0; i < it->attr->count; i++)
		body_write_value(w, NULL, &it->at, it->attr->values[i]);
	jsonw_end(w);
}

/* Everything that stands in one schema. */
static void
write_schema(struct jsonw *w, struct body_items *it, const char *schema)
{
	for (size_t i = 0; i < it->count; i++) {
		struct body_item *o = &it->list[i];
		if (o->done || !o->attr->count || !body_same(o->at.schema, schema))
			continue;
		if (o->at.multi && (o->at.type || o->at.sub))
			write_elements(w, it, i);
		else if (o->at.sub)
			write_complex(w, it, i);
		else
			body_write_plain(w, o->at.attr, o);
	}
}

/* True when an earlier item has the same schema: each is written once. */
static bool
schema_before(const struct body_items *it, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (it->list[k].attr->count &&
			body_same(it->list[k].at.schema, it->list[i].at.schema))
			return true;
	return false;
}

void
body_create(enum kind_id kind, const char *external, struct body_items *it, struct jsonw *w)
{
	jsonw_obj(w, NULL);
	jsonw_arr(w, "schemas");
	jsonw_str(w, NULL, place_type(kind)->core->urn);
	for (size_t i = 0; i < it->count; i++) {
		it->list[i].done = false;
		if (it->list[i].at.schema && it->list[i].attr->count && !schema_before(it, i))
			jsonw_str(w, NULL, it->list[i].at.schema);
	}
	jsonw_end(w);
	if (external)
		jsonw_str(w, "externalId", external);
	write_schema(w, it, NULL);
	for (size_t i = 0; i < it->count; i++) {
		const char *schema = it->list[i].at.schema;
		if (!schema || !it->list[i].attr->count || schema_before(it, i))
			continue;
		jsonw_obj(w, schema);
		write_schema(w, it, schema);
		jsonw_end(w);
	}
	jsonw_end(w);
}
