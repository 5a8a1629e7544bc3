/*
 * HTTP for the API: libmicrohttpd, one thread, one event loop. Requests that are ready together
 * share one write transaction and are suspended until it is committed; long lists are worked on in
 * slices between other requests. Limits on head, body, time and connections are here.
 */
#pragma once
#include "cloud.h"

#define HTTP_HEAD_MAX    65536 /* request line and headers; MHD's pool of a connection */
#define HTTP_CONNECTIONS 500
/* Lists being worked on, in all and of one tenant, each with a page of up to CLOUD_PAGE_BYTES and up to
 * CLOUD_SORT_MAX places; beyond that 503 with Retry-After. */
#define HTTP_LISTS_MAX    128
#define HTTP_LISTS_TENANT 32
#define HTTP_BODIES_MAX   ((size_t)128 << 20) /* all bodies being received together */

struct http_options {
	const char *listen; /* "127.0.0.1:8080", "[::1]:0", ":8080" for every address */
};

struct http;
/* Opens the socket. */
bool http_new(struct cloud *c, const struct http_options *o, struct http **h_r, struct err *e);
/* "127.0.0.1:34567" */
const char *http_address(const struct http *h);
bool http_loopback(const struct http *h);
/* Serves until a byte can be read from stop_fd; then answers what is in hand and returns. */
bool http_run(struct http *h, int stop_fd, struct err *e);
void http_free(struct http *h);
