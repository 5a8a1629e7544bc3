#include "scim_http.h"
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"

#define KEEP_MAX (1u << 16) /* bytes of buffers kept by an idle slot */

struct http_socket {
	int fd;
	bool used; /* a request went over it */
};

struct http {
	struct http_options o;
	struct http_socket *sockets; /* that libcurl has open */
	size_t socket_count;
	CURLM *multi;
	struct curl_slist token_line; /* its data is locked memory: libcurl reads it, we own it */
	char *token_text;
	struct http_slot *slots;
	size_t slot_count, busy;
	unsigned sent;
};

/* --- callbacks --- */

static size_t
read_body(char *to, size_t size, size_t n, void *ctx)
{
	struct http_slot *s = ctx;
	size_t left = s->body.n - s->sent, take = size * n < left ? size * n : left;

	memcpy(to, s->body.p + s->sent, take);
	s->sent += take;
	return take;
}

static int
refuse_rewind(void *ctx, curl_off_t offset, int origin)
{
	(void)ctx, (void)offset, (void)origin;
	return CURL_SEEKFUNC_FAIL;
}

static size_t
write_answer(char *p, size_t size, size_t n, void *ctx)
{
	struct http_slot *s = ctx;

	if (s->answer.n + size * n > HTTP_ANSWER_MAX) {
		s->too_big = true;
		return 0;
	}
	buf_add(&s->answer, p, size * n);
	return size * n;
}

static void
keep(char *to, size_t cap, struct str value)
{
	if (value.n < cap && utf8_valid(value.p, value.n) && !memchr(value.p, 0, value.n)) {
		memcpy(to, value.p, value.n);
		to[value.n] = 0;
	}
}

static bool
header(struct str line, const char *name, struct str *value_r)
{
	size_t n = strlen(name);

	if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0)
		return false;
	*value_r = str_trim((struct str){ line.p + n + 1, line.n - n - 1 });
	return true;
}

static size_t
read_header(char *p, size_t size, size_t n, void *ctx)
{
	struct http_slot *s = ctx;
	struct str line = { p, size * n }, value;

	if (header(line, "ETag", &value)) {
		keep(s->etag, sizeof(s->etag), value);
	} else if (header(line, "Location", &value)) {
		keep(s->location, sizeof(s->location), value);
	} else if (rate_header(line, &s->rate)) {
		return size * n;
	} else if (header(line, "Date", &value)) {
		char text[64] = "";
		keep(text, sizeof(text), value);
		time_t t = curl_getdate(text, NULL);
		s->date = t > 0 ? t : 0;
	}
	return size * n;
}

/* --- connections --- */

static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	struct http *h = ctx;

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	h->sockets = xrealloc(h->sockets, (h->socket_count + 1) * sizeof(*h->sockets));
	h->sockets[h->socket_count++] = (struct http_socket){ .fd = fd };
	return fd;
}

static int
close_socket(void *ctx, curl_socket_t fd)
{
	struct http *h = ctx;

	for (size_t i = 0; i < h->socket_count; i++)
		if (h->sockets[i].fd == fd)
			h->sockets[i] = h->sockets[--h->socket_count];
	return close(fd);
}

static int
port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} a = { .six = { 0 } };
	socklen_t n = sizeof(a);

	if (getsockname(fd, &a.any, &n) != 0)
		return -1;
	return ntohs(a.any.sa_family == AF_INET6 ? a.six.sin6_port : a.four.sin_port);
}

/* A kept connection is about to be used again. What waits there to be read was not asked for: a second answer to
 * an earlier request, say; it would be taken for the answer to this one, and so on for ever. */
static int
before_request(void *ctx, char *to_ip, char *own_ip, int to_port, int own_port)
{
	struct http_slot *s = ctx;
	struct http *h = s->http;

	(void)to_ip, (void)own_ip, (void)to_port;
	for (size_t i = 0; i < h->socket_count; i++) {
		struct http_socket *k = &h->sockets[i];
		struct pollfd p = { .fd = k->fd, .events = POLLIN };

		if (port_of(k->fd) != own_port)
			continue;
		if (k->used && poll(&p, 1, 0) > 0) {
			s->stray = true;
			return CURL_PREREQFUNC_ABORT;
		}
		k->used = true;
	}
	return CURL_PREREQFUNC_OK;
}

/* --- set-up --- */

static void
slot_init(struct http *h, struct http_slot *s)
{
	CURL *c = curl_easy_init();

	s->http = h;
	s->curl = c;
	curl_easy_setopt(c, CURLOPT_PRIVATE, s);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 10L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)h->o.timeout);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(h->o.timeout < 60 ? h->o.timeout : 60));
	curl_easy_setopt(c, CURLOPT_USERAGENT, "lockstep/" LOCKSTEP_VERSION);
	curl_easy_setopt(c, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->said);
	curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 64L * 1024);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 32L * 1024);
	http_transport_set(c, &h->o);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, read_body);
	curl_easy_setopt(c, CURLOPT_READDATA, s);
	curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, refuse_rewind);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, write_answer);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, read_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, h);
	curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(c, CURLOPT_PREREQDATA, s);
}

/* "Authorization: Bearer ..." in memory like the token's own. */
static bool
token_line(struct http *h, struct err *e)
{
	static const char before[] = "Authorization: Bearer ";
	size_t n = sizeof(before) - 1;

	h->token_text = sodium_init() < 0 ? NULL : sodium_malloc(n + h->o.token->n + 1);
	if (!h->token_text)
		return err_set(e, ERR_SIDE, "os", "no memory for the token");
	memcpy(h->token_text, before, n);
	memcpy(h->token_text + n, h->o.token->p, h->o.token->n);
	h->token_text[n + h->o.token->n] = 0;
	h->token_line.data = h->token_text;
	return true;
}

bool
http_new(const struct http_options *o, struct http **h_r, struct err *e)
{
	struct http *h;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_SIDE, "libcurl", "libcurl cannot be started");
	h = xcalloc(1, sizeof(*h));
	h->o = *o;
	if (!token_line(h, e)) {
		http_free(h);
		return false;
	}
	h->multi = curl_multi_init();
	curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)o->requests);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)o->requests);
	h->slot_count = o->requests;
	h->slots = xcalloc(o->requests, sizeof(*h->slots));
	for (unsigned i = 0; i < o->requests; i++)
		slot_init(h, &h->slots[i]);
	*h_r = h;
	return true;
}

/* Kept for the next request, unless one large one would hold much for ever. */
static void
buf_forget(struct buf *b)
{
	if (b->cap > KEEP_MAX)
		buf_free(b);
	buf_reset(b);
}

static void
slot_clear(struct http_slot *s)
{
	buf_reset(&s->path);
	buf_forget(&s->body);
	buf_reset(&s->match);
	buf_forget(&s->answer);
	json_free(s->json);
	s->json = NULL;
	s->work = NULL;
}

void
http_free(struct http *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->slot_count; i++) {
		struct http_slot *s = &h->slots[i];
		if (s->busy)
			curl_multi_remove_handle(h->multi, s->curl);
		curl_easy_cleanup(s->curl);
		slot_clear(s);
		buf_free(&s->path);
		buf_free(&s->body);
		buf_free(&s->match);
		buf_free(&s->answer);
	}
	if (h->multi)
		curl_multi_cleanup(h->multi);
	if (h->token_text)
		sodium_free(h->token_text);
	free(h->sockets);
	free(h->slots);
	curl_global_cleanup();
	free(h);
}

/* --- requests --- */

struct http_slot *
http_slot_free(struct http *h)
{
	for (size_t i = 0; i < h->slot_count; i++)
		if (!h->slots[i].busy)
			return &h->slots[i];
	return NULL;
}

size_t
http_busy(const struct http *h)
{
	return h->busy;
}

unsigned
http_sent(struct http *h)
{
	unsigned sent = h->sent;

	h->sent = 0;
	return sent;
}

/* Lines that libcurl reads while the request runs; nodes are ours, so nothing is copied or freed.
 */
static void
set_headers(struct http_slot *s)
{
	static char accept[] = "Accept: application/scim+json, application/json";
	static char type[] = "Content-Type: application/scim+json";
	static char expect[] = "Expect:";
	size_t n = 0;

	s->headers[n++].data = s->http->token_text;
	s->headers[n++].data = accept;
	if (s->body.n) {
		s->headers[n++].data = type;
		s->headers[n++].data = expect;
	}
	if (s->match.n)
		s->headers[n++].data = s->match.p;
	for (size_t i = 0; i < n; i++)
		s->headers[i].next = i + 1 < n ? &s->headers[i + 1] : NULL;
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->headers);
}

static void
set_method(struct http_slot *s)
{
	curl_easy_setopt(s->curl, CURLOPT_CUSTOMREQUEST, NULL);
	if (s->body.n) {
		curl_easy_setopt(s->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, NULL);
		curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->body.n);
	} else {
		curl_easy_setopt(s->curl, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(s->curl, CURLOPT_CUSTOMREQUEST, s->method);
}

void
http_send(struct http_slot *s)
{
	CLEAN_BUF struct buf url = { 0 };

	buf_adds(&url, s->http->o.url);
	buf_add(&url, s->path.p, s->path.n);
	curl_easy_setopt(s->curl, CURLOPT_URL, buf_cstr(&url)); /* copied */
	set_headers(s);
	set_method(s);
	buf_reset(&s->answer);
	json_free(s->json);
	s->json = NULL;
	s->sent = 0;
	s->too_big = s->bad_body = false;
	curl_easy_setopt(s->curl, CURLOPT_FRESH_CONNECT, (long)s->stray);
	s->stray = false;
	s->status = 0;
	s->retry_after = 0;
	s->rate = (struct rate_said){ .left = -1 };
	s->date = 0;
	s->http->sent++;
	s->type[0] = s->etag[0] = s->location[0] = s->said[0] = 0;
	err_clear(&s->err);
	if (!s->busy)
		s->http->busy++;
	s->busy = true;
	curl_multi_add_handle(s->http->multi, s->curl);
}

void
http_release(struct http_slot *s)
{
	s->http->busy -= s->busy;
	s->busy = false;
	slot_clear(s);
}

static void
outcome_answered(struct http_slot *s)
{
	const char *type = NULL;
	curl_off_t wait = 0, us = 0;

	s->outcome = HTTP_ANSWERED;
	curl_easy_getinfo(s->curl, CURLINFO_TOTAL_TIME_T, &us);
	s->ms = (double)us / 1000;
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &s->status);
	if (curl_easy_getinfo(s->curl, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK)
		s->retry_after = wait > 0 ? (long)wait : 0;
	curl_easy_getinfo(s->curl, CURLINFO_CONTENT_TYPE, &type);
	if (type)
		keep(s->type, sizeof(s->type), str_c(type));
	if (!s->answer.n)
		return;
	/* services differ in what they call it, some do not; an HTML page is what must not pass */
	if (!s->type[0] || strcasestr(s->type, "json"))
		json_parse(buf_str(&s->answer), HTTP_ANSWER_MAX, &s->json, NULL);
	s->bad_body = !s->json;
}

struct http_slot *
http_done(struct http *h)
{
	struct http_slot *s = NULL;
	int running, left;
	CURLMsg *m;

	curl_multi_perform(h->multi, &running);
	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &s);
		curl_multi_remove_handle(h->multi, s->curl);
		if (code == CURLE_ABORTED_BY_CALLBACK && s->stray) {
			log_event(LOG_WARN, "stray-answer", "why",
				"there was more on a kept connection than was asked for; another "
				"is used",
				NULL);
			http_send(s);
			continue;
		}
		if (code == CURLE_OK)
			outcome_answered(s);
		else
			http_transport_failed(s, h->o.url, code);
		return s;
	}
	return NULL;
}

void
http_wait(struct http *h, int fd, int timeout_ms)
{
	struct curl_waitfd extra = { .fd = fd, .events = CURL_WAIT_POLLIN };

	curl_multi_poll(h->multi, &extra, fd >= 0, timeout_ms, NULL);
}

static struct http_slot *
ask(struct http *h, const char *method, const char *path, struct str body)
{
	struct http_slot *s = http_slot_free(h), *done;

	s->method = method;
	buf_adds(&s->path, path);
	buf_add(&s->body, body.p, body.n);
	http_send(s);
	while (!(done = http_done(h)))
		http_wait(h, -1, 1000);
	return done;
}

struct http_slot *
http_get(struct http *h, const char *path)
{
	return ask(h, "GET", path, STR(""));
}

struct http_slot *
http_post(struct http *h, const char *path, struct str body)
{
	return ask(h, "POST", path, body);
}
