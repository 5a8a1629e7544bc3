/*
 * Requests to one service through libcurl's multi interface: a fixed number of slots, each with its
 * own handle, HTTP/1.1 connections kept and reused.
 *
 * libcurl repeats a request by itself when a kept connection turns out dead before the first byte
 * of an answer, even when the body had been sent. A create could thus happen twice, so bodies are
 * given by a reader that refuses to start over: such a request ends as HTTP_LOST instead.
 *
 * A kept connection on which something waits that nobody asked for is not used again.
 *
 * Redirections are never followed; answers over HTTP_ANSWER_MAX are cut off and count as lost.
 */
#pragma once
#include <curl/curl.h>
#include <stdbool.h>
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "scim_rate.h"

#define HTTP_ANSWER_MAX (8u << 20)

struct http_options {
	const char *url; /* base, without a slash at its end; checked by http_url_check */
	const struct secret *token;       /* lives as long as the http */
	const struct secret *proxy_login; /* "user:password"; NULL: none */
	const struct secret *client_key;  /* PEM, without a passphrase; NULL: none; lives as long */
	const char *ca_file, *client_cert; /* NULL: none */
	const char *proxy;    /* http://HOST:PORT; NULL: none. Plain http never goes through it */
	const char *no_proxy; /* hosts, domains, networks reached directly, by commas; NULL: none */
	bool tls13;           /* nothing below TLS 1.3; else nothing below 1.2 */
	unsigned requests;    /* slots */
	unsigned timeout;     /* seconds for one request */
};

enum http_outcome {
	HTTP_ANSWERED, /* status and a whole body */
	HTTP_UNSENT,   /* the service did not get the request: e of kind ERR_SIDE or ERR_CONFIG */
	HTTP_LOST,     /* it may have been carried out: e of kind ERR_UNKNOWN */
};

struct http;
struct http_slot {
	/* the caller fills these before http_send */
	const char *method; /* constant: "GET", "POST", ... */
	struct buf path;    /* from the base on: "/Users?count=1" */
	struct buf body;    /* empty: none */
	struct buf match;   /* If-Match; empty: none */
	void *work;         /* the caller's */
	/* the answer */
	enum http_outcome outcome;
	long status;
	struct buf answer;
	struct json
		*json; /* of the answer when it is SCIM or JSON, else NULL; freed by http_release */
	double ms;     /* from request to answer */
	bool bad_body; /* there was a body, and it was not JSON */
	char type[64], etag[256], location[1024];
	long retry_after; /* seconds, 0 = not stated */
	struct rate_said rate;
	int64_t date; /* the service's clock, 0 = not stated */
	struct err err;
	/* private */
	struct http *http;
	CURL *curl;
	size_t sent;
	bool busy, too_big;
	bool stray; /* the connection that it got had something on it: not sent, another is needed */
	struct curl_slist headers[6];
	char said[CURL_ERROR_SIZE]; /* libcurl's words on a failure */
};

/* https, or http to a loopback address (SEMANTICS 1.5); no user, query or fragment. out: without a
 * slash at its end. code "bad-url". */
bool http_url_check(const char *url, struct buf *out, struct err *e);
/* What says how to get there fits together: a client's certificate and its key, a proxy's address without
 * a login in it, a login as user:password. code "bad-option" */
bool http_transport_check(const struct http_options *o, struct err *e);
/* TLS and proxy of one handle. */
void http_transport_set(CURL *c, const struct http_options *o);
/* Why no answer came: outcome and err of the slot. */
void http_transport_failed(struct http_slot *s, const char *url, CURLcode code);
/* Visible ASCII only, so that it can stand in a header. code "bad-token" */
bool http_token_check(const struct secret *token, struct err *e);
bool http_new(const struct http_options *o, struct http **h_r, struct err *e);
void http_free(struct http *h);

/* A free slot with empty buffers, or NULL. It stays free until http_send. */
struct http_slot *http_slot_free(struct http *h);
size_t http_busy(const struct http *h);
unsigned http_sent(struct http *h); /* requests since this was asked last */
void http_send(struct http_slot *s);
/* Moves bytes; a finished slot or NULL. The caller looks at it, then calls http_release (or sends
 * again). */
struct http_slot *http_done(struct http *h);
void http_release(struct http_slot *s);
/* Until something can move, fd (-1: none) can be read, or the time is over. */
void http_wait(struct http *h, int fd, int timeout_ms);
/* One request, waited for; the slot is the caller's until http_release. */
struct http_slot *http_get(struct http *h, const char *path);
struct http_slot *http_post(struct http *h, const char *path, struct str body);
/* A field of the server's certificate ("Expire date"), appended; nothing when the request used no new
 * TLS connection. */
void http_certificate(struct http_slot *s, const char *field, struct buf *out);

/* Percent-encodes all but RFC 3986's unreserved characters. */
void http_encode(const char *text, struct buf *out);
