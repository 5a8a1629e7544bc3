/* One request. Nothing of it is looked at before it is known to be meant for us (web.h). */
#include "web_p.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "health.h"
#include "reload.h"

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
			     "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
			     "form-action 'self'; frame-ancestors 'none'";

#define API "/api/"

const char *
web_header(const struct exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, name);
}

struct gather {
	const char *name, **list;
	size_t count, max;
	struct arena *a;
};

static enum MHD_Result
gather_one(void *ctx, enum MHD_ValueKind kind, const char *key, size_t key_n, const char *value,
	size_t n)
{
	struct gather *g = ctx;

	(void)kind;
	if (key_n == strlen(g->name) && memcmp(key, g->name, key_n) == 0 && g->count < g->max &&
		value && strlen(value) == n && utf8_valid(value, n))
		g->list[g->count++] = arena_strndup(g->a, value, n);
	return MHD_YES;
}

size_t
web_params(const struct exchange *x, const char *name, const char **list, size_t max)
{
	struct gather g = { name, list, 0, max, x->a };

	MHD_get_connection_values_n(x->mhd, MHD_GET_ARGUMENT_KIND, gather_one, &g);
	return g.count;
}

const char *
web_param(const struct exchange *x, const char *name)
{
	const char *one = NULL;

	return web_params(x, name, &one, 1) ? one : NULL;
}

/* --- answers --- */

static enum MHD_Result
queue(struct exchange *x)
{
	struct MHD_Response *r;
	enum MHD_Result ok;

	x->queued = true;
	if (x->fixed) {
		r = MHD_create_response_from_buffer(
			x->fixed_n, (void *)(uintptr_t)x->fixed, MHD_RESPMEM_PERSISTENT);
	} else {
		r = MHD_create_response_from_buffer(x->out.n, x->out.p, MHD_RESPMEM_MUST_FREE);
		x->out = (struct buf){ 0 };
	}
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Security-Policy", policy);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
	MHD_add_response_header(r, "Cross-Origin-Opener-Policy", "same-origin");
	MHD_add_response_header(r, "Cache-Control", x->cached ? "no-cache" : "no-store");
	if (x->type)
		MHD_add_response_header(r, "Content-Type", x->type);
	if (x->gzip)
		MHD_add_response_header(r, "Content-Encoding", "gzip");
	if (x->etag)
		MHD_add_response_header(r, "ETag", x->etag);
	if (x->location)
		MHD_add_response_header(r, "Location", x->location);
	if (x->set_cookie)
		MHD_add_response_header(r, "Set-Cookie", x->set_cookie);
	if (x->disposition)
		MHD_add_response_header(r, "Content-Disposition", x->disposition);
	ok = MHD_queue_response(x->mhd, x->status, r);
	MHD_destroy_response(r);
	return ok;
}

void
web_answer(struct exchange *x, unsigned status, const char *type)
{
	x->status = status;
	x->type = type;
	x->answered = true;
	if (x->suspended) {
		x->suspended = false;
		MHD_resume_connection(x->mhd);
		web_pump(x->w);
	}
}

void
web_json(struct exchange *x, unsigned status)
{
	web_answer(x, status, "application/json");
}

void
web_err(struct exchange *x, unsigned status, const struct err *e)
{
	struct jsonw w;

	buf_reset(&x->out);
	w = jsonw(&x->out);
	jsonw_obj(&w, NULL);
	jsonw_obj(&w, "error");
	jsonw_str(&w, "code", e->code);
	jsonw_str(&w, "message", e->text);
	jsonw_end(&w);
	jsonw_end(&w);
	web_json(x, status);
}

void
web_fail(struct exchange *x, unsigned status, const char *code, const char *fmt, ...)
{
	struct err e;
	char text[sizeof(e.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(&e, ERR_CONFIG, code, "%s", text);
	web_err(x, status, &e);
}

void
web_ok(struct exchange *x)
{
	buf_reset(&x->out);
	buf_adds(&x->out, "{\"ok\":true}");
	web_json(x, 200);
}

/* --- is it meant for us --- */

/* "localhost:PORT" and the two addresses: a name of somebody else's that leads here is refused (DNS rebinding). */
static bool
host_ours(const struct exchange *x, const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
	char text[64];

	for (size_t i = 0; host && i < ARRAY_LEN(names); i++) {
		snprintf(text, sizeof(text), "%s:%u", names[i], x->w->port);
		if (ascii_ieq(host, text) || (x->w->port == 80 && ascii_ieq(host, names[i])))
			return true;
	}
	return false;
}

static bool
from_us(const struct exchange *x)
{
	const char *origin = web_header(x, "Origin"), *site = web_header(x, "Sec-Fetch-Site");

	if (origin && (strncmp(origin, "http://", 7) != 0 || !host_ours(x, origin + 7)))
		return false;
	return !site || strcmp(site, "same-origin") == 0 || (!x->post && strcmp(site, "none") == 0);
}

static bool
same_text(const char *a, const char *b)
{
	unsigned char differ = 0;

	if (!a || !b || strlen(a) != strlen(b))
		return false;
	for (size_t i = 0; a[i]; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

/* /api: signed in, from our pages, and with the token where something changes. */
static bool
api_admits(struct exchange *x)
{
	const char *type = web_header(x, "Content-Type");

	if (!from_us(x))
		web_fail(x, 403, "foreign", "this request comes from another site");
	else if (!web_session(x))
		web_fail(x, 401, "sign-in", "sign in: `lockstep console` gives a link");
	else if (x->post && !same_text(web_header(x, "X-Lockstep-Token"), x->token))
		web_fail(x, 403, "token", "the token of this session is missing or another one");
	else if (x->post && (!type || strncmp(type, "application/json", 16) != 0))
		web_fail(x, 415, "type", "JSON is expected");
	else
		return true;
	return false;
}

/* By its head alone, before anything of its body is kept. */
static bool
admits(struct exchange *x, const char *method)
{
	if (!x->post && !x->head && strcmp(method, "GET") != 0)
		web_fail(x, 405, "method", "GET or POST is expected");
	else if (!host_ours(x, web_header(x, "Host")))
		web_fail(x, 421, "host",
			"the console answers as localhost, 127.0.0.1 and [::1], port %u",
			x->w->port);
	else if (strncmp(x->url, API, strlen(API)) == 0)
		return api_admits(x);
	else if (x->post)
		web_fail(x, 405, "method", "GET is expected");
	else
		return true;
	return false;
}

static void
api(struct exchange *x, const char *path)
{
	struct err e = { 0 };

	if (x->post && !json_parse(buf_str(&x->body), WEB_BODY_MAX, &x->in, &e))
		web_err(x, 400, &e);
	else if (x->post && json_type(x->in) != JSON_OBJECT)
		web_fail(x, 400, "bad-json", "an object is expected");
	else
		web_api(x, path);
}

/* The link's way: a new session, and on to the page. */
static void
sign_in(struct exchange *x, const char *link)
{
	struct err e = { 0 };

	x->location = "/";
	if (!web_sign_in(x, link, &e))
		x->location = strcmp(e.code, "too-often") == 0 ? "/?signin=wait" : "/?signin=used";
	web_answer(x, 303, NULL);
}

/* For monitoring on this machine: no session, no secrets. */
static bool
health(struct exchange *x)
{
	if (strcmp(x->url, "/metrics") == 0) {
		health_metrics(x->w->g, &x->out);
		web_answer(x, 200, "text/plain; version=0.0.4");
	} else if (strcmp(x->url, "/healthz") == 0) {
		unsigned status = health_check(x->w->g, &x->out) ? 200 : 503;
		web_answer(x, status, "application/json");
	} else {
		return false;
	}
	return true;
}

static void
handle(struct exchange *x)
{
	const char *link;

	if (strncmp(x->url, API, strlen(API)) == 0)
		api(x, x->url + strlen(API));
	else if (!x->head && strcmp(x->url, "/") == 0 && (link = web_param(x, "link")))
		sign_in(x, link);
	else if (!health(x) && !web_asset(x, x->url))
		web_fail(x, 404, "not-found", "there is nothing here");
}

/* --- libmicrohttpd's callbacks --- */

static struct exchange *
exchange_new(struct web *w, struct MHD_Connection *mhd, const char *url, const char *method)
{
	struct exchange *x = xcalloc(1, sizeof(*x));

	x->w = w;
	x->mhd = mhd;
	x->a = arena_new();
	x->url = arena_strdup(x->a, url);
	x->post = strcmp(method, "POST") == 0;
	x->head = strcmp(method, "HEAD") == 0;
	x->next = w->open;
	if (x->next)
		x->next->prev = x;
	w->open = x;
	x->client =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	if (x->client)
		x->client->x = x;
	x->handled = !admits(x, method);
	return x;
}

void
web_completed(
	void *ctx, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode why)
{
	struct web *w = ctx;
	struct exchange *x = *state;

	(void)mhd;
	(void)why;
	if (!x)
		return;
	if (x->client) {
		x->client->x = NULL;
		x->client->since = clock_system.mono_ms(clock_system.ctx);
	}
	if (x->job) {
		job_forget(x->job);
		w->reads--;
	}
	if (x->reloading)
		reload_forget(w->g, x);
	if (x->draft)
		unlink(x->draft);
	sd_event_source_disable_unref(x->patience);
	if (x->prev)
		x->prev->next = x->next;
	else
		w->open = x->next;
	if (x->next)
		x->next->prev = x->prev;
	buf_free(&x->body);
	buf_free(&x->out);
	json_free(x->in);
	arena_free(x->a);
	free(x);
	*state = NULL;
}

enum MHD_Result
web_request(void *ctx, struct MHD_Connection *mhd, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **state)
{
	struct exchange *x = *state;

	(void)version;
	if (!x) {
		*state = exchange_new(ctx, mhd, url, method);
		return MHD_YES;
	}
	if (*size) {
		if (!x->handled && x->body.n + *size > WEB_BODY_MAX) {
			x->handled = true;
			web_fail(x, 413, "too-large", "at most %zu bytes are taken", WEB_BODY_MAX);
		} else if (!x->handled) {
			buf_add(&x->body, data, *size);
		}
		*size = 0;
		return MHD_YES;
	}
	if (!x->handled) {
		x->handled = true;
		handle(x);
	}
	if (x->answered)
		return x->queued ? MHD_YES : queue(x);
	x->suspended = true;
	MHD_suspend_connection(mhd);
	return MHD_YES;
}
