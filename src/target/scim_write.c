/*
 * Requests for one object: their form, and what their answers mean. The same for a request of its
 * own and for an operation of a Bulk.
 */
#include <string.h>
#include "base/log.h"
#include "scim_run.h"

#define FORBIDDEN_MAX 5 /* so many 403 in a row are the token's, not the objects' */

static void
object_path(const struct job *j, struct buf *path)
{
	buf_addf(path, "%s/", place_type(j->kind)->endpoint);
	http_encode(j->key, path);
}

static size_t
refs_limit(const struct scim *s, const struct job *j)
{
	return j->limit ? j->limit : s->service.patch_members;
}

/* PATCH of attributes; false when nothing is left to change. */
static bool
form_update(struct scim *s, struct job *j, const struct json *have, struct buf *body)
{
	struct jsonw w = jsonw(body);

	j->sent = j->done;
	if (body_patch(&s->service, &j->items, have, &j->sent, &w))
		return true;
	run_ok(s, j, j->key, have ? answer_resource_version(have) : NULL, have);
	return false;
}

static bool
form_refs(struct scim *s, struct job *j, struct buf *body)
{
	struct jsonw w = jsonw(body);

	if (j->done >= j->refs.add_count + j->refs.remove_count) {
		run_ok(s, j, j->key, NULL, NULL);
		return false;
	}
	j->sent = j->done;
	body_refs_patch(&s->service, &j->refs, refs_limit(s, j), &j->sent, j->arena, &w);
	return true;
}

bool
write_form(struct scim *s, struct job *j, struct write_form *f)
{
	struct jsonw w = jsonw(f->body);

	if (j->type == JOB_CREATE) {
		f->method = "POST";
		buf_adds(f->path, place_type(j->kind)->endpoint);
		body_create(j->kind, j->external, &j->items, &w);
		return true;
	}
	object_path(j, f->path);
	if (j->type == JOB_DELETE && j->stage == JOB_FIRST) {
		f->method = "DELETE";
		return true;
	}
	if (j->type == JOB_GET || j->stage == JOB_LOOK) {
		f->method = "GET";
		if (j->type != JOB_REFS && j->kind == KIND_GROUP &&
			!(s->service.put & 1u << j->kind))
			buf_adds(f->path, "?excludedAttributes=members");
		return true;
	}
	if (j->type == JOB_LIST_REFS) {
		list_refs_form(s, j, f);
		return true;
	}
	f->method = "PATCH";
	return j->type == JOB_UPDATE ? form_update(s, j, NULL, f->body) : form_refs(s, j, f->body);
}

/* Only where the service says that it minds versions. */
static void
set_match(const struct scim *s, struct http_slot *slot, const char *version)
{
	buf_reset(&slot->match);
	if (s->service.etag && version && !strpbrk(version, "\r\n"))
		buf_addf(&slot->match, "If-Match: %s", version);
}

bool
write_start(struct scim *s, struct http_slot *slot, struct job *j)
{
	struct write_form f = { .path = &slot->path, .body = &slot->body };

	j->looked = false;
	if (!write_form(s, j, &f)) {
		http_release(slot);
		return false;
	}
	slot->method = f.method;
	if (strcmp(f.method, "GET") != 0)
		set_match(s, slot, j->version);
	job_queue_add(&run_work(slot, WORK_ONE)->jobs, j);
	http_send(slot);
	return true;
}

/* The object was read: now the change, by the same slot. Returns true when it was sent. */
static bool
write_looked(struct scim *s, struct job *j, const struct answer *an, struct http_slot *slot)
{
	bool put = s->service.put & 1u << j->kind;
	const char *version = j->version ? j->version : answer_version(an);

	set_match(s, slot, put ? version : j->version);
	buf_reset(&slot->path);
	buf_reset(&slot->body);
	object_path(j, &slot->path);
	if (put) {
		CLEAN_JSON struct json *resource = json_dup(an->body);
		if (j->type == JOB_UPDATE)
			body_put(&j->items, resource);
		else
			body_refs_put(&j->refs, j->arena, resource);
		json_print(resource, &slot->body);
		slot->method = "PUT";
		j->sent = SIZE_MAX; /* everything at once */
	} else {
		if (!form_update(s, j, an->body, &slot->body))
			return false;
		slot->method = "PATCH";
	}
	j->looked = true;
	job_queue_add(&run_work(slot, WORK_ONE)->jobs, j);
	http_send(slot);
	return true;
}

static const struct json *
resource_of(const struct answer *an)
{
	return json_get_string(an->body, "id") ? an->body : NULL;
}

static bool
is_look(const struct job *j)
{
	return j->type == JOB_GET || j->type == JOB_LIST_REFS ||
	       (j->stage == JOB_LOOK && !j->looked);
}

static void
succeeded(struct scim *s, struct job *j, const struct answer *an)
{
	const char *key = j->key;
	size_t all =
		j->type == JOB_UPDATE ? j->items.count : j->refs.add_count + j->refs.remove_count;

	s->forbidden = 0;
	if (j->type == JOB_LIST_REFS) {
		run_refs(s, j, resource_of(an));
		return;
	}
	if (j->type == JOB_CREATE) {
		key = answer_key(an, j->arena);
		if (!key) {
			j->stage = JOB_LOCATE;
			run_queue(s, j);
			return;
		}
	}
	if (j->type == JOB_UPDATE || j->type == JOB_REFS) {
		j->done = j->sent;
		if (j->done < all) {
			run_queue(s, j);
			return;
		}
	}
	run_ok(s, j, key, answer_version(an), j->type == JOB_DELETE ? NULL : resource_of(an));
}

/* --- refusals --- */

static bool
is_scim_type(const struct answer *an, const char *type)
{
	const char *t = json_get_string(an->body, "scimType");
	return t && ascii_ieq(t, type);
}

static bool
same_key(const char *a, const char *b)
{
	return b && strcmp(a, b) == 0;
}

/* The key among those just sent that the service names in its answer. */
static const char *
named_key(const struct job *j, const struct answer *an)
{
	const char *detail = json_get_string(an->body, "detail");
	const struct body_refs *r = &j->refs;
	size_t all = r->add_count + r->remove_count;

	for (size_t i = j->done; detail && i < j->sent && i < all; i++) {
		const char *key = i < r->add_count ? r->add[i] : r->remove[i - r->add_count];
		if (!same_key(key, j->key) && strstr(detail, key))
			return key;
	}
	return NULL;
}

static void
no_such_reference(struct scim *s, struct job *j, const char *key, const struct err *cause)
{
	struct err e = *cause;

	e.kind = ERR_OBJECT;
	snprintf(e.code, sizeof(e.code), "no-such-reference");
	run_fail(s, j, &e, j->refs.attribute, key);
}

/* One bad reference spoils a batch: the one that is named, or halves until it is alone. */
static bool
refs_refused(struct scim *s, struct job *j, const struct answer *an, const struct err *e)
{
	size_t n = j->sent - j->done;
	const char *key = named_key(j, an);

	if (an->status != 400 && an->status != 404 && an->status != 413)
		return false;
	if (key) {
		no_such_reference(s, j, key, e);
		return true;
	}
	if (an->status == 404 || j->stage == JOB_LOOK)
		return false; /* the group itself; or a PUT, which goes as a whole */
	if (n > 1) {
		j->limit = n / 2;
		j->alone = true;
		run_queue(s, j);
		return true;
	}
	if (an->status == 413)
		return false;
	if (j->done >= j->refs.add_count && is_scim_type(an, "noTarget")) {
		succeeded(s, j, an); /* is no member: as it shall be */
		return true;
	}
	key = j->done < j->refs.add_count ? j->refs.add[j->done]
					  : j->refs.remove[j->done - j->refs.add_count];
	no_such_reference(s, j, key, e);
	return true;
}

/* Another way to say the same; nothing has happened yet. */
static bool
other_way(struct scim *s, struct job *j, const struct answer *an)
{
	bool change = j->type == JOB_UPDATE || j->type == JOB_REFS;

	if (!change || j->looked)
		return false;
	if (an->status == 405 || an->status == 501) {
		s->service.put |= 1u << j->kind;
	} else if (an->status != 400 || j->type != JOB_UPDATE ||
		   !body_patch_needs_target(&j->items)) {
		return false;
	}
	j->stage = JOB_LOOK;
	j->alone = true;
	run_queue(s, j);
	return true;
}

/* 403 for a known object is about that object, until it is always 403. */
static bool
forbidden(struct scim *s, const struct job *j, const struct answer *an, bool bulk, struct err *e)
{
	if (an->status != 403 || e->kind != ERR_CONFIG || (!bulk && j->type == JOB_CREATE))
		return false;
	if (++s->forbidden >= FORBIDDEN_MAX)
		return false;
	e->kind = ERR_OBJECT;
	snprintf(e->code, sizeof(e->code), "forbidden");
	return true;
}

/* A conflict is about the value that the service names, whatever words it finds for it. */
static const char *
named_value(const struct job *j, const struct answer *an, struct err *e)
{
	const char *detail = json_get_string(an->body, "detail"), *found = NULL;
	size_t length = 2; /* shorter ones stand in any text */

	for (size_t i = 0; detail && i < j->attrs.count; i++) {
		const struct attr *at = &j->attrs.list[i];
		for (size_t n = 0; n < at->count; n++) {
			if (at->values[n].n <= length ||
				!memmem(detail, strlen(detail), at->values[n].p, at->values[n].n))
				continue;
			length = at->values[n].n;
			found = at->name;
		}
	}
	if (!found)
		return NULL;
	bool name =
		ascii_ieq(found, kinds[j->kind].name_attribute) || ascii_ieq(found, "externalId");
	snprintf(e->code, sizeof(e->code), name ? "name-taken" : "address-taken");
	return found;
}

/* Some services answer a second DELETE by 500: whether it is gone, a look tells. */
static bool
look_after_delete(struct scim *s, struct job *j, const struct answer *an)
{
	if (j->type != JOB_DELETE || j->stage != JOB_FIRST || an->status < 500)
		return false;
	j->stage = JOB_LOOK;
	run_queue(s, j);
	return true;
}

static void
still_there(struct scim *s, struct job *j)
{
	struct err e;

	err_set(&e, ERR_RETRY, "service-error",
		"delete: the service answered with an error and still has it; it will be tried "
		"again");
	run_fail(s, j, &e, NULL, NULL);
}

static void
refused(struct scim *s, struct job *j, const struct answer *an, bool bulk)
{
	struct answer_context c = job_context(j);
	const char *attribute;
	struct err e;

	if (j->stage == JOB_LOOK && !j->looked)
		c.write = c.create = false;
	answer_error(an, &c, s->service.profile, &e, &attribute);
	if (attribute && named_value(j, an, &e))
		attribute = named_value(j, an, &e);
	if (j->key)
		err_wrap(&e, "%s %s", kinds[j->kind].name, j->key);
	else if (j->name)
		err_wrap(&e, "%s %s", kinds[j->kind].name, j->name);
	if (e.kind == ERR_WAIT) {
		run_throttle(s, j, &e);
		return;
	}
	if (declared_refused(s, j, an) || look_after_delete(s, j, an))
		return;
	if (j->type == JOB_REFS && refs_refused(s, j, an, &e))
		return;
	if (other_way(s, j, an))
		return;
	if (bulk && an->status == 413) {
		j->alone = true;
		run_queue(s, j);
		return;
	}
	if (!forbidden(s, j, an, bulk, &e) && e.kind == ERR_CONFIG)
		run_die(s, &e);
	run_fail(s, j, &e, attribute, NULL);
}

/* A resource that is not the one that was asked for. A service may give a new object another externalId than ours,
 * or another name, but hardly both. */
static bool
is_of_another(const struct job *j, const struct json *resource)
{
	const char *id = json_get_string(resource, "id");
	const char *external = json_get_string(resource, "externalId");
	const char *name = json_get_string(resource, kinds[j->kind].name_attribute);

	if (j->type != JOB_CREATE)
		return id && j->key && strcmp(id, j->key) != 0;
	return j->external && external && strcmp(j->external, external) != 0 && j->name && name &&
	       !ascii_ieq(j->name, name);
}

/* Something on the way, or the service, mixes answers up: what became of this one is not known. */
static void
mixed_up(struct scim *s, struct job *j, const struct json *resource)
{
	bool done = job_is_write(j) && !(j->stage == JOB_LOOK && !j->looked);
	const char *id = json_get_string(resource, "id");
	struct err e;

	err_set(&e, done ? ERR_UNKNOWN : ERR_RETRY, "bad-answer",
		"%s: the answer is about another object (%s): is there a proxy that mixes answers "
		"up?",
		job_name(j->type), id ? id : "?");
	log_err(LOG_WARN, "answer-of-another", &e);
	run_fail(s, j, &e, NULL, NULL);
}

bool
write_answered(struct scim *s, struct job *j, const struct answer *an, struct http_slot *slot)
{
	bool good = an->status >= 200 && an->status < 300 && !an->odd;

	if (good && is_of_another(j, an->body))
		mixed_up(s, j, an->body);
	else if (j->type == JOB_DELETE && answer_is_gone(an))
		run_ok(s, j, j->key, NULL, NULL);
	else if (j->type == JOB_DELETE && j->stage == JOB_LOOK && good && resource_of(an))
		still_there(s, j);
	else if (j->stage == JOB_LOOK && !j->looked && good && resource_of(an))
		return write_looked(s, j, an, slot);
	else if (good && (!is_look(j) || resource_of(an)))
		succeeded(s, j, an);
	else
		refused(s, j, an, slot == NULL);
	return false;
}

void
write_finish(struct scim *s, struct http_slot *slot, struct work *w)
{
	struct job *j = job_queue_take(&w->jobs);
	struct answer an = {
		.status = slot->status,
		.body = slot->json,
		.odd = slot->bad_body,
		.location = slot->location[0] ? slot->location : NULL,
		.version = slot->etag[0] ? slot->etag : NULL,
		.retry_after = slot->retry_after,
	};

	write_answered(s, j, &an, slot);
}
