#include <string.h>
#include "scim/patch.h"
#include "value.h"

struct parser {
	const struct scim_type *type;
	struct arena *arena;
	struct scim_patch *patch;
	size_t cap;
	struct err *e;
};

static bool
add_op(struct parser *p, enum scim_patch_kind kind, const struct scim_path *path,
	const struct json *value)
{
	struct scim_patch *list = p->patch;

	if (list->n == SCIM_PATCH_OPS)
		return err_set(p->e, ERR_OBJECT, "invalidSyntax",
			"more than %d operations in one PATCH", SCIM_PATCH_OPS);
	if (list->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 8;
		struct scim_patch_op *grown = arena_alloc(p->arena, cap * sizeof(*grown));
		if (list->n)
			memcpy(grown, list->ops, list->n * sizeof(*grown));
		list->ops = grown;
		p->cap = cap;
	}
	list->ops[list->n++] =
		(struct scim_patch_op){ kind, *path, json_type(value) == JSON_NULL ? NULL : value };
	return true;
}

static bool
read_only(const struct scim_path *path)
{
	return path->attr && (path->attr->mutability == SCIM_READ_ONLY ||
				     (path->sub && path->sub->mutability == SCIM_READ_ONLY));
}

/* A whole extension {"urn:...": {...}}: one operation for each of its attributes. */
static bool
expand_schema(struct parser *p, enum scim_patch_kind kind, const struct scim_path *path,
	const struct json *value)
{
	struct scim_path one = { .text = path->text, .schema = path->schema };

	if (kind == SCIM_PATCH_REMOVE) {
		for (size_t i = 0; i < path->schema->n_attrs; i++) {
			one.attr = &path->schema->attrs[i];
			if (!add_op(p, kind, &one, NULL))
				return false;
		}
		return true;
	}
	if (json_type(value) != JSON_OBJECT)
		return err_set(p->e, ERR_OBJECT, "invalidValue", "%.*s: an object is expected",
			(int)path->text.n, path->text.p);
	json_for_each(m, value) {
		CLEAN_BUF struct buf text = { 0 };
		struct scim_path sub;
		struct err ignored;
		buf_addf(&text, "%s:%s", path->schema->urn, json_key(m));
		struct str copy = { arena_strndup(p->arena, buf_cstr(&text), text.n), text.n };
		if (!scim_path_parse(p->type, copy, p->arena, &sub, &ignored) || !sub.attr ||
			read_only(&sub))
			continue;
		if (!add_op(p, kind, &sub, m))
			return false;
	}
	return true;
}

/* Without a path the value's members are the paths; what we do not know, and id, schemas, meta
 * beside it, is passed over, as in POST and PUT. */
static bool
expand_pathless(struct parser *p, enum scim_patch_kind kind, const struct json *value)
{
	if (kind == SCIM_PATCH_REMOVE)
		return err_set(p->e, ERR_OBJECT, "noTarget", "remove needs a path");
	if (json_type(value) != JSON_OBJECT)
		return err_set(p->e, ERR_OBJECT, "invalidValue",
			"an operation without path needs an object as its value");
	json_for_each(m, value) {
		struct scim_path path;
		struct err ignored;
		if (!scim_path_parse(p->type, str_c(json_key(m)), p->arena, &path, &ignored))
			continue;
		if (path.attr && path.attr->rows && json_type(m) == JSON_NULL)
			continue; /* "members": null beside a name asserts nothing; it must
					     not empty a group */
		if (!path.attr && path.schema && json_type(m) == JSON_OBJECT) {
			if (!expand_schema(p, kind, &path, m))
				return false;
		} else if (path.attr && !read_only(&path) && !add_op(p, kind, &path, m)) {
			return false;
		}
	}
	return true;
}

static bool
parse_kind(const char *name, enum scim_patch_kind *kind_r)
{
	static const char *const names[] = { "add", "replace", "remove" };

	for (size_t i = 0; name && i < ARRAY_LEN(names); i++) {
		if (ascii_ieq(name, names[i])) {
			*kind_r = (enum scim_patch_kind)i;
			return true;
		}
	}
	return false;
}

static bool
parse_op(struct parser *p, const struct json *op)
{
	const struct json *path_json = scim_get(op, "path"), *value = scim_get(op, "value");
	const char *text = json_string(path_json);
	enum scim_patch_kind kind;
	struct scim_path path;

	if (!parse_kind(json_string(scim_get(op, "op")), &kind))
		return err_set(
			p->e, ERR_OBJECT, "invalidSyntax", "\"op\" must be add, replace or remove");
	if (json_type(path_json) != JSON_NULL && !text)
		return err_set(p->e, ERR_OBJECT, "invalidPath", "\"path\" must be a text");
	if (kind == SCIM_PATCH_ADD && !value)
		return err_set(p->e, ERR_OBJECT, "invalidValue", "add needs a value");
	if (!text || !*text)
		return expand_pathless(p, kind, value);
	if (!scim_path_parse(p->type, str_c(text), p->arena, &path, p->e))
		return false;
	if (!path.attr && path.schema)
		return expand_schema(p, kind, &path, value);
	if (!path.attr)
		return err_set(p->e, ERR_OBJECT, "invalidPath", "no attribute \"%.200s\" in %s",
			text, p->type->name);
	if (read_only(&path))
		return err_set(p->e, ERR_OBJECT, "mutability", "\"%.200s\" is read-only", text);
	if (path.attr->rows && kind == SCIM_PATCH_REPLACE && !value)
		return err_set(p->e, ERR_OBJECT, "invalidValue",
			"replace of %s needs a value: a list, perhaps []", path.attr->name);
	if (path.filter && !path.attr->multi)
		return err_set(p->e, ERR_OBJECT, "invalidPath",
			"%s has one value; no filter applies", path.attr->name);
	return add_op(p, kind, &path, value);
}

bool
scim_patch_parse(const struct scim_type *type, const struct json *body, struct arena *a,
	struct scim_patch *p_r, struct err *e)
{
	struct parser p = { .type = type, .arena = a, .patch = p_r, .e = e };
	const struct json *ops = scim_get(body, "Operations");

	*p_r = (struct scim_patch){ 0 };
	if (json_type(ops) != JSON_ARRAY || json_count(ops) == 0)
		return err_set(e, ERR_OBJECT, "invalidSyntax", "\"Operations\" must be a list");
	json_for_each(op, ops) {
		if (!parse_op(&p, op))
			return false;
	}
	return true;
}
