#include <string.h>
#include "cloud.h"

static bool
not_found(unsigned type, const char *id, struct err *e)
{
	CLEAN_BUF struct buf shown = { 0 };

	text_escape(id, strlen(id), 100, &shown);
	return err_set(e, ERR_OBJECT, "not-found", "no %s has the id \"%s\"", scim_types[type].name,
		buf_cstr(&shown));
}

bool
resource_load(struct call *k, unsigned type, const char *id, struct store_row *row_r, struct err *e)
{
	struct cloud *c = k->c;
	store_id bin;
	int64_t rid;

	if (!id_parse(id, bin))
		return not_found(type, id, e);
	if (!c->db->rid_of(c->store, bin, &rid, e))
		return false;
	if (!rid || store_tenant(rid) != k->tenant || store_type(rid) != type)
		return not_found(type, id, e);
	return c->db->get(c->store, rid, k->a, row_r, e);
}

/* The normal form into the scratch buffer. */
static bool
normal_form(struct call *k, unsigned type, const struct json *data, struct scim_keys *keys_r,
	struct err *e)
{
	struct buf *out = &k->c->text;

	buf_reset(out);
	if (!scim_resource_write(&scim_types[type], data, k->a, out, keys_r, e))
		return false;
	if (out->n > CLOUD_RESOURCE_MAX)
		return err_set(e, ERR_OBJECT, "invalidValue", "the %s is longer than %zu bytes",
			scim_types[type].name, CLOUD_RESOURCE_MAX);
	return true;
}

/* A user is active unless told otherwise; a PUT without it, or a PATCH that removes it, leaves it as
 * it was: absence neither deactivates (Okta leaves it out) nor activates anybody. */
static void
default_active(unsigned type, struct json *data, bool active)
{
	const struct json *given = scim_get(data, "active");

	if (type == SCIM_USER && json_type(data) == JSON_OBJECT && json_type(given) == JSON_NULL)
		json_set(data, given ? json_key(given) : "active", json_new_bool(active));
}

bool
resource_create(struct call *k, unsigned type, struct json *data, const unsigned char *id,
	struct store_row *row_r, struct err *e)
{
	struct cloud *c = k->c;
	struct scim_keys keys;
	struct names names, none = { 0 };
	struct members members = { 0 };
	bool changed = false;

	default_active(type, data, true);
	if (!normal_form(k, type, data, &keys, e))
		return false;
	names_of(k, type, &keys, &names);
	if (!names_check(k, &names, 0, e))
		return false;
	if (keys.members && !members_resolve(k, keys.members, false, &members, e))
		return false;
	*row_r = (struct store_row){ .rid = store_first(k->tenant, type),
		.version = 1,
		.created = k->now,
		.modified = k->now,
		.body = buf_str(&c->text) };
	if (id)
		memcpy(row_r->id, id, sizeof(row_r->id));
	else
		id_new(c->clock, row_r->id);
	if (!c->db->insert(c->store, row_r, e) || !names_store(k, row_r->rid, &none, &names, e) ||
		!members_add(k, row_r->rid, &members, &changed, e))
		return cloud_spoil(c, e);
	return true;
}

/* What the stored text is found by, for comparison with the new. */
static bool
names_before(
	struct call *k, unsigned type, const struct json *was, struct names *n_r, struct err *e)
{
	struct scim_keys keys;

	buf_reset(&k->c->text);
	if (!scim_resource_write(&scim_types[type], was, k->a, &k->c->text, &keys, e))
		return err_wrap(e, "stored %s", scim_types[type].name);
	names_of(k, type, &keys, n_r);
	return true;
}

/* What it is now found by, and whether those names are free: asked before anything is written. */
static bool
names_after(struct call *k, unsigned type, const struct store_row *row,
	const struct scim_keys *keys, struct names *n_r, struct err *e)
{
	names_of(k, type, keys, n_r);
	return names_check(k, n_r, row->rid, e);
}

/* Writes the new text when it differs, and the new version when anything did. now: NULL when the
 * text was not touched. */
static bool
store_change(struct call *k, struct store_row *row, const struct names *was,
	const struct names *now, bool members_changed, struct err *e)
{
	struct cloud *c = k->c;
	bool text_changed = now && !str_eq(buf_str(&c->text), row->body);

	if (!text_changed && !members_changed)
		return true;
	row->version++;
	row->modified = k->now;
	if (text_changed) {
		row->body = buf_str(&c->text);
		if (!names_store(k, row->rid, was, now, e))
			return cloud_spoil(c, e);
	}
	return c->db->update(c->store, row, e) || cloud_spoil(c, e);
}

bool
resource_replace(
	struct call *k, unsigned type, struct json *data, struct store_row *row, struct err *e)
{
	CLEAN_JSON struct json *was = NULL;
	struct scim_keys keys;
	struct names before, after;
	struct members members;
	bool changed = false;

	if (!json_parse(row->body, 0, &was, e) || !names_before(k, type, was, &before, e))
		return err_set(e, ERR_SIDE, "store", "stored %s is damaged", scim_types[type].name);
	default_active(type, data, json_bool(scim_get(was, "active"), true));
	if (!normal_form(k, type, data, &keys, e) || !names_after(k, type, row, &keys, &after, e))
		return false;
	if (keys.members) {
		if (!members_resolve(k, keys.members, false, &members, e))
			return false;
		if (!members_replace(k, row->rid, &members, &changed, e))
			return cloud_spoil(k->c, e);
	}
	return store_change(k, row, &before, &after, changed, e);
}

/* The operations of a PATCH that are about members, resolved; the others on the tree. */
static bool
patch_tree(struct call *k, unsigned type, const struct scim_patch *p, struct json *tree,
	struct scim_keys *keys_r, struct err *e)
{
	bool active = json_bool(scim_get(tree, "active"), true);

	for (size_t i = 0; i < p->n; i++) {
		if (!p->ops[i].path.attr->rows &&
			!scim_patch_apply_one(&scim_types[type], &p->ops[i], tree, e))
			return false;
	}
	default_active(type, tree, active);
	return normal_form(k, type, tree, keys_r, e);
}

bool
resource_patch(struct call *k, unsigned type, const struct json *body, struct store_row *row,
	struct err *e)
{
	CLEAN_JSON struct json *tree = NULL;
	struct scim_patch p;
	struct scim_keys keys;
	struct names before = { 0 }, after;
	struct member_op *ops;
	size_t n_ops = 0;
	bool changed = false;

	if (!scim_patch_parse(&scim_types[type], body, k->a, &p, e))
		return false;
	ops = arena_alloc(k->a, (p.n + 1) * sizeof(*ops));
	for (size_t i = 0; i < p.n; i++) {
		if (p.ops[i].path.attr->rows && !member_op_prepare(k, &p.ops[i], &ops[n_ops++], e))
			return false;
	}
	if (n_ops < p.n) { /* members alone leave the group's text unread */
		if (!json_parse(row->body, 0, &tree, e) || !names_before(k, type, tree, &before, e))
			return err_set(e, ERR_SIDE, "store", "stored %s is damaged",
				scim_types[type].name);
		if (!patch_tree(k, type, &p, tree, &keys, e) ||
			!names_after(k, type, row, &keys, &after, e))
			return false;
	}
	for (size_t i = 0; i < n_ops; i++) {
		if (!member_op_apply(k, row->rid, &ops[i], &changed, e))
			return cloud_spoil(k->c, e);
	}
	return store_change(k, row, &before, tree ? &after : NULL, changed, e);
}

bool
resource_remove(struct call *k, unsigned type, const struct store_row *row, struct err *e)
{
	CLEAN_JSON struct json *was = NULL;
	struct names before, none = { 0 };

	if (!json_parse(row->body, 0, &was, e) || !names_before(k, type, was, &before, e))
		return err_set(e, ERR_SIDE, "store", "stored %s is damaged", scim_types[type].name);
	if (!names_store(k, row->rid, &before, &none, e) ||
		!k->c->db->remove(k->c->store, row->rid, k->now, e))
		return cloud_spoil(k->c, e);
	return true;
}

bool
resource_match(const char *header, const struct store_row *row)
{
	CLEAN_FREE char *tag = NULL;
	struct str rest, one;
	const char *comma;

	if (!header)
		return true;
	tag = xasprintf("\"%lld\"", (long long)row->version);
	rest = str_c(header);
	while (rest.n) {
		comma = memchr(rest.p, ',', rest.n);
		one = str_trim((struct str){ rest.p, comma ? (size_t)(comma - rest.p) : rest.n });
		rest = comma ? (struct str){ comma + 1, rest.n - (size_t)(comma + 1 - rest.p) }
			     : (struct str){ 0 };
		if (str_starts(one, "W/"))
			one = (struct str){ one.p + 2, one.n - 2 };
		if (str_eqc(one, "*") || str_eqc(one, tag))
			return true;
	}
	return false;
}
