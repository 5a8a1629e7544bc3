/*
 * Looking for objects: all finds that wait are asked for in one filter,
 *   externalId eq "a" or userName eq "n" or externalId eq "b" or ...
 * and the answer is sorted out by externalId and by the name without case. Services that take
 * single comparisons only (find_terms 1) get one request for the externalId and, if that finds
 * nothing, one for the name.
 */
#include <string.h>
#include "base/map.h"
#include "scim_run.h"

#define URL_MAX    4000  /* longer filters go by POST .search */
#define FILTER_MAX 60000 /* bytes: a longer one may be refused (lockstep-cloud takes 64 KiB) */

static void
term(struct buf *filter, const char *attribute, const char *value)
{
	struct jsonw w;

	if (!value)
		return;
	if (filter->n)
		buf_adds(filter, " or ");
	buf_adds(filter, attribute);
	buf_adds(filter, " eq ");
	w = jsonw(filter);
	jsonw_str(&w, NULL, value);
}

static void
fold(struct buf *out, const char *name)
{
	buf_reset(out);
	utf8_fold(name, strlen(name), out);
}

/* The name in small letters, where that is to be asked for by itself; NULL: no. The caller's buffer. */
static const char *
small_name(const struct scim *s, const struct job *j, struct buf *out)
{
	if (!j->name || !(s->service.profile->quirks & SCIM_CASE_NAMES))
		return NULL;
	fold(out, j->name);
	return strcmp(buf_cstr(out), j->name) == 0 ? NULL : buf_cstr(out);
}

/* Adds what is asked for one job. */
static void
terms(const struct scim *s, struct buf *filter, const struct job *j)
{
	const char *name = kinds[j->kind].name_attribute;
	CLEAN_BUF struct buf small = { 0 };

	if (s->service.find_terms > 1) {
		term(filter, "externalId", j->external);
		term(filter, name, j->name);
		term(filter, name, small_name(s, j, &small));
	} else if (j->stage == JOB_SMALL) {
		term(filter, name, small_name(s, j, &small));
	} else if (j->stage == JOB_NAME || !j->external) {
		term(filter, name, j->name);
	} else {
		term(filter, "externalId", j->external);
	}
}

static void
get_path(struct buf *out, enum kind_id kind, bool etag, const char *filter, size_t count)
{
	buf_addf(out, "%s?attributes=externalId,%s%s&count=%zu&filter=", place_type(kind)->endpoint,
		kinds[kind].name_attribute, etag ? ",meta.version" : "", count);
	http_encode(filter, out);
}

static void
search_body(struct buf *out, enum kind_id kind, bool etag, const char *filter, size_t count)
{
	struct jsonw w = jsonw(out);

	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "schemas");
	jsonw_str(&w, NULL, "urn:ietf:params:scim:api:messages:2.0:SearchRequest");
	jsonw_end(&w);
	jsonw_arr(&w, "attributes");
	jsonw_str(&w, NULL, "externalId");
	jsonw_str(&w, NULL, kinds[kind].name_attribute);
	if (etag)
		jsonw_str(&w, NULL, "meta.version");
	jsonw_end(&w);
	jsonw_str(&w, "filter", filter);
	jsonw_int(&w, "startIndex", 1);
	jsonw_int(&w, "count", (int64_t)count);
	jsonw_end(&w);
}

/* More than the two objects per job that can be meant tells of names that are not unique. */
static size_t
expected(size_t jobs)
{
	return 2 * jobs + 18;
}

void
find_start(struct scim *s, struct http_slot *slot, enum kind_id kind)
{
	struct work *w = run_work(slot, WORK_FIND);
	size_t most = scim_service_find_batch(&s->service), room;
	CLEAN_BUF struct buf filter = { 0 };
	struct job *j;

	w->kind = kind;
	w->terms = s->service.find_terms;
	/* without .search everything must fit into a URL; encoded text is up to three times as long
	 */
	room = s->service.search ? FILTER_MAX : URL_MAX / 2;
	while (w->jobs.count < most && (!w->jobs.count || filter.n < room) &&
		(j = job_queue_take(&s->find[kind])) != NULL) {
		terms(s, &filter, j);
		job_queue_add(&w->jobs, j);
	}
	w->search = s->service.search && filter.n > URL_MAX;
	if (!w->search) {
		get_path(&slot->path, kind, s->service.etag, buf_cstr(&filter),
			expected(w->jobs.count));
		w->search = s->service.search && slot->path.n > URL_MAX;
	}
	slot->method = "GET";
	if (w->search) {
		slot->method = "POST";
		buf_reset(&slot->path);
		buf_addf(&slot->path, "%s/.search", place_type(kind)->endpoint);
		search_body(&slot->body, kind, s->service.etag, buf_cstr(&filter),
			expected(w->jobs.count));
	}
	http_send(slot);
}

/* --- the answer --- */

/* Jobs by what they ask for; jobs that ask for the same are chained. */
struct index {
	struct map *external, *name;
};

static void
index_add(struct index *ix, struct job *j)
{
	CLEAN_BUF struct buf folded = { 0 };

	j->same_external = j->external ? map_set(ix->external, str_c(j->external), j) : NULL;
	j->same_name = NULL;
	if (j->name) {
		fold(&folded, j->name);
		j->same_name = map_set(ix->name, buf_str(&folded), j);
	}
}

static void
found_add(struct job *j, const struct json *r, const char *name, bool by_external)
{
	const char *key = json_get_string(r, "id"), *external = json_get_string(r, "externalId");
	const char *version = answer_resource_version(r);

	for (struct job_found *f = j->found; f; f = f->next)
		if (strcmp(f->key, key) == 0)
			return; /* by externalId already */
	struct job_found *f = arena_alloc(j->arena, sizeof(*f));
	f->key = arena_strdup(j->arena, key);
	f->external = external ? arena_strdup(j->arena, external) : NULL;
	f->name = name ? arena_strdup(j->arena, name) : NULL;
	f->version = version ? arena_strdup(j->arena, version) : NULL;
	f->by_external = by_external;
	*j->found_end = f;
	j->found_end = &f->next;
}

static void
match(const struct index *ix, enum kind_id kind, const struct json *r)
{
	const char *external = json_get_string(r, "externalId");
	const char *name = json_get_string(r, kinds[kind].name_attribute);
	CLEAN_BUF struct buf folded = { 0 };
	struct job *j;

	if (!json_get_string(r, "id"))
		return;
	for (j = external ? map_get(ix->external, str_c(external)) : NULL; j; j = j->same_external)
		found_add(j, r, name, true);
	if (!name)
		return;
	fold(&folded, name);
	for (j = map_get(ix->name, buf_str(&folded)); j; j = j->same_name)
		found_add(j, r, name, false);
}

/* A create whose answer had no key, looked for by its anchor. */
static void
located(struct scim *s, struct job *j)
{
	struct err e;

	if (j->found && j->found->by_external) {
		run_ok(s, j, j->found->key, j->found->version, NULL);
		return;
	}
	err_set(&e, ERR_UNKNOWN, "no-key",
		"create: the service said it was done but named no id, and nothing is found");
	run_fail(s, j, &e, NULL, NULL);
}

/* Single comparisons: by externalId, then by name, then by the name in small letters. */
static bool
next_stage(const struct scim *s, struct job *j)
{
	CLEAN_BUF struct buf small = { 0 };
	bool by_external = j->stage == JOB_FIRST && j->external;

	if (s->service.find_terms > 1 || j->found || j->stage == JOB_SMALL || !j->name)
		return false;
	if (!by_external && !small_name(s, j, &small))
		return false;
	j->stage = by_external ? JOB_NAME : JOB_SMALL;
	return true;
}

static void
answer_job(struct scim *s, struct job *j)
{
	if (j->stage == JOB_LOCATE)
		located(s, j);
	else if (next_stage(s, j))
		run_queue(s, j);
	else
		run_found(s, j);
}

static void
give_back(struct scim *s, struct work *w)
{
	struct job *j;

	while ((j = job_queue_take(&w->jobs)) != NULL)
		run_queue(s, j);
}

static void
fail_all(struct scim *s, struct work *w, const struct err *e)
{
	struct job *j;

	while ((j = job_queue_take(&w->jobs)) != NULL)
		run_fail(s, j, e, NULL, NULL);
}

/* Fewer terms next time; false when there is nothing left to give up. */
static bool
ask_less(struct scim *s, struct work *w)
{
	if (w->search)
		s->service.search = false;
	else if (s->service.find_terms < w->terms)
		; /* given up meanwhile, for another request */
	else if (w->terms > 1)
		s->service.find_terms = w->terms > 8 ? w->terms / 4 : 1;
	else
		return false;
	give_back(s, w);
	return true;
}

/* More matches than were sent: only when names are not unique there, or pages are tiny. */
static void
incomplete(struct scim *s, struct work *w)
{
	struct err e;

	if (w->jobs.count > 1 && ask_less(s, w))
		return;
	err_set(&e, ERR_OBJECT, "ambiguous",
		"find: the service has more objects of this name than it shows; make the name "
		"unique there");
	fail_all(s, w, &e);
}

static void
sort_out(struct scim *s, struct work *w, const struct answer_list *l)
{
	struct index ix = { map_new(), map_new() };
	struct job *j;

	for (j = w->jobs.first; j; j = j->next) {
		j->found = NULL;
		j->found_end = &j->found;
		index_add(&ix, j);
	}
	json_for_each(r, l->resources)
		match(&ix, w->kind, r);
	map_free(ix.external, NULL);
	map_free(ix.name, NULL);
	while ((j = job_queue_take(&w->jobs)) != NULL)
		answer_job(s, j);
}

static void
refused(struct scim *s, struct http_slot *slot, struct work *w)
{
	struct answer an = { .status = slot->status,
		.body = slot->json,
		.odd = slot->bad_body,
		.retry_after = slot->retry_after };
	struct answer_context c = { .what = "find", .kind = w->kind };
	const char *attribute;
	struct job *j;
	struct err e;

	answer_error(&an, &c, s->service.profile, &e, &attribute);
	if (e.kind == ERR_WAIT) {
		while ((j = job_queue_take(&w->jobs)) != NULL)
			run_throttle(s, j, &e);
		return;
	}
	if ((e.kind == ERR_OBJECT || slot->status == 405 || slot->status == 501) && ask_less(s, w))
		return;
	if (e.kind == ERR_CONFIG)
		run_die(s, &e);
	fail_all(s, w, &e);
}

void
find_finish(struct scim *s, struct http_slot *slot, struct work *w)
{
	struct answer an = { .status = slot->status, .body = slot->json, .odd = slot->bad_body };
	struct answer_list l = { 0 };

	if (answer_is_gone(&an) && slot->json && !w->search) {
		sort_out(s, w, &l); /* some say 404 for an empty list */
	} else if (slot->status == 200 && answer_list(slot->json, &l)) {
		if (l.total > (int64_t)json_count(l.resources) || l.next_cursor)
			incomplete(s, w);
		else
			sort_out(s, w, &l);
	} else {
		refused(s, slot, w);
	}
}
