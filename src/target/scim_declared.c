/*
 * What a service says it holds (/ResourceTypes, RFC 7643 6): some refuse a whole object for one attribute of an
 * extension that they do not have, others drop it without a word. Only where a request was refused, and only what
 * is in no schema that the service names for the type, is left out; from then on at once.
 */
#include <string.h>
#include "base/log.h"
#include "scim_run.h"

static void
add(struct scim *s, struct declared *d, const char *urn)
{
	if (urn && d->count < ARRAY_LEN(d->urns))
		d->urns[d->count++] = arena_strdup(s->keep, urn);
}

static void
read_type(struct scim *s, const struct json *type)
{
	const char *endpoint = json_get_string(type, "endpoint");

	for (int k = 0; endpoint && k < KIND_COUNT; k++) {
		struct declared *d = &s->declared[k];
		if (strcmp(endpoint, place_type((enum kind_id)k)->endpoint) != 0)
			continue;
		d->known = true;
		add(s, d, json_get_string(type, "schema"));
		json_for_each(it, json_get(type, "schemaExtensions"))
			add(s, d, json_get_string(it, "schema"));
		/* more than we keep: nothing is known */
		d->known = d->count < ARRAY_LEN(d->urns);
	}
}

void
declared_read(struct scim *s)
{
	struct http_slot *slot = run_ask(s, "/ResourceTypes");
	struct answer_list l;

	if (slot->outcome == HTTP_ANSWERED && slot->status == 200 && answer_list(slot->json, &l))
		json_for_each(it, l.resources)
			read_type(s, it);
	http_release(slot);
}

static bool
holds(const struct scim *s, enum kind_id kind, const char *schema)
{
	const struct declared *d = &s->declared[kind];

	if (!schema || !d->known)
		return true;
	for (size_t i = 0; i < d->count; i++)
		if (ascii_ieq(d->urns[i], schema))
			return true;
	return false;
}

static bool
drop_items(const struct scim *s, struct job *j)
{
	struct body_items *its = &j->items;
	size_t n = 0, done = 0;

	for (size_t i = 0; i < its->count; i++) {
		if (!holds(s, j->kind, its->list[i].at.schema))
			continue;
		done += i < j->done;
		its->list[n++] = its->list[i];
	}
	if (n == its->count)
		return false;
	its->count = n;
	j->done = done;
	return true;
}

static bool
drop(struct scim *s, struct job *j)
{
	if (j->type == JOB_CREATE || j->type == JOB_UPDATE)
		return drop_items(s, j);
	if (j->type != JOB_REFS)
		return false;
	struct place p = place_of(j->kind, j->refs.attribute, j->arena);
	if (holds(s, j->kind, p.schema))
		return false;
	j->refs.add_count = j->refs.remove_count = 0;
	j->done = 0;
	return true;
}

/* With what is left of it; nothing may be. */
static void
go_on(struct scim *s, struct job *j)
{
	if (j->type == JOB_REFS && !j->refs.add_count && !j->refs.remove_count)
		run_ok(s, j, j->key, NULL, NULL);
	else
		run_queue(s, j);
}

bool
declared_refused(struct scim *s, struct job *j, const struct answer *an)
{
	struct declared *d = &s->declared[j->kind];

	if (an->status != 400 || !drop(s, j))
		return false;
	if (!d->refuses)
		log_event(LOG_WARN, "left-out", "kind", kinds[j->kind].name, "why",
			"the service refuses attributes of schemas that it does not name; check "
			"tells which",
			NULL);
	d->refuses = true;
	go_on(s, j);
	return true;
}

void
declared_queue(struct scim *s, struct job *j)
{
	if (s->declared[j->kind].refuses)
		drop(s, j);
	if (j->type == JOB_REFS)
		go_on(s, j);
	else
		run_queue(s, j);
}

void
declared_finding(struct scim *s)
{
	CLEAN_BUF struct buf text = { 0 };

	for (int k = 0; k < KIND_COUNT; k++) {
		const struct scim_type *t = place_type((enum kind_id)k);
		for (size_t i = 0; i < t->n_exts; i++)
			if (!holds(s, (enum kind_id)k, t->exts[i]->urn))
				buf_addf(&text, "%s%s", text.n ? ", " : "", t->exts[i]->urn);
	}
	if (!text.n)
		return;
	buf_adds(&text, ": the service does not name these; attributes in them are not kept there");
	serve_finding(s->serve, "info", "schemas", buf_cstr(&text),
		"take what stands there out of the map, or let the service have it");
}
