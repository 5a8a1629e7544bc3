/* Sockets, and libmicrohttpd in the daemon's loop: no thread, no polling; nothing wakes up while nobody asks. */
#include "web_p.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"

static int
on_timer(sd_event_source *s, uint64_t usec, void *ctx)
{
	(void)s;
	(void)usec;
	web_pump(ctx);
	return 0;
}

static int
on_io(sd_event_source *s, int fd, uint32_t events, void *ctx)
{
	(void)s;
	(void)fd;
	(void)events;
	web_pump(((struct web_port *)ctx)->w);
	return 0;
}

static unsigned
connections(const struct web_port *p)
{
	const union MHD_DaemonInfo *i =
		MHD_get_daemon_info(p->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return i ? i->num_connections : 0;
}

/* Once full, it listens again only when it runs after the one that made room: nothing would wake it for that. */
static void
port_run(const struct web_port *p)
{
	unsigned before = connections(p);

	MHD_run(p->daemon);
	for (unsigned now = connections(p); now < before; now = connections(p)) {
		before = now;
		MHD_run(p->daemon);
	}
}

/* --- who holds connections --- */

/* One began, or is over. */
static void
on_client(void *ctx, struct MHD_Connection *mhd, void **slot,
	enum MHD_ConnectionNotificationCode what)
{
	struct web_port *p = ctx;
	struct web_client *c = *slot;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (c)
			c->there = false;
		*slot = NULL;
		return;
	}
	for (size_t i = 0; i < WEB_AT_ONCE && !*slot; i++)
		if (!p->clients[i].there)
			*slot = &p->clients[i];
	if ((c = *slot))
		*c = (struct web_client){ .fd = MHD_get_connection_info(
						  mhd, MHD_CONNECTION_INFO_CONNECTION_FD)
							->connect_fd,
			.there = true,
			.since = clock_system.mono_ms(clock_system.ctx) };
}

/*
 * Whoever holds connections and asks nothing, or asks slowly, keeps nobody out: at the last free place the oldest of them
 * ends, when it had time to ask. Only what is being worked on stays (web_run bounds that). Returns in how many ms there is
 * more to do; -1: nothing.
 */
static int64_t
port_relieve(struct web_port *p)
{
	struct web_client *oldest = NULL;
	int64_t grace;

	if (connections(p) < WEB_AT_ONCE)
		return -1;
	for (size_t i = 0; i < WEB_AT_ONCE; i++) {
		struct web_client *c = &p->clients[i];

		if (c->there && !c->shut && !(c->x && c->x->suspended) &&
			(!oldest || c->since < oldest->since))
			oldest = c;
	}
	if (!oldest)
		return -1;
	grace = oldest->since + WEB_GRACE_MS - clock_system.mono_ms(clock_system.ctx);
	if (grace > 0)
		return grace;
	oldest->shut = true;
	return shutdown(oldest->fd, SHUT_RDWR) == 0 ? 0 : -1;
}

/* libmicrohttpd does what there is to do; then it is asked when it wants to be called without being woken. */
void
web_pump(struct web *w)
{
	int64_t wait = -1;

	if (w->pumping || w->stopping)
		return;
	w->pumping = true;
	for (size_t i = 0; i < w->port_count; i++) {
		MHD_UNSIGNED_LONG_LONG ms;
		int64_t full;

		port_run(&w->ports[i]);
		full = port_relieve(&w->ports[i]);
		if (full >= 0 && (wait < 0 || full < wait))
			wait = full;
		if (MHD_get_timeout(w->ports[i].daemon, &ms) == MHD_YES &&
			(wait < 0 || (int64_t)ms < wait))
			wait = (int64_t)ms;
	}
	w->pumping = false;
	agent_timer(w->g, &w->timer, wait, on_timer, w);
}

static int
socket_open(int family, uint16_t port, struct err *e)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool six = family == AF_INET6;
	int one = 1, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (six)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		if (bind(fd, six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
			    six ? sizeof(v6) : sizeof(v4)) == 0 &&
			listen(fd, 64) == 0)
			return fd;
	}
	err_errno(e, ERR_CONFIG, "the console cannot listen on %s:%d", six ? "[::1]" : "127.0.0.1",
		port);
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool
port_open(struct web *w, int family, uint16_t port, struct err *e)
{
	struct web_port *p = &w->ports[w->port_count];
	unsigned flags =
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (family == AF_INET6 ? MHD_USE_IPv6 : 0);
	int fd = socket_open(family, port, e);

	if (fd < 0)
		return false;
	*p = (struct web_port){ .w = w, .family = family };
	p->daemon = MHD_start_daemon(flags, 0, NULL, NULL, web_request, w, MHD_OPTION_LISTEN_SOCKET,
		fd, MHD_OPTION_NOTIFY_COMPLETED, web_completed, w, MHD_OPTION_NOTIFY_CONNECTION,
		on_client, p, MHD_OPTION_CONNECTION_LIMIT, (unsigned)WEB_AT_ONCE,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, WEB_HEAD_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		60u, MHD_OPTION_END);
	const union MHD_DaemonInfo *info =
		p->daemon ? MHD_get_daemon_info(p->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		close(fd);
		return err_set(e, ERR_SIDE, "console", "libmicrohttpd did not start");
	}
	w->port_count++;
	if (sd_event_add_io(w->g->loop, &p->io, info->epoll_fd, EPOLLIN, on_io, p) < 0)
		return err_set(e, ERR_SIDE, "console", "the loop takes no more");
	return true;
}

static void
ports_close(struct web *w)
{
	w->stopping = true;
	for (struct exchange *x = w->open; x; x = x->next) {
		if (x->job) {
			job_forget(x->job);
			x->job = NULL;
			w->reads--;
		}
		if (x->suspended) { /* one that is suspended cannot be closed */
			x->suspended = false;
			x->answered = true;
			x->status = MHD_HTTP_SERVICE_UNAVAILABLE;
			MHD_resume_connection(x->mhd);
		}
	}
	for (size_t i = 0; i < w->port_count; i++) {
		sd_event_source_disable_unref(w->ports[i].io);
		MHD_stop_daemon(w->ports[i].daemon);
	}
	w->port_count = 0;
	w->stopping = false;
}

/* No console is no reason for the service not to run: it is said, and tried again. */
static void
ports_open(struct web *w)
{
	const struct conf *c = w->g->conf;
	uint16_t port = (uint16_t)(c ? c->console.port : w->g->port ? w->g->port : WEB_PORT);
	struct err *down = &w->g->console_down, before = *down, six;

	if (w->port_count && w->port == port && (!c || c->console.enabled))
		return;
	ports_close(w);
	err_clear(down);
	w->port = port;
	if (c && !c->console.enabled) {
		err_set(down, ERR_CONFIG, "no-console",
			"the console is switched off (console { enabled = no })");
		return;
	}
	if (!port_open(w, AF_INET, port, down)) {
		if (strcmp(before.text, down->text) != 0)
			agent_log(LOG_ERROR, "console-down", "text", down->text, NULL);
		return;
	}
	if (!port_open(w, AF_INET6, port, &six)) /* a machine without IPv6 */
		agent_log(LOG_INFO, "console", "text", six.text, NULL);
	agent_log(LOG_INFO, "console", "text",
		"the console listens; `lockstep console` gives the link to sign in", NULL);
	web_pump(w);
}

static void
on_news(void *ctx, const struct agent_news *n)
{
	struct web *w = ((struct agent *)ctx)->web;

	if (!w) /* stopped already */
		return;
	if (n->what == AGENT_JOB_ENDED && job_writes(n->job))
		web_status_old(w);
	if (n->what == AGENT_MINUTE) {
		web_job_prune(w);
		ports_open(w);
	}
}

bool
web_start(struct agent *g, struct err *e)
{
	(void)e;
	g->web = xcalloc(1, sizeof(*g->web));
	g->web->g = g;
	g->link_new = web_link_new;
	agent_hear(g, on_news, g);
	ports_open(g->web);
	return true;
}

void
web_reloaded(struct agent *g)
{
	web_status_old(g->web);
	ports_open(g->web);
}

void
web_stop(struct agent *g)
{
	struct web *w = g->web;

	if (!w)
		return;
	g->link_new = NULL;
	ports_close(w);
	sd_event_source_disable_unref(w->timer);
	for (size_t i = 0; i < WEB_JOBS; i++)
		web_job_free(w->jobs[i]);
	buf_free(&w->status);
	free(w);
	g->web = NULL;
}
