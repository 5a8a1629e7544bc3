#include "scim_body.h"
#include <string.h>

bool
body_same(const char *a, const char *b)
{
	return a == b || (a && b && *a == *b && strcmp(a, b) == 0);
}

static bool
same_element(const struct place *a, const struct place *b)
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
		if (same_element(&o->at, &it->at) && body_same(o->at.sub, it->at.sub))
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

static void
write_value(struct jsonw *w, const char *name, const struct place *p, struct str v)
{
	if (p->boolean)
		jsonw_bool(w, name, str_ieqc(v, "true"));
	else
		jsonw_strn(w, name, v.p, v.n);
}

/* One element {"type": ..., sub: value, ...} with every item of the same element from `from` on
 * whose value number `nth` exists; marks them done at their last value. */
static void
write_element(struct jsonw *w, struct body_items *it, size_t from, size_t nth, bool primary)
{
	const struct place *p = &it->list[from].at;

	jsonw_obj(w, NULL);
	if (p->type)
		jsonw_str(w, "type", p->type);
	for (size_t i = from; i < it->count; i++) {
		struct body_item *o = &it->list[i];
		if (!same_element(&o->at, p) || nth >= o->attr->count)
			continue;
		write_value(w, o->at.sub ? o->at.sub : "value", &o->at, o->attr->values[nth]);
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
			write_element(w, it, i, n, primary);
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
		if (o->done || !o->attr->count || !o->at.sub || !same_element(&o->at, p))
			continue;
		write_value(w, o->at.sub, &o->at, o->attr->values[0]);
		o->done = true;
	}
	jsonw_end(w);
}

static void
write_plain(struct jsonw *w, const char *name, struct body_item *it)
{
	it->done = true;
	if (!it->at.multi) {
		write_value(w, name, &it->at, it->attr->values[0]);
		return;
	}
	jsonw_arr(w, name);
	for (size_t i = 0; i < it->attr->count; i++)
		write_value(w, NULL, &it->at, it->attr->values[i]);
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
			write_plain(w, o->at.attr, o);
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

/* --- PATCH --- */

void
body_op_begin(struct jsonw *w, const struct scim_service *sv, enum body_op op, const char *path)
{
	static const char *const names[2][3] = { { "add", "replace", "remove" },
		{ "Add", "Replace", "Remove" } };

	bool capital = sv->profile->quirks & SCIM_CAPITAL_OPS;

	jsonw_obj(w, NULL);
	jsonw_str(w, "op", names[capital][op]);
	jsonw_str(w, "path", path);
}

void
body_patch_begin(struct jsonw *w)
{
	jsonw_obj(w, NULL);
	jsonw_arr(w, "schemas");
	jsonw_str(w, NULL, "urn:ietf:params:scim:api:messages:2.0:PatchOp");
	jsonw_end(w);
	jsonw_arr(w, "Operations");
}

void
body_patch_end(struct jsonw *w)
{
	jsonw_end(w);
	jsonw_end(w);
}

/* What a resource has at this place: the attribute's array or value, or NULL. */
static const struct json *
there(const struct place *p, const struct json *have)
{
	const struct json *level = p->schema ? json_get(have, p->schema) : have;
	return json_get(level, p->attr);
}

static bool
there_element(const struct place *p, const struct json *have, bool sub)
{
	json_for_each(it, there(p, have)) {
		const char *type = json_get_string(it, "type");
		if (type && ascii_ieq(type, p->type) && (!sub || json_get(it, p->sub)))
			return true;
	}
	return false;
}

static bool
there_any(const struct place *p, const struct json *have)
{
	if (p->type)
		return there_element(p, have, true);
	if (p->sub && !p->multi)
		return json_get(there(p, have), p->sub) != NULL;
	return there(p, have) != NULL;
}

/* The element of a single value ends with it; of an address each part goes alone. */
bool
body_whole_element(const struct place *p)
{
	return p->type && p->sub && strcmp(p->sub, "value") == 0;
}

static void
patch_remove(struct jsonw *w, const struct scim_service *sv, const struct place *p)
{
	CLEAN_BUF struct buf path = { 0 };

	place_path(p, body_whole_element(p), &path);
	body_op_begin(w, sv, BODY_REMOVE, buf_cstr(&path));
	jsonw_end(w);
}

/* Adds elements to the whole attribute: `add emails [{"type": "work", "value": ...}]`. */
static void
patch_add_elements(struct jsonw *w, const struct scim_service *sv, struct body_items *it, size_t i,
	bool replace)
{
	CLEAN_BUF struct buf path = { 0 };
	struct place all = it->list[i].at;

	all.type = all.sub = NULL;
	place_path(&all, false, &path);
	body_op_begin(w, sv, replace ? BODY_REPLACE : BODY_ADD, buf_cstr(&path));
	jsonw_arr(w, "value");
	for (size_t n = 0; n < it->list[i].attr->count; n++)
		write_element(w, it, i, n, false);
	jsonw_end(w);
	jsonw_end(w);
}

static void
patch_set(struct jsonw *w, const struct scim_service *sv, struct body_item *it, enum body_op op)
{
	CLEAN_BUF struct buf path = { 0 };

	place_path(&it->at, false, &path);
	body_op_begin(w, sv, op, buf_cstr(&path));
	if (it->at.type)
		write_value(w, "value", &it->at, it->attr->values[0]);
	else
		write_plain(w, "value", it);
	jsonw_end(w);
	it->done = true;
}

static bool
holds(const struct place *p, const struct json *have, struct str v)
{
	json_for_each(it, there(p, have)) {
		const char *one = p->sub ? json_get_string(it, p->sub) : json_string(it);
		if (one && str_eqc(v, one))
			return true;
	}
	return false;
}

/* Is there nothing to do about this part of a list? */
static bool
is_so(const struct body_item *o, const struct json *have)
{
	for (size_t n = 0; n < o->attr->count; n++)
		if (holds(&o->at, have, o->attr->values[n]) != (o->part == BODY_MORE))
			return false;
	return true;
}

static void
write_part(struct jsonw *w, const struct body_item *o, struct str v)
{
	if (!o->at.sub) {
		write_value(w, NULL, &o->at, v);
		return;
	}
	jsonw_obj(w, NULL);
	write_value(w, o->at.sub, &o->at, v);
	jsonw_end(w);
}

/* Elements that leave, by a list of them in one operation, or by a filter on each; returns the operations. */
static void
patch_less(struct jsonw *w, const struct scim_service *sv, struct body_items *it, size_t i)
{
	struct body_item *o = &it->list[i];
	CLEAN_BUF struct buf path = { 0 };
	struct place all = o->at;

	all.type = all.sub = NULL;
	place_path(&all, false, &path);
	if (!sv->remove_values) {
		struct jsonw v;

		buf_addf(&path, "[%s eq ", o->at.sub ? o->at.sub : "value");
		v = jsonw(&path);
		jsonw_strn(&v, NULL, o->attr->values[0].p, o->attr->values[0].n);
		buf_addc(&path, ']');
		body_op_begin(w, sv, BODY_REMOVE, buf_cstr(&path));
		jsonw_end(w);
		return;
	}
	body_op_begin(w, sv, BODY_REMOVE, buf_cstr(&path));
	jsonw_arr(w, "value");
	for (; i < it->count && it->list[i].part == BODY_LESS &&
		same_element(&it->list[i].at, &o->at);
		i++) {
		it->list[i].done = true;
		write_part(w, &it->list[i], it->list[i].attr->values[0]);
	}
	jsonw_end(w);
	jsonw_end(w);
}

static size_t
patch_part(struct jsonw *w, const struct scim_service *sv, struct body_items *it, size_t i,
	const struct json *have)
{
	struct body_item *o = &it->list[i];
	CLEAN_BUF struct buf path = { 0 };
	struct place all = o->at;

	if (have && is_so(o, have))
		return 0;
	if (o->part == BODY_LESS) {
		patch_less(w, sv, it, i);
		return 1;
	}
	all.type = all.sub = NULL;
	place_path(&all, false, &path);
	body_op_begin(w, sv, BODY_ADD, buf_cstr(&path));
	jsonw_arr(w, "value");
	for (size_t n = 0; n < o->attr->count; n++)
		if (!have || !holds(&o->at, have, o->attr->values[n]))
			write_part(w, o, o->attr->values[n]);
	jsonw_end(w);
	jsonw_end(w);
	return 1;
}

/* The operations of one item; returns how many. */
static size_t
patch_item(struct jsonw *w, const struct scim_service *sv, struct body_items *it, size_t i,
	const struct json *have)
{
	struct body_item *o = &it->list[i];
	bool known = have != NULL, exists = known && there_any(&o->at, have);

	if (o->done)
		return 0; /* written together with another part of its element */
	o->done = true;
	if (o->part != BODY_WHOLE)
		return patch_part(w, sv, it, i, have);
	if (!o->attr->count) {
		if (known && !exists)
			return 0;
		patch_remove(w, sv, &o->at);
		return 1;
	}
	if (o->at.multi && o->at.sub && !o->at.type) {
		patch_add_elements(w, sv, it, i, true);
		return 1;
	}
	if (o->at.type && known && !there_element(&o->at, have, false)) {
		patch_add_elements(w, sv, it, i, false);
		return 1;
	}
	if (o->at.type && o->attr->count > 1) {
		patch_remove(w, sv, &o->at);
		patch_add_elements(w, sv, it, i, false);
		return 2;
	}
	patch_set(w, sv, o, known && !exists && !o->at.type ? BODY_ADD : BODY_REPLACE);
	return 1;
}

size_t
body_patch(const struct scim_service *sv, struct body_items *it, const struct json *have,
	size_t *done, struct jsonw *w)
{
	struct jsonw start = *w;
	size_t length = w->out->n, ops = 0, i;

	for (i = 0; i < it->count; i++)
		it->list[i].done = i < *done;
	body_patch_begin(w);
	for (i = *done; i < it->count && ops < sv->patch_ops; i++)
		ops += patch_item(w, sv, it, i, have);
	while (i < it->count && it->list[i].done)
		i++;
	body_patch_end(w);
	*done = i;
	if (!ops) {
		*w = start;
		w->out->n = length;
	}
	return ops;
}

bool
body_patch_needs_target(const struct body_items *it)
{
	for (size_t i = 0; i < it->count; i++)
		if (it->list[i].at.type || !it->list[i].attr->count ||
			it->list[i].part == BODY_LESS)
			return true;
	return false;
}
