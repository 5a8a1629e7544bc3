#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "base/log.h"
#include "bulk.h"
#include "discovery.h"

#define BODY_SMALL 4096

bool
api_auth(struct cloud *c, const char *header, struct request *rq, struct err *e)
{
	const char *token = header && strncasecmp(header, "Bearer ", 7) == 0 ? header + 7 : NULL;
	struct store_token found = { 0 };
	char hash[65];

	if (token) {
		/* looked up by digest: how far a guess agrees with a token does not show in time */
		struct str t = str_trim(str_c(token));
		sha256_hex(t.p, t.n, hash);
		if (!cloud_read(c, e) || !c->db->token_find(c->store, hash, &found, e))
			return false;
	}
	rq->tenant = found.tenant;
	rq->agent = found.credential != 0;
	credential_note(c, &found);
	return rq->tenant || err_set(e, ERR_CONFIG, "unauthorized",
				     "a bearer token is needed: a tenant's, or a credential of one "
				     "of its agents that was not revoked");
}

bool
api_number(const char *name, const char *text, int64_t *v_r, struct err *e)
{
	char *end;
	long long v;

	if (!text)
		return true;
	v = strtoll(text, &end, 10);
	if (!*text || *end || v < -1000000000 || v > 1000000000000)
		return err_set(e, ERR_OBJECT,
			strcmp(name, "count") == 0 ? "invalidCount" : "invalidValue",
			"%s must be a whole number", name);
	*v_r = v;
	return true;
}

static struct call
call_of(struct cloud *c, const struct request *rq)
{
	return (struct call){ .c = c,
		.a = rq->a,
		.tenant = rq->tenant,
		.agent = rq->agent,
		.now = c->clock->now(c->clock->ctx),
		.base = rq->base };
}

static bool
parse_body(const struct request *rq, struct json **j_r, struct err *e)
{
	if (rq->body.n == 0)
		return err_set(
			e, ERR_OBJECT, "invalidSyntax", "a JSON object is expected in the body");
	if (!json_parse(rq->body, CLOUD_BODY_MAX, j_r, e))
		return false;
	return json_type(*j_r) == JSON_OBJECT ||
	       err_set(e, ERR_OBJECT, "invalidSyntax", "a JSON object is expected in the body");
}

/* What is to be shown of the answer; asked before anything is written. */
static bool
shape_of(struct call *k, const struct request *rq, unsigned type, struct projection *p_r,
	struct err *e)
{
	return projection_parse(k->a, &scim_types[type], rq->q.attributes, rq->q.excluded, p_r, e);
}

/* The resource as the answer, with its version. */
static bool
answer_row(struct call *k, struct request *rq, const struct projection *p,
	const struct store_row *row, int status, struct err *e)
{
	char tag[32];

	if (!render_row(k, p, row, &rq->reply.out, e))
		return false;
	render_version(row, tag);
	rq->reply.status = status;
	rq->reply.etag = arena_strdup(k->a, tag);
	rq->reply.location = render_location(k, row);
	return true;
}

static bool
post(struct call *k, struct request *rq, unsigned type, struct err *e)
{
	CLEAN_JSON struct json *data = NULL;
	struct projection p;
	struct store_row row;

	return parse_body(rq, &data, e) && shape_of(k, rq, type, &p, e) && cloud_write(k->c, e) &&
	       resource_create(k, type, data, NULL, &row, e) && answer_row(k, rq, &p, &row, 201, e);
}

static bool
match_version(const struct request *rq, const struct store_row *row, struct err *e)
{
	return resource_match(rq->if_match, row) ||
	       err_set(e, ERR_OBJECT, "precondition", "the version is %lld, not that of If-Match",
		       (long long)row->version);
}

static bool
get(struct call *k, struct request *rq, unsigned type, const char *id, struct err *e)
{
	struct projection p;
	struct store_row row;

	if (!shape_of(k, rq, type, &p, e) || !cloud_read(k->c, e) ||
		!resource_load(k, type, id, &row, e) || !match_version(rq, &row, e) ||
		!answer_row(k, rq, &p, &row, 200, e))
		return false;
	if (rq->if_none_match && resource_match(rq->if_none_match, &row)) {
		out_free(&rq->reply.out);
		rq->reply.status = 304;
	}
	return true;
}

/* PUT, PATCH, DELETE */
static bool
change(struct call *k, struct request *rq, unsigned type, const char *id, struct err *e)
{
	CLEAN_JSON struct json *data = NULL;
	struct projection p;
	struct store_row row;
	bool del = strcmp(rq->method, "DELETE") == 0, put = strcmp(rq->method, "PUT") == 0;

	if (!del && (!parse_body(rq, &data, e) || !shape_of(k, rq, type, &p, e)))
		return false;
	if (!cloud_write(k->c, e) || !resource_load(k, type, id, &row, e))
		return false;
	if (!match_version(rq, &row, e))
		return false;
	if (rq->if_none_match && resource_match(rq->if_none_match, &row)) /* RFC 9110 13.1.2 */
		return err_set(e, ERR_OBJECT, "precondition",
			"the version is %lld, which If-None-Match rules out",
			(long long)row.version);
	if (del) {
		rq->reply.status = 204;
		return resource_remove(k, type, &row, e);
	}
	if (!(put ? resource_replace(k, type, data, &row, e)
		  : resource_patch(k, type, data, &row, e)))
		return false;
	/* Entra wants 204 for groups, Okta a body for users; who names attributes gets them (RFC
	 * 7644 3.5.2); a projection of what is left out is no wish for the rest */
	if (!put && type == SCIM_GROUP && !rq->q.attributes) {
		char tag[32];
		render_version(&row, tag);
		rq->reply.etag = arena_strdup(k->a, tag);
		rq->reply.status = 204;
		return true;
	}
	return answer_row(k, rq, &p, &row, 200, e);
}

static bool
list(struct call *k, struct request *rq, unsigned types, const struct query *q, struct err *e)
{
	return cloud_read(k->c, e) && job_new(k, types, q, &rq->job, e);
}

/* attributes of a SearchRequest: a list of names, as the comma list of a URL. */
static const char *
joined(struct arena *a, const struct json *names)
{
	CLEAN_BUF struct buf b = { 0 };

	if (json_type(names) != JSON_ARRAY)
		return json_string(names) ? arena_strdup(a, json_string(names)) : NULL;
	json_for_each(n, names) {
		if (json_string(n))
			buf_addf(&b, "%s%s", b.n ? "," : "", json_string(n));
	}
	return arena_strdup(a, buf_cstr(&b));
}

/* A member of a SearchRequest that is a text; NULL when absent. One that is none is refused: passed
 * over, a filter would find everybody. */
static bool
search_text(struct arena *a, const struct json *body, const char *name, const char **text_r,
	struct err *e)
{
	const struct json *v = scim_get(body, name);

	*text_r = json_string(v) ? arena_strdup(a, json_string(v)) : NULL;
	return *text_r || json_type(v) == JSON_NULL ||
	       err_set(e, ERR_OBJECT, "invalidSyntax", "%s must be a text", name);
}

static bool
search_number(const struct json *body, const char *name, int64_t *v_r, struct err *e)
{
	const struct json *v = scim_get(body, name);
	double d = json_number(v, 0.5);
	char text[32] = ""; /* what is no whole number is refused as such */

	if (json_type(v) == JSON_NULL)
		return true;
	if (d > -1e15 && d < 1e15 && d == (double)(int64_t)d)
		snprintf(text, sizeof(text), "%.0f", d);
	return api_number(name, text, v_r, e);
}

static bool
search(struct call *k, struct request *rq, unsigned types, struct err *e)
{
	CLEAN_JSON struct json *body = NULL;
	struct query q = { .start = 1, .count = -1 };

	if (!parse_body(rq, &body, e) || !search_text(k->a, body, "filter", &q.filter, e) ||
		!search_text(k->a, body, "cursor", &q.cursor, e) ||
		!search_text(k->a, body, "sortBy", &q.sort_by, e) ||
		!search_text(k->a, body, "sortOrder", &q.sort_order, e) ||
		!search_number(body, "startIndex", &q.start, e) ||
		!search_number(body, "count", &q.count, e))
		return false;
	q.count_given = json_type(scim_get(body, "count")) != JSON_NULL;
	q.attributes = joined(k->a, scim_get(body, "attributes"));
	q.excluded = joined(k->a, scim_get(body, "excludedAttributes"));
	return list(k, rq, types, &q, e);
}

static bool
bulk(struct call *k, struct request *rq, struct err *e)
{
	CLEAN_JSON struct json *body = NULL;
	bool references;

	if (rq->body.n > CLOUD_BULK_MAX)
		return err_set(e, ERR_OBJECT, "too-large", "%zu bytes; maxPayloadSize is %zu",
			rq->body.n, CLOUD_BULK_MAX);
	if (!parse_body(rq, &body, e) || !cloud_write(k->c, e))
		return false;
	references = memmem(rq->body.p, rq->body.n, "bulkId:", 7) ||
		     memmem(rq->body.p, rq->body.n, "\\u", 2); /* perhaps written so */
	return bulk_run(k, body, references, &rq->reply, e);
}

/* The key that the request came with is exchanged for a token of the agent that is named. */
static bool
credential(struct call *k, struct request *rq, struct err *e)
{
	CLEAN_JSON struct json *body = NULL;
	char token[TOKEN_TEXT];
	const char *name;
	struct jsonw w = jsonw(&rq->reply.out.text);

	if (rq->body.n > BODY_SMALL)
		return err_set(e, ERR_OBJECT, "too-large", "%zu bytes; at most %d are taken here",
			rq->body.n, BODY_SMALL);
	if (!parse_body(rq, &body, e))
		return false;
	name = json_get_string(body, "name");
	if (!name)
		return err_set(e, ERR_OBJECT, "invalidValue", "name: the agent's is needed");
	if (!credential_make(k, name, &name, token, e))
		return false;
	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "schemas");
	jsonw_str(&w, NULL, "urn:lockstep:params:scim:schemas:2.0:Credential");
	jsonw_end(&w);
	jsonw_str(&w, "name", name);
	jsonw_str(&w, "token", token);
	jsonw_end(&w);
	rq->reply.status = 201;
	return true;
}

static bool
no_method(const struct request *rq, struct err *e)
{
	return err_set(
		e, ERR_OBJECT, "method", "%.20s is not possible at %.200s", rq->method, rq->path);
}

/* rest: behind /Users or /Groups */
static bool
route_type(struct call *k, struct request *rq, unsigned type, const char *rest, struct err *e)
{
	bool is_get = strcmp(rq->method, "GET") == 0, is_post = strcmp(rq->method, "POST") == 0;

	if (!*rest || strcmp(rest, "/") == 0) {
		if (is_get)
			return list(k, rq, 1u << type, &rq->q, e);
		return is_post ? post(k, rq, type, e) : no_method(rq, e);
	}
	if (strcmp(rest, "/.search") == 0)
		return is_post ? search(k, rq, 1u << type, e) : no_method(rq, e);
	if (is_get)
		return get(k, rq, type, rest + 1, e);
	if (strcmp(rq->method, "PUT") == 0 || strcmp(rq->method, "PATCH") == 0 ||
		strcmp(rq->method, "DELETE") == 0)
		return change(k, rq, type, rest + 1, e);
	return no_method(rq, e);
}

static bool
route(struct call *k, struct request *rq, struct err *e)
{
	unsigned all = (1u << SCIM_TYPES) - 1;
	bool is_get = strcmp(rq->method, "GET") == 0, is_post = strcmp(rq->method, "POST") == 0;

	for (unsigned t = 0; t < SCIM_TYPES; t++) {
		size_t n = strlen(scim_types[t].endpoint);
		if (strncasecmp(rq->path, scim_types[t].endpoint, n) == 0 &&
			(!rq->path[n] || rq->path[n] == '/'))
			return route_type(k, rq, t, rq->path + n, e);
	}
	if (ascii_ieq(rq->path, "/Bulk"))
		return is_post ? bulk(k, rq, e) : no_method(rq, e);
	if (ascii_ieq(rq->path, "/.search"))
		return is_post ? search(k, rq, all, e) : no_method(rq, e);
	if (ascii_ieq(rq->path, CREDENTIAL_PATH))
		return is_post ? credential(k, rq, e) : no_method(rq, e);
	if (!*rq->path || strcmp(rq->path, "/") == 0)
		return is_get ? list(k, rq, all, &rq->q, e) : no_method(rq, e);
	if (ascii_ieq(rq->path, "/Me"))
		return err_set(
			e, ERR_OBJECT, "not-implemented", "a token is a tenant's, not a user's");
	if (is_get && rq->q.filter)
		return err_set(e, ERR_OBJECT, "forbidden", /* RFC 7644 4 */
			"no filter applies to %.200s", rq->path);
	return is_get ? discovery_get(k, rq->path, &rq->reply, e) : no_method(rq, e);
}

static void
fail(struct request *rq, const struct err *e)
{
	if (reply_status(e) >= 500)
		log_err(LOG_ERROR, "request-failed", e);
	job_free(rq->job);
	rq->job = NULL;
	reply_error(&rq->reply, e);
}

void
api_handle(struct cloud *c, struct request *rq)
{
	struct call k = call_of(c, rq);
	struct err e = { 0 };

	if (!route(&k, rq, &e))
		fail(rq, &e);
}

bool
api_step(struct cloud *c, struct request *rq)
{
	struct call k = call_of(c, rq);
	struct err e = { 0 };
	bool done;

	if (!cloud_read(c, &e) || !job_step(rq->job, &k, &done, &e)) {
		fail(rq, &e);
		return true;
	}
	if (!done)
		return false;
	rq->reply.status = 200;
	rq->reply.out = *job_out(rq->job);
	*job_out(rq->job) = (struct out){ 0 };
	job_free(rq->job);
	rq->job = NULL;
	return true;
}
