/* Targets, the engine's side. */
#include <string.h>
#include "msg_p.h"

static const char *const op_names[] = {
	[OP_FIND] = "find",
	[OP_GET] = "get",
	[OP_CREATE] = "create",
	[OP_UPDATE] = "update",
	[OP_DELETE] = "delete",
	[OP_REFS] = "refs",
	[OP_LIST_REFS] = "list-refs",
};

const char *
wire_op_name(enum wire_op_type t)
{
	return op_names[t];
}

static void
write_known(struct jsonw *w, const char *name, const char *value)
{
	if (value)
		jsonw_str(w, name, value);
}

static void
write_refs(struct jsonw *w, const char *name, const struct wire_ref *refs, size_t count)
{
	if (count == 0)
		return;
	jsonw_arr(w, name);
	for (size_t i = 0; i < count; i++) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "key", refs[i].key);
		write_known(w, "kind", refs[i].kind);
		jsonw_end(w);
	}
	jsonw_end(w);
}

bool
wire_op_send(struct conn *c, const struct wire_op *op, struct err *e)
{
	CLEAN_BUF struct buf b = { 0 };
	struct jsonw w = msg_begin(&b, "op");

	jsonw_int(&w, "id", op->id);
	jsonw_str(&w, "op", wire_op_name(op->type));
	jsonw_str(&w, "kind", op->kind);
	write_known(&w, "key", op->key);
	write_known(&w, "external", op->external);
	write_known(&w, "name", op->name);
	write_known(&w, "version", op->version);
	if (op->attrs)
		attrs_write_elements(op->attrs, op->elements, &w, "attrs");
	if (op->type == OP_REFS || op->type == OP_LIST_REFS)
		jsonw_str(&w, "attribute", op->attribute);
	write_refs(&w, "add", op->add, op->add_count);
	write_refs(&w, "remove", op->remove, op->remove_count);
	jsonw_end(&w);
	return msg_send(c, &b, e);
}

static bool
read_seen(const struct json *j, struct arena *a, struct attrs *seen, bool *has_r, const char *type,
	struct err *e)
{
	const struct json *s = json_get(j, "seen");

	*has_r = s && json_type(s) != JSON_NULL;
	*seen = attrs_new(a);
	if (*has_r && !attrs_read(s, a, seen, e))
		return msg_refuse(e, type, e ? e->text : "bad attributes");
	return true;
}

static bool
read_found(const struct json *list, struct arena *a, struct wire_result *r, struct err *e)
{
	struct wire_found *found = arena_alloc(a, (json_count(list) + 1) * sizeof(*found));

	if (json_type(list) != JSON_ARRAY)
		return msg_refuse(e, "result", "found is not a list");
	json_for_each(it, list) {
		const char *by = json_get_string(it, "by");
		struct wire_found *f = &found[r->found_count++];

		*f = (struct wire_found){
			.key = msg_str(it, "key", a),
			.external = msg_str(it, "external", a),
			.name = msg_str(it, "name", a),
			.version = msg_str(it, "version", a),
			.by_external = by && strcmp(by, "external") == 0,
		};
		if (!f->key || !by || (!f->by_external && strcmp(by, "name") != 0))
			return msg_refuse(e, "result",
				"a found object lacks its key or by what it was found");
	}
	r->found = found;
	return true;
}

static bool
read_ok(const struct json *ok, struct arena *a, struct wire_result *r, struct err *e)
{
	const struct json *found = json_get(ok, "found");

	if (json_type(ok) != JSON_OBJECT)
		return msg_refuse(e, "result", "ok is not an object");
	r->ok = true;
	r->key = msg_str(ok, "key", a);
	r->version = msg_str(ok, "version", a);
	r->ref_count = (size_t)json_get_int(ok, "refs", 0);
	return (!found || read_found(found, a, r, e)) &&
	       read_seen(ok, a, &r->seen, &r->has_seen, "result", e);
}

/* Some of what a list-refs asked for. */
static bool
read_part(const struct json *j, struct arena *a, struct wire_result *r, struct err *e)
{
	const struct json *list = json_get(j, "set");
	struct wire_ref *refs = arena_alloc(a, (json_count(list) + 1) * sizeof(*refs));

	r->id = json_get_int(j, "id", 0);
	r->part = true;
	if (r->id <= 0 || json_type(list) != JSON_ARRAY)
		return msg_refuse(e, "refs", "it has no id, or no set");
	json_for_each(it, list) {
		struct wire_ref *ref = &refs[r->ref_count++];

		*ref = (struct wire_ref){ msg_str(it, "key", a), msg_str(it, "kind", a) };
		if (!ref->key || !*ref->key)
			return msg_refuse(e, "refs", "an end has no key");
	}
	r->refs = refs;
	return true;
}

int
wire_result_next(
	struct conn *c, int timeout_ms, struct arena *a, struct wire_result *r_r, struct err *e)
{
	CLEAN_JSON struct json *j = NULL;
	const struct json *ok, *error;
	const char *type;
	int got = msg_recv(c, timeout_ms, &j, &type, e);

	*r_r = (struct wire_result){ .seen = attrs_new(a) };
	if (got <= 0)
		return got;
	if (strcmp(type, "progress") == 0)
		return 1;
	if (strcmp(type, "refs") == 0)
		return read_part(j, a, r_r, e) ? 1 : -1;
	if (strcmp(type, "result") != 0)
		return msg_refuse(e, type, "a result was expected"), -1;
	ok = json_get(j, "ok");
	error = json_get(j, "error");
	r_r->id = json_get_int(j, "id", 0);
	if (r_r->id <= 0 || !ok == !error)
		return msg_refuse(e, type, "it has no id, or not one of ok and error"), -1;
	if (ok)
		return read_ok(ok, a, r_r, e) ? 1 : -1;
	r_r->attribute = msg_str(error, "attribute", a);
	r_r->other = msg_str(error, "other", a);
	return msg_error(error, &r_r->error, e) ? 1 : -1;
}

bool
wire_register(struct conn *c, const char *name, struct arena *a, const char **name_r, struct err *e)
{
	CLEAN_BUF struct buf b = { 0 };
	CLEAN_JSON struct json *j = NULL;
	struct jsonw w = msg_begin(&b, "register");
	const char *type;

	jsonw_str(&w, "name", name);
	jsonw_end(&w);
	if (!msg_send(c, &b, e))
		return false;
	if (!msg_recv_past_progress(c, &j, &type, e))
		return false;
	if (strcmp(type, "registered") != 0)
		return msg_refuse(e, type, "the end of a registration was expected");
	*name_r = msg_str(j, "name", a);
	return *name_r || msg_refuse(e, type, "it has no name");
}

bool
wire_list(struct conn *c, const char *kind, struct err *e)
{
	CLEAN_BUF struct buf b = { 0 };
	struct jsonw w = msg_begin(&b, "list");

	jsonw_str(&w, "kind", kind);
	jsonw_end(&w);
	memset(c->counts, 0, sizeof(c->counts));
	return msg_send(c, &b, e);
}

static bool
read_object(
	struct conn *c, const struct json *j, struct arena *a, struct wire_object *o, struct err *e)
{
	bool has_seen;

	c->counts[COUNT_OBJECT]++;
	o->total = c->counts[COUNT_OBJECT];
	o->key = msg_str(j, "key", a);
	o->external = msg_str(j, "external", a);
	o->name = msg_str(j, "name", a);
	o->version = msg_str(j, "version", a);
	if (!o->key || !*o->key)
		return msg_refuse(e, "object", "it has no key");
	return read_seen(j, a, &o->seen, &has_seen, "object", e);
}

static bool
end_cause(const struct json *end, struct err *e)
{
	const struct json *error = json_get(end, "error");
	struct err said;

	if (!error || json_type(error) == JSON_NULL)
		return true;
	if (!msg_error(error, &said, e))
		return false;
	if (e)
		*e = said;
	return true;
}

bool
wire_object_next(struct conn *c, struct arena *a, struct wire_object *o_r, struct err *e)
{
	CLEAN_JSON struct json *j = NULL;
	const char *type;

	*o_r = (struct wire_object){ .seen = attrs_new(a) };
	if (!msg_recv_past_progress(c, &j, &type, e))
		return false;
	if (strcmp(type, "object") == 0)
		return read_object(c, j, a, o_r, e);
	if (strcmp(type, "end") != 0)
		return msg_refuse(e, type, "an object or the end of a list was expected");
	o_r->end = true;
	o_r->total = c->counts[COUNT_OBJECT];
	/* An unsealed end is no failure of the connection; why it is unsealed goes into e, from the
	 * counts or from what it says. */
	o_r->sealed = json_get_bool(j, "sealed", false) && msg_counts_match(c, j, e);
	return o_r->sealed || end_cause(j, e);
}
