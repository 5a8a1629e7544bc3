#include <stdlib.h>
#include <string.h>
#include "http_p.h"

#define PREFIX "/scim/v2"

/* So much of a body that is refused is read all the same: many clients send all of it before they look
 * at the answer. */
#define PASSED_OVER (4 * CLOUD_BODY_MAX)

static const char *
header(struct MHD_Connection *mhd, const char *name)
{
	return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

/* A parameter of the URL; one with a NUL in it would be cut, so it is refused. */
static bool
parameter(struct exchange *x, const char *name, const char **value_r, bool *given_r, struct err *e)
{
	const char *value = NULL;
	size_t n = 0;
	bool given;

	given = MHD_lookup_connection_value_n(
		x->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name), &value, &n);
	*value_r = NULL;
	if (given_r)
		*given_r = given;
	if (given && value && strlen(value) != n)
		return err_set(e, ERR_OBJECT, "invalidValue", "%s holds a NUL", name);
	if (given)
		*value_r = value ? arena_strdup(x->rq.a, value) : "";
	return true;
}

static bool
read_query(struct exchange *x, struct err *e)
{
	struct query *q = &x->rq.q;
	const char *start, *count;

	q->start = 1;
	q->count = -1;
	return parameter(x, "filter", &q->filter, NULL, e) &&
	       parameter(x, "attributes", &q->attributes, NULL, e) &&
	       parameter(x, "excludedAttributes", &q->excluded, NULL, e) &&
	       parameter(x, "cursor", &q->cursor, NULL, e) &&
	       parameter(x, "sortBy", &q->sort_by, NULL, e) &&
	       parameter(x, "sortOrder", &q->sort_order, NULL, e) &&
	       parameter(x, "startIndex", &start, NULL, e) &&
	       parameter(x, "count", &count, &q->count_given, e) &&
	       api_number("startIndex", start, &q->start, e) &&
	       api_number("count", count, &q->count, e);
}

/* What locations begin with. A Host that could not be one is not echoed. */
static const char *
base_url(struct exchange *x)
{
	const char *host = header(x->mhd, "Host");
	size_t n = host ? strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456"
				       "789.-_:[]")
			: 0;

	if (x->h->c->url)
		return x->h->c->url;
	if (!n || host[n] || n > 255)
		host = x->h->address;
	return arena_printf(x->rq.a, "http://%s" PREFIX, host);
}

/* Method, path, size, token: what can be refused before a body is taken. */
static bool
begin(struct exchange *x, const char *url, const char *method, struct err *e)
{
	const char *length = header(x->mhd, "Content-Length");
	int64_t n = 0;

	x->rq.method = arena_strdup(x->rq.a, method);
	if (strncmp(url, PREFIX, strlen(PREFIX)) != 0 ||
		(url[strlen(PREFIX)] && url[strlen(PREFIX)] != '/'))
		return err_set(e, ERR_OBJECT, "not-found", "there is nothing here but " PREFIX);
	x->rq.path = arena_strdup(x->rq.a, url + strlen(PREFIX));
	if (!api_auth(x->h->c, header(x->mhd, "Authorization"), &x->rq, e))
		return false;
	if (length && api_number("Content-Length", length, &n, NULL) &&
		(uint64_t)n > CLOUD_BODY_MAX) {
		err_set(&x->refused, ERR_OBJECT, "too-large", "%lld bytes; at most %zu are taken",
			(long long)n, CLOUD_BODY_MAX);
		if ((uint64_t)n > PASSED_OVER) {
			*e = x->refused;
			return false;
		}
	}
	x->rq.base = base_url(x);
	x->rq.if_match = header(x->mhd, "If-Match");
	x->rq.if_none_match = header(x->mhd, "If-None-Match");
	return read_query(x, e);
}

static struct exchange *
exchange_new(struct http *h, struct MHD_Connection *mhd)
{
	struct exchange *x = xcalloc(1, sizeof(*x));
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	x->h = h;
	x->mhd = mhd;
	x->conn = info ? info->socket_context : NULL;
	x->rq.a = h->n_spare ? h->spare[--h->n_spare] : arena_new();
	h->active++;
	return x;
}

void
http_completed(
	void *ctx, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode why)
{
	struct http *h = ctx;
	struct exchange *x = *state;

	(void)mhd;
	(void)why;
	if (!x)
		return;
	conn_deadline(x, IDLE_MS);
	job_free(x->rq.job);
	out_free(&x->rq.reply.out);
	buf_free(&x->body);
	h->bodies -= x->counted;
	h->active--;
	arena_reset(x->rq.a);
	if (h->n_spare < ARRAY_LEN(h->spare))
		h->spare[h->n_spare++] = x->rq.a;
	else
		arena_free(x->rq.a);
	free(x);
	*state = NULL;
}

/* A list with large groups in it, sent as it is read. */
struct stream {
	struct cloud *c;
	struct out out;
	struct out_pos pos;
	char *base;
};

static ssize_t
stream_read(void *ctx, uint64_t at, char *p, size_t max)
{
	struct stream *s = ctx;
	struct err e = { 0 };
	size_t n;

	(void)at;
	if (!out_read(s->c, s->base, &s->out, &s->pos, p, max, &n, &e))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return n ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void
stream_free(void *ctx)
{
	struct stream *s = ctx;

	out_free(&s->out);
	buf_free(&s->pos.page);
	free(s->base);
	free(s);
}

/* The text's memory goes to libmicrohttpd. */
static struct MHD_Response *
make_response(struct exchange *x)
{
	struct out *o = &x->rq.reply.out;
	struct MHD_Response *r;
	struct stream *s;

	if (o->n_holes == 0) {
		r = MHD_create_response_from_buffer(o->text.n, o->text.p, MHD_RESPMEM_MUST_FREE);
		o->text = (struct buf){ 0 };
		return r;
	}
	s = xcalloc(1, sizeof(*s));
	*s = (struct stream){ .c = x->h->c, .out = *o, .base = xstrdup(x->rq.base) };
	*o = (struct out){ 0 };
	return MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, 65536, stream_read, s, stream_free);
}

static enum MHD_Result
answer(struct exchange *x)
{
	const struct reply *rp = &x->rq.reply;
	struct MHD_Response *r = make_response(x);
	enum MHD_Result ok;

	if (!r)
		return MHD_NO;
	if (rp->status != 204 && rp->status != 304)
		MHD_add_response_header(r, "Content-Type", "application/scim+json");
	if (rp->location)
		MHD_add_response_header(r, "Location", rp->location);
	if (rp->etag)
		MHD_add_response_header(r, "ETag", rp->etag);
	if (rp->status == 401)
		MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
	if (rp->status == 503)
		MHD_add_response_header(r, "Retry-After", "1");
	if (x->h->draining)
		MHD_add_response_header(r, "Connection", "close");
	conn_deadline(x, SEND_MS);
	ok = MHD_queue_response(x->mhd, (unsigned)rp->status, r);
	MHD_destroy_response(r);
	return ok;
}

/* Part of a body. */
static enum MHD_Result
take_body(struct exchange *x, const char *data, size_t n)
{
	struct http *h = x->h;

	if (!x->refused.kind && x->body.n + n > CLOUD_BODY_MAX)
		err_set(&x->refused, ERR_OBJECT, "too-large", "at most %zu bytes are taken",
			CLOUD_BODY_MAX);
	else if (!x->refused.kind && h->bodies + n > HTTP_BODIES_MAX)
		err_set(&x->refused, ERR_WAIT, "busy",
			"too many large requests at once; try again");
	if (x->refused.kind) {
		x->dropped += n;
		return x->dropped > PASSED_OVER ? MHD_NO : MHD_YES;
	}
	buf_add(&x->body, data, n);
	x->counted += n;
	h->bodies += n;
	return MHD_YES;
}

/* A list that is not done at once is worked on beside other requests. False: there are too many. */
static bool
queue_list(struct exchange *x)
{
	if (http_list_room(x->h, x->rq.tenant)) {
		http_queue_job(x->h, x);
		return true;
	}
	job_free(x->rq.job);
	x->rq.job = NULL;
	err_set(&x->refused, ERR_WAIT, "busy", "too many long lists at once; try again");
	reply_error(&x->rq.reply, &x->refused);
	return false;
}

static enum MHD_Result
handle(struct exchange *x)
{
	x->handled = true;
	conn_deadline(x, 0);
	if (x->refused.kind) {
		reply_error(&x->rq.reply, &x->refused);
		return answer(x);
	}
	x->rq.body = buf_str(&x->body);
	api_handle(x->h->c, &x->rq);
	if (x->rq.job && !api_step(x->h->c, &x->rq)) {
		if (!queue_list(x))
			return answer(x);
	} else if (x->h->c->tx == TX_WRITE) {
		/* what was read inside a write transaction counts only when that is committed */
		x->next = x->h->waiting;
		x->h->waiting = x;
	} else {
		return answer(x);
	}
	MHD_suspend_connection(x->mhd);
	return MHD_YES;
}

enum MHD_Result
http_request(void *ctx, struct MHD_Connection *mhd, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **state)
{
	struct http *h = ctx;
	struct exchange *x = *state;
	struct err e = { 0 };
	enum MHD_Result ok;

	(void)version;
	if (!x) {
		x = exchange_new(h, mhd);
		*state = x;
		conn_deadline(x, BODY_MS);
		if (begin(x, url, method, &e))
			return MHD_YES;
		reply_error(&x->rq.reply, &e);
		x->handled = true;
		return answer(x);
	}
	if (*size) {
		ok = take_body(x, data, *size);
		*size = 0;
		return ok;
	}
	return x->handled ? answer(x) : handle(x);
}
