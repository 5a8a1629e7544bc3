#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "bulk.h"

/* So many operations run within each other, each for a reference of the one before. What is referred to
 * beyond that is treated as the other end of a cycle is: its id is known, it runs later. */
#define DEPTH_MAX 64

enum state { NEW, RUNNING, DONE };

struct op {
	const char *method, *path, *bulk_id, *version;
	struct json *data;
	enum state state;
	bool failed, made;
	unsigned type;
	store_id id; /* of a POST: given out before anything runs, so that references resolve at
			once */
	struct store_row row;
	const char *location;
	int status;
	struct err err;
};

/* One operation refers to what another makes. member: the target does not exist yet, being the other end of a
 * cycle or DEPTH_MAX away, and is to be a member when it does. */
struct link {
	size_t op, target;
	bool member;
};

struct bulk {
	struct call *k;
	struct op *ops;
	size_t n, current, depth, errors, max_errors;
	bool references; /* the request holds "bulkId:" somewhere */
	struct map *by_id;
	struct link *links;
	size_t n_links, cap_links, n_back; /* n_back: references that closed a cycle */
};

static bool run_op(struct bulk *b, size_t i);

static void
add_link(struct bulk *b, size_t target, bool member)
{
	if (b->n_links == b->cap_links) {
		b->cap_links = b->cap_links ? b->cap_links * 2 : 16;
		b->links = xrealloc(b->links, b->cap_links * sizeof(*b->links));
	}
	b->links[b->n_links++] = (struct link){ b->current, target, member };
}

bool
bulk_pending(struct bulk *b, const store_id id)
{
	for (size_t i = 0; i < b->n; i++) {
		struct op *op = &b->ops[i];
		if (!op->bulk_id || op->state == DONE || memcmp(op->id, id, sizeof(store_id)) != 0)
			continue;
		add_link(b, i, true);
		return true;
	}
	return false;
}

/* The id behind "bulkId:x"; the operation that makes it is run first, unless we are in its own run.
 */
static const char *
resolve_ref(struct bulk *b, const char *ref, struct err *e)
{
	const char *name = ref + strlen("bulkId:");
	struct op *target = map_get(b->by_id, str_c(name));
	size_t before = b->current, back = b->n_back;
	char id[ID_TEXT];

	if (!target) {
		err_set(e, ERR_OBJECT, "invalidValue",
			"no POST of this request has the bulkId \"%.100s\"", name);
		return NULL;
	}
	if (target->state == NEW && b->depth < DEPTH_MAX) {
		run_op(b, (size_t)(target - b->ops));
		b->current = before;
	}
	if (target->failed) { /* 409 for a cycle that cannot be resolved: RFC 7644 3.7.1 */
		err_set(e, ERR_OBJECT, b->n_back > back ? "conflict" : "invalidValue",
			"the operation with the bulkId \"%.100s\" failed", name);
		return NULL;
	}
	b->n_back += target->state == RUNNING;
	add_link(b, (size_t)(target - b->ops), false);
	id_format(target->id, id);
	return arena_strdup(b->k->a, id);
}

static bool
is_ref(const char *s)
{
	return s && strncmp(s, "bulkId:", 7) == 0;
}

/* Puts ids in the place of references, anywhere in the data. */
static bool
replace_refs(struct bulk *b, struct json *j, struct err *e)
{
	const struct json *next;
	const char *id;

	for (const struct json *it = json_first(j); it; it = next) {
		struct json *v = (struct json *)(uintptr_t)it;
		next = json_next(it);
		if (!is_ref(json_string(it))) {
			if (!replace_refs(b, v, e))
				return false;
			continue;
		}
		id = resolve_ref(b, json_string(it), e);
		if (!id)
			return false;
		if (json_type(j) == JSON_OBJECT) {
			json_set_string(j, json_key(it), id);
		} else { /* lists of references have no order to keep */
			json_free(json_detach(j, v));
			json_push(j, json_new_string(id));
		}
	}
	return true;
}

/* "/Users/id" to type and id (NULL for the endpoint itself). */
static bool
split_path(struct bulk *b, struct op *op, const char **id_r, struct err *e)
{
	for (unsigned t = 0; t < SCIM_TYPES; t++) {
		size_t n = strlen(scim_types[t].endpoint);
		if (!op->path || strncasecmp(op->path, scim_types[t].endpoint, n) != 0 ||
			(op->path[n] && op->path[n] != '/'))
			continue;
		op->type = t;
		*id_r = op->path[n] && op->path[n + 1] ? op->path + n + 1 : NULL;
		if (is_ref(*id_r))
			*id_r = resolve_ref(b, *id_r, e);
		else
			return true;
		return *id_r != NULL;
	}
	return err_set(e, ERR_OBJECT, "invalidPath",
		"path must be /Users or /Groups, with an id behind it");
}

static bool
change(struct bulk *b, struct op *op, const char *id, struct err *e)
{
	struct call *k = b->k;

	if (!id)
		return err_set(
			e, ERR_OBJECT, "invalidPath", "%s needs an id in its path", op->method);
	if (!resource_load(k, op->type, id, &op->row, e))
		return false;
	op->location = render_location(k, &op->row);
	if (!resource_match(op->version, &op->row))
		return err_set(e, ERR_OBJECT, "precondition", "version %s is not the current one",
			op->version);
	if (strcmp(op->method, "DELETE") == 0) {
		op->status = 204;
		return resource_remove(k, op->type, &op->row, e);
	}
	op->status = 200;
	if (json_type(op->data) != JSON_OBJECT)
		return err_set(e, ERR_OBJECT, "invalidSyntax", "data must be an object");
	if (strcmp(op->method, "PUT") == 0)
		return resource_replace(k, op->type, op->data, &op->row, e);
	if (strcmp(op->method, "PATCH") == 0)
		return resource_patch(k, op->type, op->data, &op->row, e);
	return err_set(e, ERR_OBJECT, "invalidSyntax", "method must be POST, PUT, PATCH or DELETE");
}

static bool
perform(struct bulk *b, struct op *op, struct err *e)
{
	const char *id = NULL;

	if (!split_path(b, op, &id, e))
		return false;
	if (b->references && op->data && !replace_refs(b, op->data, e))
		return false;
	if (!op->method || strcmp(op->method, "POST") != 0) {
		if (!op->method)
			op->method = "";
		return change(b, op, id, e);
	}
	if (id)
		return err_set(e, ERR_OBJECT, "invalidPath", "POST goes to /Users or /Groups");
	if (json_type(op->data) != JSON_OBJECT)
		return err_set(e, ERR_OBJECT, "invalidSyntax", "data must be an object");
	if (!resource_create(b->k, op->type, op->data, op->id, &op->row, e))
		return false;
	op->made = true;
	op->status = 201;
	op->location = render_location(b->k, &op->row);
	return true;
}

static void
note_failure(struct bulk *b, struct op *op)
{
	op->failed = true;
	op->status = reply_status(&op->err);
	b->errors++;
}

static bool
run_op(struct bulk *b, size_t i)
{
	struct op *op = &b->ops[i];

	op->state = RUNNING;
	b->current = i;
	b->depth++;
	if (!perform(b, op, &op->err))
		note_failure(b, op);
	b->depth--;
	op->state = DONE;
	return !op->failed;
}

/* Takes back a resource whose reference could not be fulfilled. */
static void
unmake(struct bulk *b, struct op *op)
{
	struct store_row row;
	struct err e = { 0 };
	char id[ID_TEXT];

	id_format(op->id, id);
	if (resource_load(b->k, op->type, id, &row, &e))
		resource_remove(b->k, op->type, &row, &e);
	else
		cloud_spoil(b->k->c, &e); /* unless a later operation removed it */
	op->location = NULL;
}

/* What refers to an operation that failed after all, or was not reached before failOnErrors, has failed, too: the
 * other ends of a cycle, and what came to refer to them. */
static void
fail_links(struct bulk *b)
{
	bool again = true;

	while (again && !b->k->c->broken.kind) {
		again = false;
		for (size_t i = 0; i < b->n_links; i++) {
			struct op *op = &b->ops[b->links[i].op];
			const struct op *target = &b->ops[b->links[i].target];
			if (op->failed || (target->state == DONE && !target->failed))
				continue;
			err_set(&op->err, ERR_OBJECT, "conflict",
				"the operation with the bulkId \"%.100s\" failed", target->bulk_id);
			note_failure(b, op);
			if (op->made)
				unmake(b, op);
			again = true;
		}
	}
}

/* Memberships that waited for the other end of a cycle. */
static void
run_links(struct bulk *b)
{
	struct call *k = b->k;
	bool changed = false;

	fail_links(b);
	for (size_t i = 0; i < b->n_links && !k->c->broken.kind; i++) {
		struct op *op = &b->ops[b->links[i].op], *target = &b->ops[b->links[i].target];
		struct member m = { .rid = target->row.rid };
		if (op->failed || !b->links[i].member)
			continue;
		memcpy(m.id, target->id, sizeof(m.id));
		if (!members_add(k, op->row.rid, &(struct members){ &m, 1 }, &changed, &op->err))
			cloud_spoil(k->c, &op->err);
	}
}

static bool
read_ops(struct bulk *b, struct json *list, struct err *e)
{
	size_t i = 0;

	b->ops = arena_alloc(b->k->a, (b->n + 1) * sizeof(*b->ops));
	json_for_each(it, list) {
		struct op *op = &b->ops[i++];
		op->method = json_string(scim_get(it, "method"));
		op->path = json_string(scim_get(it, "path"));
		op->bulk_id = json_string(scim_get(it, "bulkId"));
		op->version = json_string(scim_get(it, "version"));
		op->data = (struct json *)(uintptr_t)scim_get(it, "data");
		if (!op->method || strcmp(op->method, "POST") != 0)
			continue;
		id_new(b->k->c->clock, op->id);
		if (op->bulk_id && map_set(b->by_id, str_c(op->bulk_id), op))
			return err_set(e, ERR_OBJECT, "invalidSyntax",
				"the bulkId \"%.100s\" is there twice", op->bulk_id);
	}
	return true;
}

static void
write_op(const struct op *op, struct jsonw *w)
{
	char text[32];

	jsonw_obj(w, NULL);
	jsonw_str(w, "method", op->method);
	if (op->bulk_id)
		jsonw_str(w, "bulkId", op->bulk_id);
	if (op->location)
		jsonw_str(w, "location", op->location);
	if (!op->failed && op->status != 204) {
		render_version(&op->row, text);
		jsonw_str(w, "version", text);
	}
	snprintf(text, sizeof(text), "%d", op->status);
	jsonw_str(w, "status", text);
	if (op->failed)
		reply_error_body(&op->err, w, "response");
	jsonw_end(w);
}

static void
write_reply(const struct bulk *b, struct reply *r)
{
	struct jsonw w = jsonw(&r->out.text);

	r->status = 200;
	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "schemas");
	jsonw_str(&w, NULL, SCIM_MSG "BulkResponse");
	jsonw_end(&w);
	jsonw_arr(&w, "Operations");
	for (size_t i = 0; i < b->n; i++) {
		if (b->ops[i].state == DONE)
			write_op(&b->ops[i], &w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
}

static bool
run_all(struct bulk *b, struct json *list, struct reply *r, struct err *e)
{
	if (!read_ops(b, list, e))
		return false;
	for (size_t i = 0; i < b->n; i++) {
		if (b->ops[i].state == NEW)
			run_op(b, i);
		if (b->k->c->broken.kind) {
			*e = b->k->c->broken;
			return false;
		}
		if (b->max_errors && b->errors >= b->max_errors)
			break;
	}
	run_links(b);
	if (b->k->c->broken.kind) {
		*e = b->k->c->broken;
		return false;
	}
	write_reply(b, r);
	return true;
}

bool
bulk_run(struct call *k, struct json *body, bool references, struct reply *r, struct err *e)
{
	struct json *list = (struct json *)(uintptr_t)scim_get(body, "Operations");
	const struct json *fail = scim_get(body, "failOnErrors");
	struct bulk b = { .k = k, .n = json_count(list), .references = references };
	double most = json_number(fail, 0);
	bool ok;

	if (json_type(list) != JSON_ARRAY || b.n == 0)
		return err_set(e, ERR_OBJECT, "invalidSyntax", "\"Operations\" must be a list");
	if (b.n > CLOUD_BULK_OPS)
		return err_set(e, ERR_OBJECT, "too-large", "%zu operations; maxOperations is %d",
			b.n, CLOUD_BULK_OPS);
	b.max_errors = most >= 1 && most <= CLOUD_BULK_OPS ? (size_t)most : 0;
	b.by_id = map_new();
	k->bulk = &b;
	ok = run_all(&b, list, r, e);
	k->bulk = NULL;
	map_free(b.by_id, NULL);
	free(b.links);
	return ok;
}
