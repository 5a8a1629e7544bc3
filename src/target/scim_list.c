/*
 * Listing (SEMANTICS 6.1): page after page, by cursor (RFC 9865) where the service offers it, else
 * by index. By cursor the absence of a next one is the proof of completeness; by index the count of
 * different objects must add up to the same total on every page. A service that shows the same page
 * whatever index it is asked for is asked by POST .search, which some understand better.
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
	idset_free(&s->list.ids);
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

/* The attribute that may be longer than all others, and is not wanted. */
static const char *
unwanted(enum kind_id kind)
{
	return kind == KIND_GROUP ? "members" : "groups";
}

static void
search_body(const struct list_state *l, struct buf *out)
{
	struct jsonw w = jsonw(out);

	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "schemas");
	jsonw_str(&w, NULL, "urn:ietf:params:scim:api:messages:2.0:SearchRequest");
	jsonw_end(&w);
	jsonw_arr(&w, "excludedAttributes");
	jsonw_str(&w, NULL, unwanted(l->job->kind));
	jsonw_end(&w);
	jsonw_int(&w, "startIndex", l->start);
	jsonw_int(&w, "count", l->count);
	jsonw_end(&w);
}

void
list_start(struct scim *s, struct http_slot *slot)
{
	const struct list_state *l = &s->list;
	struct work *w = run_work(slot, WORK_LIST);

	w->kind = l->job->kind;
	w->search = l->search;
	s->list.waiting = false;
	if (l->search) {
		slot->method = "POST";
		buf_addf(&slot->path, "%s/.search", place_type(w->kind)->endpoint);
		search_body(l, &slot->body);
		http_send(slot);
		return;
	}
	slot->method = "GET";
	buf_addf(&slot->path, "%s?count=%u&excludedAttributes=%s", place_type(w->kind)->endpoint,
		l->count, unwanted(w->kind));
	if (l->cursor) {
		buf_adds(&slot->path, "&cursor=");
		http_encode(l->cursor, &slot->path);
	} else {
		buf_addf(&slot->path, "&startIndex=%lld", (long long)l->start);
	}
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
	if (s->gate_ms < until) {
		s->gate_ms = until;
		s->gate_away = e->kind != ERR_WAIT;
	}
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

/* The page that was asked for is another one: the index did not count. */
static bool
misplaced(const struct list_state *l, const struct answer_list *page)
{
	if (l->cursor || l->start == 1 || !json_count(page->resources))
		return false;
	if (page->start >= 0)
		return page->start != l->start;
	json_for_each(r, page->resources) {
		const char *id = json_get_string(r, "id");
		return id && idset_has(&l->ids, id); /* the first says it */
	}
	return false;
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
		if (page->total < 0 && s->service.profile->quirks & SCIM_NO_TOTALS) {
			if (n)
				l->waiting = true;
			else
				list_end(s, NULL);
			return;
		}
		if (page->total < 0) {
			err_set(&e, ERR_SIDE, "bad-list",
				"list: the service does not say how many objects there are; if it "
				"never does, say so: quirks = {'no-totals'}");
			list_end(s, &e);
			return;
		}
		if ((l->total >= 0 && page->total != l->total) || (!n && l->seen < page->total)) {
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

/* Another way to ask for the page that did not come. */
static void
elsewhere(struct scim *s, const struct work *w)
{
	struct err e;

	if (!w->search) {
		s->list.search = s->list.waiting = true;
		return;
	}
	err_set(&e, ERR_SIDE, "bad-list",
		"list: the service shows the same objects whatever page it is asked for");
	list_end(s, &e);
}

/* All of a page; false: the listing has ended for it. */
static bool
objects(struct scim *s, enum kind_id kind, const struct answer_list *page)
{
	struct err e;

	json_for_each(r, page->resources) {
		const char *id = json_get_string(r, "id");
		bool index =
			!s->list.cursor || !*s->list.cursor; /* a cursor may turn out ignored */
		if (id && index && !idset_add(&s->list.ids, id))
			err_set(&e, ERR_RETRY, "bad-list",
				"list: an object came twice; the service's order may have changed "
				"meanwhile");
		else if (!object(s, kind, r))
			err_set(&e, ERR_SIDE, "bad-list",
				"list: an object without id, or one that fits no line");
		else
			continue;
		list_end(s, &e);
		return false;
	}
	return true;
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
	if (w->search && (slot->status == 400 || slot->status == 404 || slot->status == 405 ||
				 slot->status == 501)) {
		elsewhere(s, w);
		return;
	}
	if (slot->status != 200 || !answer_list(slot->json, &page)) {
		answer_error(&an, &c, s->service.profile, &e, &attribute);
		if (slot->status == 401)
			run_die(s, &e);
		list_again(s, &e);
		return;
	}
	if (misplaced(&s->list, &page)) {
		elsewhere(s, w);
		return;
	}
	if (objects(s, w->kind, &page))
		next_page(s, &page, json_count(page.resources));
}

/* One object with its references alone. What a reference is named besides is asked for where that is understood: a
 * group of very many members is one answer. */
void
list_refs_form(const struct scim *s, const struct job *j, struct write_form *f)
{
	struct place p = place_of(j->kind, j->refs.attribute, j->arena);
	CLEAN_BUF struct buf name = { 0 };

	p.sub = NULL;
	place_path(&p, false, &name);
	f->method = "GET";
	buf_adds(f->path, "?attributes=");
	http_encode(buf_cstr(&name), f->path);
	if (s->service.subs) {
		buf_adds(f->path, ".value,");
		http_encode(buf_cstr(&name), f->path);
		buf_adds(f->path, ".type");
	}
}
