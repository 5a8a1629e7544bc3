#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/log.h"
#include "http_p.h"

#define DRAIN_MS 15000
#define JOBS_MS  20

static int64_t
now_ms(const struct http *h)
{
	return h->c->clock->mono_ms(h->c->clock->ctx);
}

void
conn_deadline(struct exchange *x, int64_t ms)
{
	if (x->conn)
		x->conn->deadline = ms ? now_ms(x->h) + ms : 0;
}

static void
on_connection(void *ctx, struct MHD_Connection *mhd, void **state,
	enum MHD_ConnectionNotificationCode what)
{
	struct http *h = ctx;
	struct conn *c = *state;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		c = xcalloc(1, sizeof(*c));
		info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
		c->fd = info ? info->connect_fd : -1;
		c->deadline = now_ms(h) + HEAD_MS;
		c->next = &h->conns;
		c->prev = h->conns.prev;
		c->prev->next = c;
		h->conns.prev = c;
		*state = c;
	} else if (c) {
		c->prev->next = c->next;
		c->next->prev = c->prev;
		free(c);
		*state = NULL;
	}
}

/* libmicrohttpd's own time-out is for silence; a client that drips is cut off here. */
static void
cut_slow(struct http *h)
{
	int64_t now = now_ms(h);

	for (struct conn *c = h->conns.next; c != &h->conns; c = c->next) {
		if (c->deadline && now > c->deadline && c->fd >= 0) {
			c->deadline = 0;
			shutdown(c->fd, SHUT_RDWR);
		}
	}
}

/* "host:port", "[v6]:port", ":port" */
static bool
open_socket(struct http *h, const char *listen_at, struct err *e)
{
	const char *colon = strrchr(listen_at, ':');
	struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM }, *ai = NULL;
	CLEAN_FREE char *host = NULL;
	int rc, fd, one = 1;

	if (!colon || !colon[1])
		return err_set(e, ERR_CONFIG, "usage", "--listen \"%s\": ADDRESS:PORT is expected",
			listen_at);
	host = xstrndup(listen_at, (size_t)(colon - listen_at));
	if (host[0] == '[' && strlen(host) > 2 && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = 0;
		memmove(host, host + 1, strlen(host));
	}
	rc = getaddrinfo(*host ? host : NULL, colon + 1, &hints, &ai);
	if (rc != 0)
		return err_set(
			e, ERR_CONFIG, "usage", "--listen \"%s\": %s", listen_at, gai_strerror(rc));
	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
		err_errno(e, ERR_CONFIG, "cannot listen on %s", listen_at);
		if (fd >= 0)
			close(fd);
		freeaddrinfo(ai);
		return false;
	}
	freeaddrinfo(ai);
	h->listen_fd = fd;
	return true;
}

static void
note_address(struct http *h)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	char host[64] = "?", port[8] = "0";

	if (getsockname(h->listen_fd, (struct sockaddr *)&sa, &n) == 0)
		getnameinfo((struct sockaddr *)&sa, n, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(h->address, sizeof(h->address), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host,
		port);
	h->loopback = strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static bool
start_daemon(struct http *h, struct err *e)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t n = sizeof(sa);
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;

	if (getsockname(h->listen_fd, (struct sockaddr *)&sa, &n) == 0 && sa.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, http_request, h,
		MHD_OPTION_LISTEN_SOCKET, h->listen_fd, MHD_OPTION_NOTIFY_COMPLETED, http_completed,
		h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_HEAD_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)(IDLE_MS / 1000 + 5), MHD_OPTION_END);
	return h->daemon || err_set(e, ERR_SIDE, "http", "libmicrohttpd did not start");
}

bool
http_new(struct cloud *c, const struct http_options *o, struct http **h_r, struct err *e)
{
	struct http *h = xcalloc(1, sizeof(*h));

	h->c = c;
	h->listen_fd = -1;
	h->conns.next = h->conns.prev = &h->conns;
	if (!open_socket(h, o->listen, e) || !start_daemon(h, e)) {
		http_free(h);
		return false;
	}
	note_address(h);
	*h_r = h;
	return true;
}

const char *
http_address(const struct http *h)
{
	return h->address;
}

bool
http_loopback(const struct http *h)
{
	return h->loopback;
}

/* Lists in hand, a slice each, in turn, for so long that new requests do not wait for many of them. */
static void
run_jobs(struct http *h)
{
	int64_t until = now_ms(h) + JOBS_MS;
	size_t n = h->n_jobs;
	struct exchange *x;

	while (n-- && (x = h->jobs)) {
		h->jobs = x->next;
		h->n_jobs--;
		if (api_step(h->c, &x->rq)) {
			x->next = h->waiting;
			h->waiting = x;
		} else {
			http_queue_job(h, x);
		}
		if (now_ms(h) >= until)
			break;
	}
}

bool
http_list_room(const struct http *h, int64_t tenant)
{
	size_t of_tenant = 0;

	for (const struct exchange *x = h->jobs; x; x = x->next)
		of_tenant += x->rq.tenant == tenant;
	return h->n_jobs < HTTP_LISTS_MAX && of_tenant < HTTP_LISTS_TENANT;
}

void
http_queue_job(struct http *h, struct exchange *x)
{
	x->next = NULL;
	if (h->jobs)
		h->last_job->next = x;
	else
		h->jobs = x;
	h->last_job = x;
	h->n_jobs++;
}

/* Commits what this round wrote; then, and only then, it is answered. */
static bool
end_round(struct http *h)
{
	struct err e = { 0 };
	bool ok = cloud_end(h->c, &e), any = h->waiting != NULL;
	struct exchange *x;

	if (!ok)
		log_err(LOG_ERROR, "commit-failed", &e);
	while ((x = h->waiting)) {
		h->waiting = x->next;
		if (!ok)
			reply_error(&x->rq.reply, &e);
		MHD_resume_connection(x->mhd);
	}
	return any;
}

static int
wait_ms(struct http *h, bool again)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (again || h->jobs)
		return 0;
	if (MHD_get_timeout(h->daemon, &ms) != MHD_YES || ms > 1000)
		return 1000; /* deadlines are looked at once a second */
	return (int)ms;
}

static void
drain(struct http *h)
{
	int fd = MHD_quiesce_daemon(h->daemon);

	h->draining = true;
	if (fd >= 0)
		close(fd);
	h->listen_fd = -1;
}

static bool
loop(struct http *h, int poll_fd, int stop_fd, struct err *e)
{
	int64_t swept = now_ms(h), drain_end = 0;
	bool again = false;

	while (!h->draining || (h->active && now_ms(h) < drain_end)) {
		struct epoll_event ev[2];
		int n = epoll_wait(poll_fd, ev, 2, wait_ms(h, again));
		if (n < 0 && errno != EINTR)
			return err_errno(e, ERR_SIDE, "epoll");
		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == stop_fd && !h->draining) {
				drain(h);
				drain_end = now_ms(h) + DRAIN_MS;
				epoll_ctl(poll_fd, EPOLL_CTL_DEL, stop_fd, NULL);
			}
		}
		if (MHD_run(h->daemon) != MHD_YES)
			return err_set(e, ERR_SIDE, "http", "libmicrohttpd failed");
		run_jobs(h);
		again = end_round(h);
		if (now_ms(h) - swept >= 1000) {
			cut_slow(h);
			credential_keep(h->c);
			swept = now_ms(h);
		}
	}
	credential_keep(h->c);
	return true;
}

bool
http_run(struct http *h, int stop_fd, struct err *e)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	CLEAN_FD int poll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event mhd = { .events = EPOLLIN }, stop = { .events = EPOLLIN };

	if (!info || poll_fd < 0)
		return err_errno(e, ERR_SIDE, "epoll");
	mhd.data.fd = info->epoll_fd;
	stop.data.fd = stop_fd;
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, info->epoll_fd, &mhd) != 0 ||
		epoll_ctl(poll_fd, EPOLL_CTL_ADD, stop_fd, &stop) != 0)
		return err_errno(e, ERR_SIDE, "epoll");
	return loop(h, poll_fd, stop_fd, e);
}

void
http_free(struct http *h)
{
	struct exchange *x;

	if (!h)
		return;
	while ((x = h->jobs)) { /* a suspended connection cannot be closed */
		h->jobs = x->next;
		MHD_resume_connection(x->mhd);
	}
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	else if (h->listen_fd >= 0)
		close(h->listen_fd);
	while (h->n_spare)
		arena_free(h->spare[--h->n_spare]);
	free(h);
}
