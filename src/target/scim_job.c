#include "scim_job.h"
#include <stdlib.h>
#include <string.h>

#define JOB_BYTES 2500 /* most hold a person's few attributes; there are thousands */

static const char *const job_names[JOB_TYPES] = { [JOB_FIND] = "find",
	[JOB_GET] = "get",
	[JOB_CREATE] = "create",
	[JOB_UPDATE] = "update",
	[JOB_DELETE] = "delete",
	[JOB_REFS] = "refs",
	[JOB_LIST_REFS] = "list-refs",
	[JOB_LIST] = "list" };

const char *
job_name(enum job_type t)
{
	return job_names[t];
}

void
job_queue_init(struct job_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
	q->count = 0;
}

void
job_queue_add(struct job_queue *q, struct job *j)
{
	j->next = NULL;
	*q->last = j;
	q->last = &j->next;
	q->count++;
}

void
job_queue_add_first(struct job_queue *q, struct job *j)
{
	j->next = q->first;
	if (!q->first)
		q->last = &j->next;
	q->first = j;
	q->count++;
}

struct job *
job_queue_take(struct job_queue *q)
{
	struct job *j = q->first;

	if (!j)
		return NULL;
	q->first = j->next;
	if (!q->first)
		q->last = &q->first;
	q->count--;
	j->next = NULL;
	return j;
}

struct job *
job_new(void)
{
	struct job *j = xcalloc(1, sizeof(*j));
	j->arena = arena_new_small(JOB_BYTES);
	return j;
}

void
job_reset(struct job *j)
{
	struct arena *a = j->arena;
	arena_reset(a);
	*j = (struct job){ .arena = a };
}

void
job_free(struct job *j)
{
	arena_free(j->arena);
	free(j);
}

bool
job_is_write(const struct job *j)
{
	return j->type == JOB_CREATE || j->type == JOB_UPDATE || j->type == JOB_DELETE ||
	       j->type == JOB_REFS;
}

struct answer_context
job_context(const struct job *j)
{
	return (struct answer_context){ .what = job_names[j->type],
		.write = job_is_write(j),
		.create = j->type == JOB_CREATE,
		.kind = j->kind };
}

static bool
bad(struct err *e, const char *what)
{
	return err_set(e, ERR_OBJECT, "bad-operation", "operation: %s", what);
}

/* A string member; absent gives NULL. */
static bool
text(struct job *j, const struct json *msg, const char *name, const char **s_r)
{
	const struct json *v = json_get(msg, name);
	const char *s = json_string(v);

	if (v && !s && json_type(v) != JSON_NULL)
		return false;
	*s_r = s ? arena_strdup(j->arena, s) : NULL;
	return true;
}

static bool
read_keys(struct job *j, const struct json *list, const char *const **keys_r, size_t *count_r)
{
	const char **keys = arena_alloc(j->arena, (json_count(list) + 1) * sizeof(*keys));
	size_t n = 0;

	json_for_each(it, list) {
		const char *key = json_get_string(it, "key");
		if (!key || !*key)
			return false;
		keys[n++] = arena_strdup(j->arena, key);
	}
	*keys_r = keys;
	*count_r = n;
	return true;
}

static bool
read_refs(struct job *j, const struct json *msg, struct err *e)
{
	struct body_refs *r = &j->refs;

	r->kind = j->kind;
	if (!text(j, msg, "attribute", &r->attribute) || !r->attribute)
		return bad(e, "refs needs an attribute");
	if (!read_keys(j, json_get(msg, "add"), &r->add, &r->add_count) ||
		!read_keys(j, json_get(msg, "remove"), &r->remove, &r->remove_count))
		return bad(e, "a reference needs a key");
	return true;
}

static bool
type_find(const char *name, enum job_type *t_r)
{
	for (int i = 0; name && i < JOB_LIST; i++) {
		if (strcmp(job_names[i], name) == 0) {
			*t_r = (enum job_type)i;
			return true;
		}
	}
	return false;
}

static bool
read_op(struct job *j, const struct json *msg, struct err *e)
{
	const char *op = json_get_string(msg, "op");
	struct attrs gone = attrs_new(j->arena);

	if (!type_find(op, &j->type))
		return bad(e, "its op is not known");
	if (!text(j, msg, "external", &j->external) || !text(j, msg, "name", &j->name) ||
		!text(j, msg, "key", &j->key) || !text(j, msg, "version", &j->version))
		return bad(e, "external, name, key and version are strings");
	if (j->type == JOB_FIND && !j->external && !j->name)
		return bad(e, "find needs external or name");
	if (j->type != JOB_FIND && j->type != JOB_CREATE && (!j->key || !*j->key))
		return bad(e, "it needs a key");
	if (j->type == JOB_REFS)
		return read_refs(j, msg, e);
	if (j->type == JOB_LIST_REFS)
		return (text(j, msg, "attribute", &j->refs.attribute) && j->refs.attribute) ||
		       bad(e, "list-refs needs an attribute");
	if (j->type != JOB_CREATE && j->type != JOB_UPDATE)
		return true;
	j->attrs = attrs_new(j->arena);
	if (json_get(msg, "attrs") && !attrs_read_elements(json_get(msg, "attrs"), j->arena,
					      &j->attrs, j->type == JOB_UPDATE ? &gone : NULL, e))
		return false;
	/* an update may be an adoption: the object shall bear our identity from then on */
	if (j->type == JOB_UPDATE && j->external)
		attrs_set_c(&j->attrs, "externalId", j->external);
	return body_items(j->kind, &j->attrs, &gone, &j->items, e);
}

bool
job_read(struct job *j, const struct json *msg, struct err *e)
{
	const char *type = json_get_string(msg, "type"), *kind = json_get_string(msg, "kind");
	const struct kind *k = kind ? kind_find(kind) : NULL;

	j->found_end = &j->found;
	j->id = json_get_int(msg, "id", -1);
	if (!k)
		return bad(e, "its kind is not known");
	j->kind = (enum kind_id)(k - kinds);
	if (type && strcmp(type, "list") == 0) {
		j->type = JOB_LIST;
		return true;
	}
	if (j->id < 0)
		return bad(e, "it has no id");
	return read_op(j, msg, e);
}
