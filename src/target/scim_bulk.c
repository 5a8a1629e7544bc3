/*
 * Bulk (RFC 7644 3.7): writes that wait travel together. Operations are independent (one per
 * object); their results are found by bulkId, or where a service gives none back, by order.
 */
#include <stdlib.h>
#include <string.h>
#include "scim_run.h"

#define REFUSED_MAX 3 /* Bulks refused as a whole before single requests are used */

static void
op_write(struct jsonw *w, const struct scim *s, const struct job *j, const char *method,
	int64_t number)
{
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)number);
	jsonw_obj(w, NULL);
	jsonw_str(w, "method", method);
	jsonw_str(w, "bulkId", id);
	jsonw_strn(w, "path", s->path.p, s->path.n);
	if (s->service.etag && j->version && j->type != JOB_CREATE)
		jsonw_str(w, "version", j->version);
	if (s->body.n)
		jsonw_raw(w, "data", s->body.p, s->body.n);
	jsonw_end(w);
}

/* Adds one job; false when it does not fit any more. */
static bool
op_add(struct scim *s, struct http_slot *slot, struct work *wk, struct jsonw *w, struct job *j)
{
	struct write_form f = { .path = &s->path, .body = &s->body };
	size_t before = slot->body.n;
	struct jsonw saved = *w;

	buf_reset(&s->path);
	buf_reset(&s->body);
	if (!write_form(s, j, &f))
		return true; /* answered already */
	op_write(w, s, j, f.method, wk->number + (int64_t)wk->jobs.count + 1);
	if (slot->body.n + 2 <= s->service.bulk_bytes) {
		job_queue_add(&wk->jobs, j);
		return true;
	}
	slot->body.n = before;
	*w = saved;
	if (wk->jobs.count) {
		job_queue_add_first(&s->bulk, j);
		return false;
	}
	j->alone = true; /* larger than any Bulk may be */
	run_queue(s, j);
	return true;
}

void
bulk_start(struct scim *s, struct http_slot *slot)
{
	struct work *wk = run_work(slot, WORK_BULK);
	struct jsonw w = jsonw(&slot->body);
	struct job *j;

	wk->number = s->bulk_number;
	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "schemas");
	jsonw_str(&w, NULL, "urn:ietf:params:scim:api:messages:2.0:BulkRequest");
	jsonw_end(&w);
	jsonw_arr(&w, "Operations");
	while (wk->jobs.count < s->service.bulk_ops && (j = job_queue_take(&s->bulk)) != NULL)
		if (!op_add(s, slot, wk, &w, j))
			break;
	jsonw_end(&w);
	jsonw_end(&w);
	if (!wk->jobs.count) {
		free(slot->work);
		slot->work = NULL;
		http_release(slot);
		return;
	}
	s->bulk_number += (int64_t)wk->jobs.count;
	slot->method = "POST";
	buf_adds(&slot->path, "/Bulk");
	http_send(slot);
}

/* --- the answer --- */

static void
give_back(struct scim *s, struct work *w, bool alone)
{
	struct job *j;

	while ((j = job_queue_take(&w->jobs)) != NULL) {
		j->alone = j->alone || alone;
		run_queue(s, j);
	}
}

static void
fail_all(struct scim *s, struct work *w, const struct err *e)
{
	struct job *j;

	while ((j = job_queue_take(&w->jobs)) != NULL) {
		if (e->kind == ERR_WAIT)
			run_throttle(s, j, e);
		else
			run_fail(s, j, e, NULL, NULL);
	}
}

static void
unanswered(struct scim *s, struct job *j)
{
	struct err e;

	err_set(&e, ERR_UNKNOWN, "no-result", "%s: the Bulk's answer does not speak of it",
		job_name(j->type));
	run_fail(s, j, &e, NULL, NULL);
}

static void
results(struct scim *s, struct work *w, const struct json *ops)
{
	size_t n = w->jobs.count, at = 0;
	struct job **jobs = xcalloc(n + 1, sizeof(void *));
	bool by_order = json_count(ops) == n;

	for (size_t i = 0; i < n; i++)
		jobs[i] = job_queue_take(&w->jobs);
	json_for_each(it, ops) {
		struct answer_op o;
		answer_bulk_op(it, &o);
		int64_t nth = o.index - w->number;
		size_t i = o.index < 0 ? (by_order ? at : n) : nth < 0 ? n : (size_t)nth;
		at++;
		if (i >= n || !jobs[i] || !o.answer.status)
			continue;
		write_answered(s, jobs[i], &o.answer, NULL);
		jobs[i] = NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (jobs[i])
			unanswered(s, jobs[i]);
	free(jobs);
}

/* Refused as a whole: nothing was done. */
static bool
refused(struct scim *s, long status, struct work *w)
{
	switch (status) {
	case 413:
		s->service.bulk_ops = s->service.bulk_ops / 2 < 2 ? 0 : s->service.bulk_ops / 2;
		give_back(s, w, false);
		return true;
	case 404:
	case 405:
	case 501:
		s->service.bulk_ops = 0;
		give_back(s, w, false);
		return true;
	case 400:
		if (++s->bulk_refused >= REFUSED_MAX)
			s->service.bulk_ops = 0;
		give_back(s, w, true);
		return true;
	default:
		return false;
	}
}

void
bulk_finish(struct scim *s, struct http_slot *slot, struct work *w)
{
	const struct json *ops = answer_bulk(slot->json);
	struct answer an = { .status = slot->status,
		.body = slot->json,
		.odd = slot->bad_body,
		.retry_after = slot->retry_after };
	struct answer_context c = { .what = "bulk", .write = true, .create = true };
	const char *attribute;
	struct err e;

	if (slot->status >= 200 && slot->status < 300 && ops) {
		s->bulk_refused = 0;
		results(s, w, ops);
		return;
	}
	if (refused(s, slot->status, w))
		return;
	if (slot->status < 300)
		err_set(&e, ERR_UNKNOWN, "bad-answer",
			"bulk: the answer (%ld, %s) is not a Bulk answer", slot->status,
			slot->type);
	else
		answer_error(&an, &c, s->service.profile, &e, &attribute);
	if (e.kind == ERR_CONFIG)
		run_die(s, &e);
	fail_all(s, w, &e);
}
