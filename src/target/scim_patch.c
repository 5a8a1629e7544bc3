/* PATCH: what is to be changed, as operations. */
#include "scim_body.h"

#include <string.h>

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
		body_write_element(w, it, i, n, false);
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
		body_write_value(w, "value", &it->at, it->attr->values[0]);
	else
		body_write_plain(w, "value", it);
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
		body_write_value(w, NULL, &o->at, v);
		return;
	}
	jsonw_obj(w, NULL);
	body_write_value(w, o->at.sub, &o->at, v);
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
		body_same_element(&it->list[i].at, &o->at);
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
