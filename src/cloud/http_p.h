/* Shared by http.c (loop, connections) and http_exchange.c (one request). */
#pragma once
#include <microhttpd.h>
#include "api.h"
#include "http.h"

struct conn {
	int fd;
	int64_t deadline; /* monotonic ms; 0: none while we work */
	struct conn *prev, *next;
};

struct exchange {
	struct http *h;
	struct MHD_Connection *mhd;
	struct conn *conn;
	struct request rq;
	struct buf body;
	size_t counted;     /* of the body, in h->bodies */
	size_t dropped;     /* bytes passed over after a refusal */
	struct err refused; /* before the body was whole */
	bool handled;
	struct exchange *next; /* in h->waiting or h->jobs */
};

struct http {
	struct cloud *c;
	struct MHD_Daemon *daemon;
	char address[80];
	bool loopback, draining;
	int listen_fd;
	struct conn conns;                /* ring */
	struct exchange *waiting;         /* answered, but for the commit */
	struct exchange *jobs, *last_job; /* lists being worked on, first come first */
	size_t n_jobs;
	size_t bodies, active;
	struct arena *spare[16];
	size_t n_spare;
};

enum { HEAD_MS = 20000, BODY_MS = 60000, SEND_MS = 300000, IDLE_MS = 75000 };

void http_queue_job(struct http *h, struct exchange *x);
bool http_list_room(const struct http *h, int64_t tenant);
void conn_deadline(struct exchange *x, int64_t ms); /* from now; 0: none */
enum MHD_Result http_request(void *ctx, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **state);
void http_completed(
	void *ctx, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode why);
