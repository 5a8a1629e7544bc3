/* References: members of a group, the manager of a user. */
#include <string.h>
#include "base/map.h"
#include "scim_body.h"

/* "members" with one id, as a filter on values; ids are foreign text. */
static void
remove_path(const struct place *p, const char *key, struct buf *out)
{
	struct place all = *p;
	struct jsonw w;

	all.sub = NULL;
	place_path(&all, false, out);
	buf_adds(out, "[value eq ");
	w = jsonw(out);
	jsonw_str(&w, NULL, key);
	buf_addc(out, ']');
}

static void
write_values(struct jsonw *w, const char *const *keys, size_t n)
{
	jsonw_arr(w, "value");
	for (size_t i = 0; i < n; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "value", keys[i]);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static size_t
patch_add(const struct scim_service *sv, const struct body_refs *r, const char *path, size_t limit,
	size_t from, struct jsonw *w)
{
	size_t n = r->add_count - from < limit ? r->add_count - from : limit;

	body_op_begin(w, sv, BODY_ADD, path);
	write_values(w, r->add + from, n);
	jsonw_end(w);
	return n;
}

static size_t
patch_remove(const struct scim_service *sv, const struct body_refs *r, const struct place *p,
	size_t limit, size_t ops, size_t from, struct jsonw *w)
{
	size_t n = r->remove_count - from < limit ? r->remove_count - from : limit;
	CLEAN_BUF struct buf path = { 0 };

	if (sv->profile->quirks & SCIM_REMOVE_VALUES) {
		struct place all = *p;
		all.sub = NULL;
		place_path(&all, false, &path);
		body_op_begin(w, sv, BODY_REMOVE, buf_cstr(&path));
		write_values(w, r->remove + from, n);
		jsonw_end(w);
		return n;
	}
	n = n < ops ? n : ops;
	for (size_t i = 0; i < n; i++) {
		buf_reset(&path);
		remove_path(p, r->remove[from + i], &path);
		body_op_begin(w, sv, BODY_REMOVE, buf_cstr(&path));
		jsonw_end(w);
	}
	return n;
}

/* A reference that holds one value: an addition replaces, a removal clears. */
static size_t
patch_single(const struct scim_service *sv, const struct body_refs *r, const struct place *p,
	struct jsonw *w)
{
	struct place all = *p;
	CLEAN_BUF struct buf path = { 0 };

	all.sub = NULL;
	place_path(&all, false, &path);
	if (!r->add_count) {
		body_op_begin(w, sv, BODY_REMOVE, buf_cstr(&path));
	} else {
		body_op_begin(w, sv, BODY_REPLACE, buf_cstr(&path));
		if (sv->profile->quirks & SCIM_MANAGER_STRING) {
			jsonw_str(w, "value", r->add[r->add_count - 1]);
		} else {
			jsonw_obj(w, "value");
			jsonw_str(w, "value", r->add[r->add_count - 1]);
			jsonw_end(w);
		}
	}
	jsonw_end(w);
	return r->add_count + r->remove_count;
}

size_t
body_refs_patch(const struct scim_service *sv, const struct body_refs *r, size_t limit,
	size_t *done, struct arena *a, struct jsonw *w)
{
	struct place p = place_of(r->kind, r->attribute, a);
	CLEAN_BUF struct buf path = { 0 };
	size_t n = 0, ops = sv->patch_ops;

	body_patch_begin(w);
	p.sub = NULL;
	place_path(&p, false, &path);
	if (!p.multi) {
		n = patch_single(sv, r, &p, w);
	} else {
		if (*done < r->add_count) {
			n = patch_add(sv, r, buf_cstr(&path), limit, *done, w);
			ops--;
		}
		if (*done + n >= r->add_count && n < limit && ops && r->remove_count)
			n += patch_remove(sv, r, &p, limit - n, ops, *done + n - r->add_count, w);
	}
	body_patch_end(w);
	*done += n;
	return n;
}

static void
put_single(const struct body_refs *r, const struct place *p, struct json *level)
{
	if (!r->add_count) {
		json_remove(level, p->attr);
		return;
	}
	json_set(level, p->attr, json_new_object());
	json_set_string(json_get_mut(level, p->attr), "value", r->add[r->add_count - 1]);
}

static void
put_list(const struct body_refs *r, const struct place *p, struct json *level)
{
	struct json *list = json_new_array();
	struct map *named = map_new();

	for (size_t i = 0; i < r->remove_count; i++)
		map_set(named, str_c(r->remove[i]), list);
	for (size_t i = 0; i < r->add_count; i++)
		map_set(named, str_c(r->add[i]), list);
	json_for_each(it, json_get(level, p->attr)) {
		const char *key = json_get_string(it, "value");
		if (key && !map_has(named, str_c(key)))
			json_push(list, json_dup(it));
	}
	for (size_t i = 0; i < r->add_count; i++) {
		struct json *m = json_new_object();
		json_set_string(m, "value", r->add[i]);
		json_push(list, m);
	}
	json_set(level, p->attr, list);
	map_free(named, NULL);
}

void
body_refs_put(const struct body_refs *r, struct arena *a, struct json *resource)
{
	struct place p = place_of(r->kind, r->attribute, a);

	body_put(&(struct body_items){ 0 }, resource);
	if (p.schema && json_type(json_get(resource, p.schema)) != JSON_OBJECT)
		json_set(resource, p.schema, json_new_object());
	struct json *level = p.schema ? json_get_mut(resource, p.schema) : resource;
	if (p.multi)
		put_list(r, &p, level);
	else
		put_single(r, &p, level);
}
