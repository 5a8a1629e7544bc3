/* Results of jobs as lines of the protocol, and what becomes of jobs that go on. */
#include <string.h>
#include "base/log.h"
#include "scim_run.h"

#define WAIT_HERE_MAX                                                                              \
	20 /* seconds of a rate limit that are waited for here; longer ones are the engine's */
#define WAITS_MAX 3
#define REFS_LINE 1000 /* ends of references in one line */

bool
run_line(struct scim *s)
{
	struct err e;

	s->line_ms = s->clock->mono_ms(s->clock->ctx);
	if (serve_send(s->serve, &e))
		return true;
	log_err(LOG_ERROR, "line-refused", &e);
	return false;
}

static void
job_end(struct scim *s, struct job *j)
{
	s->unanswered--;
	s->answered++;
	job_reset(j);
	j->next = s->spare;
	s->spare = j;
}

static struct jsonw *
result(struct scim *s, const struct job *j)
{
	struct jsonw *w = serve_line(s->serve, "result");
	jsonw_int(w, "id", j->id);
	return w;
}

/* The answer to an answer that is too long for a line. */
static void
too_long(struct scim *s, struct job *j)
{
	struct err e;

	err_set(&e, ERR_OBJECT, "too-large",
		"%s: what the service returned does not fit into a line of 1 MiB",
		job_name(j->type));
	serve_write_error(result(s, j), "error", &e, NULL, NULL);
	run_line(s);
}

void
run_ok(struct scim *s, struct job *j, const char *key, const char *version,
	const struct json *resource)
{
	struct jsonw *w = result(s, j);

	jsonw_obj(w, "ok");
	if (key)
		jsonw_str(w, "key", key);
	if (version)
		jsonw_str(w, "version", version);
	if (resource) {
		struct attrs seen = attrs_new(j->arena);
		place_seen(j->kind, resource, &seen);
		attrs_write(&seen, w, "seen");
	}
	jsonw_end(w);
	if (!run_line(s))
		too_long(s, j);
	job_end(s, j);
}

void
run_fail(struct scim *s, struct job *j, const struct err *e, const char *attribute,
	const char *other)
{
	serve_write_error(result(s, j), "error", e, attribute, other);
	run_line(s);
	job_end(s, j);
}

void
run_found(struct scim *s, struct job *j)
{
	struct jsonw *w = result(s, j);

	jsonw_obj(w, "ok");
	jsonw_arr(w, "found");
	for (const struct job_found *f = j->found; f; f = f->next) {
		jsonw_obj(w, NULL);
		jsonw_str(w, "key", f->key);
		if (f->external)
			jsonw_str(w, "external", f->external);
		if (f->name)
			jsonw_str(w, "name", f->name);
		if (f->version)
			jsonw_str(w, "version", f->version);
		jsonw_str(w, "by", f->by_external ? "external" : "name");
		jsonw_end(w);
	}
	jsonw_end(w);
	jsonw_end(w);
	if (!run_line(s))
		too_long(s, j);
	job_end(s, j);
}

static const char *
kind_of_end(const struct json *v)
{
	const char *type = json_get_string(v, "type"), *ref = json_get_string(v, "$ref");

	for (size_t k = 0; k < KIND_COUNT; k++) {
		const char *endpoint = place_type((enum kind_id)k)->endpoint;
		if (type && ascii_ieq(type, kinds[k].name))
			return kinds[k].name;
		if (!type && ref && strstr(ref, endpoint))
			return kinds[k].name;
	}
	return NULL;
}

/* A member is {"value": id}, or, at some, the id alone. */
static const char *
key_of_end(const struct json *v)
{
	const char *key = json_string(v) ? json_string(v) : json_get_string(v, "value");

	return key && *key ? key : NULL;
}

/* From *v on; false: the line was refused. */
static bool
refs_line(struct scim *s, const struct job *j, const struct json **v, int64_t *count)
{
	struct jsonw *w = serve_line(s->serve, "refs");

	jsonw_int(w, "id", j->id);
	jsonw_arr(w, "set");
	for (size_t n = 0; *v && n < REFS_LINE; *v = json_next(*v)) {
		const char *key = key_of_end(*v);
		if (!key)
			continue;
		jsonw_obj(w, NULL);
		jsonw_str(w, "key", key);
		if (kind_of_end(*v))
			jsonw_str(w, "kind", kind_of_end(*v));
		jsonw_end(w);
		++*count;
		n++;
	}
	jsonw_end(w);
	return run_line(s);
}

void
run_refs(struct scim *s, struct job *j, const struct json *resource)
{
	struct place p = place_of(j->kind, j->refs.attribute, j->arena);
	const struct json *level = p.schema ? json_get(resource, p.schema) : resource;
	const struct json *list = json_get(level, p.attr), *v = json_first(list);
	int64_t count = 0;

	if (json_type(list) == JSON_OBJECT)
		v = NULL; /* one value: it stands in seen */
	while (v)
		if (!refs_line(s, j, &v, &count)) {
			too_long(s, j);
			job_end(s, j);
			return;
		}
	struct jsonw *w = result(s, j);
	jsonw_obj(w, "ok");
	jsonw_int(w, "refs", count);
	jsonw_end(w);
	run_line(s);
	job_end(s, j);
}

void
run_queue(struct scim *s, struct job *j)
{
	bool change = j->type == JOB_UPDATE || j->type == JOB_REFS;

	if (s->dead.kind != ERR_NONE) {
		run_fail(s, j, &s->dead, NULL, NULL);
		return;
	}
	if (change && s->service.put & 1u << j->kind)
		j->stage = JOB_LOOK;
	if (j->type == JOB_FIND || j->stage == JOB_LOCATE)
		job_queue_add(&s->find[j->kind], j);
	else if (s->service.bulk_ops && job_is_write(j) && !j->alone && j->stage == JOB_FIRST)
		job_queue_add(&s->bulk, j);
	else
		job_queue_add(&s->one, j);
}

void
run_throttle(struct scim *s, struct job *j, const struct err *e)
{
	int64_t now = s->clock->mono_ms(s->clock->ctx), until = now + (int64_t)e->wait * 1000;

	if (now >= s->gate_ms) /* once for all requests that were under way */
		s->limit = s->limit > 1 ? s->limit / 2 : 1;
	if (until > s->gate_ms)
		s->gate_ms = until;
	s->gate_away = false;
	if (e->wait > WAIT_HERE_MAX || ++j->waits > WAITS_MAX)
		run_fail(s, j, e, NULL, NULL);
	else
		run_queue(s, j);
}

static void
fail_queue(struct job_queue *q, struct scim *s)
{
	struct job *j;

	while ((j = job_queue_take(q)) != NULL)
		run_fail(s, j, &s->dead, NULL, NULL);
}

void
run_die(struct scim *s, const struct err *e)
{
	if (s->dead.kind != ERR_NONE)
		return;
	s->dead = *e;
	if (e->kind != ERR_RETRY)
		log_err(LOG_ERROR, "stopped", e);
	for (int k = 0; k < KIND_COUNT; k++)
		fail_queue(&s->find[k], s);
	fail_queue(&s->bulk, s);
	fail_queue(&s->one, s);
}
