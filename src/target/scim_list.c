/*
 * Listing (SEMANTICS 6.1): page after page, by cursor (RFC 9865) where the service offers it, else
 * by index. By cursor the absence of a next one is the proof of completeness; by index the count
 * must add up to the same total on every page.
 */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "scim_run.h"

#define TRIES_MAX 3

static void
list_end(struct scim *s, const struct err *why)
{
	struct err broken;

	/* the lines were counted as they went out */
	if (!serve_end(s->serve, NULL, !why, why ? why->text : NULL, why, &broken))
		log_err(LOG_ERROR, "line-refused", &broken);
	s->line_ms = s->clock->mono_ms(s->clock->ctx);
	job_free(s->list.job);
	free(s->list.cursor);
	s->list = (struct list_state){ 0 };
}

void
list_begin(struct scim *s, struct job *j)
{
	s->list = (struct list_state){
		.job = j, .total = -1, .start = 1, .count = s->service.page, .waiting = true
	};
	if (s->service.cursor)
		s->list.cursor = xstrdup("");
}

void
list_start(struct scim *s, struct http_slot *slot)
{
	const struct list_state *l = &s->list;
	struct work *w = run_work(slot, WORK_LIST);

	w->kind = l->job->kind;
	slot->method = "GET";
	buf_addf(&slot->path, "%s?count=%u&excludedAttributes=%s", place_type(w->kind)->endpoint,
		l->count, w->kind == KIND_GROUP ? "members" : "groups");
	if (l->cursor) {
		buf_adds(&slot->path, "&cursor=");
		http_encode(l->cursor, &slot->path);
	} else {
		buf_addf(&slot->path, "&startIndex=%lld", (long long)l->start);
	}
	s->list.waiting = false;
	http_send(slot);
}

void
list_again(struct scim *s, const struct err *e)
{
	struct list_state *l = &s->list;

	if (++l->tries >= TRIES_MAX || e->kind == ERR_CONFIG) {
		list_end(s, e);
		return;
	}
	int64_t wait = e->kind == ERR_WAIT ? e->wait : l->tries;
	int64_t until = s->clock->mono_ms(s->clock->ctx) + wait * 1000;
	if (s->gate_ms < until)
		s->gate_ms = until;
	l->count = l->count > 20 ? l->count / 2 : l->count; /* it may have been too much at once */
	l->waiting = true;
}

void
list_give_up(struct scim *s)
{
	struct job *j;

	if (s->list.job && !s->list.waiting)
		return; /* its page is in flight and will tell */
	if (s->list.job)
		list_end(s, &s->dead);
	while ((j = job_queue_take(&s->lists)) != NULL) {
		list_begin(s, j);
		list_end(s, &s->dead);
	}
}

/* One object; false: it has no id. */
static bool
object(struct scim *s, enum kind_id kind, const struct json *r)
{
	const char *id = json_get_string(r, "id");
	struct jsonw *w;

	if (!id || !*id)
		return false;
	arena_reset(s->scratch);
	struct attrs seen = attrs_new(s->scratch);
	place_seen(kind, r, &seen);
	w = serve_line(s->serve, "object");
	jsonw_str(w, "kind", kinds[kind].name);
	jsonw_str(w, "key", id);
	if (json_get_string(r, "externalId"))
		jsonw_str(w, "external", json_get_string(r, "externalId"));
	if (json_get_string(r, kinds[kind].name_attribute))
		jsonw_str(w, "name", json_get_string(r, kinds[kind].name_attribute));
	if (answer_resource_version(r))
		jsonw_str(w, "version", answer_resource_version(r));
	attrs_write(&seen, w, "seen");
	if (!run_line(s))
		return false;
	s->list.seen++;
	return true;
}

/* After a page: the end, or the next one. */
static void
next_page(struct scim *s, const struct answer_list *page, size_t n)
{
	struct list_state *l = &s->list;
	struct err e;

	l->tries = 0;
	l->start += (int64_t)n;
	if (l->cursor && page->next_cursor) {
		if (strcmp(l->cursor, page->next_cursor) == 0) {
			err_set(&e, ERR_SIDE, "bad-list",
				"list: the service's cursor does not move");
			list_end(s, &e);
			return;
		}
		free(l->cursor);
		l->cursor = xstrdup(page->next_cursor);
	} else if (l->cursor && (*l->cursor || page->total < 0 || page->total <= l->seen)) {
		list_end(s, NULL);
		return;
	} else {
		/* by index, or the cursor was ignored and this was the first page by index */
		free(l->cursor);
		l->cursor = NULL;
		if (page->total < 0 || (l->total >= 0 && page->total != l->total) ||
			(!n && l->seen < page->total)) {
			err_set(&e, ERR_RETRY, "bad-list",
				"list: %lld objects came, the service counts %lld; it may have "
				"changed meanwhile",
				(long long)l->seen, (long long)page->total);
			list_end(s, &e);
			return;
		}
		l->total = page->total;
		if (l->seen >= l->total) {
			err_set(&e, ERR_RETRY, "bad-list",
				"list: more objects came than the service counts");
			list_end(s, l->seen == l->total ? NULL : &e);
			return;
		}
	}
	l->waiting = true;
}

void
list_finish(struct scim *s, struct http_slot *slot, struct work *w)
{
	struct answer an = { .status = slot->status,
		.body = slot->json,
		.odd = slot->bad_body,
		.retry_after = slot->retry_after };
	struct answer_context c = { .what = "list", .kind = w->kind };
	struct answer_list page;
	const char *attribute;
	struct err e;

	if (slot->status == 400 && s->list.cursor && !*s->list.cursor) {
		free(s->list.cursor);
		s->list.cursor = NULL; /* no cursors after all */
		s->list.waiting = true;
		return;
	}
	if (slot->status != 200 || !answer_list(slot->json, &page)) {
		answer_error(&an, &c, s->service.profile, &e, &attribute);
		if (slot->status == 401)
			run_die(s, &e);
		list_again(s, &e);
		return;
	}
	json_for_each(r, page.resources) {
		if (object(s, w->kind, r))
			continue;
		err_set(&e, ERR_SIDE, "bad-list",
			"list: an object without id, or one that fits no line");
		list_end(s, &e);
		return;
	}
	next_page(s, &page, json_count(page.resources));
}
