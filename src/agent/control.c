#include "control_p.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/file.h"
#include "base/mem.h"

#define CONNECTIONS_MAX 32
#define IDLE_MS         60000
#define STUCK_MS        30000 /* not one byte of what it asked for is read */
#define FULL_MS         1000  /* no descriptor is left for another connection */

struct control {
	char *path;                      /* where it listens; NULL = nowhere */
	sd_event_source *listen, *again; /* after FULL_MS */
	struct line_conn *list;
};

/* --- writing --- */

static int on_timer(sd_event_source *src, uint64_t us, void *ctx);

static size_t
pending(const struct line_conn *c)
{
	return c->out.n - c->written;
}

size_t
control_followers(const struct agent *g)
{
	size_t n = 0;

	for (const struct line_conn *c = g->control->list; c; c = c->next)
		n += c->follows;
	return n;
}

void
control_rest(struct line_conn *c)
{
	int64_t ms = pending(c) ? STUCK_MS : c->job || c->wish ? -1 : IDLE_MS;

	agent_timer(c->g, &c->timer, ms, on_timer, c);
}

static bool
has_line(const struct line_conn *c)
{
	return c->in.n && memchr(c->in.p, '\n', c->in.n);
}

/* One line at a turn of the loop, and none while too much waits to be read by the other side: others have their turn. */
static void
wait_for(struct line_conn *c)
{
	bool line = !c->closing && has_line(c);

	sd_event_source_set_io_events(
		c->io, (line ? 0 : (uint32_t)EPOLLIN) | (pending(c) ? (uint32_t)EPOLLOUT : 0));
	sd_event_source_set_enabled(
		c->more, line && pending(c) <= CONTROL_OUT_PAUSE ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* What the socket takes now. False: the other side is gone. */
static bool
flush(struct line_conn *c)
{
	while (pending(c)) {
		ssize_t n =
			send(c->fd, c->out.p + c->written, pending(c), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			c->written += (size_t)n;
			continue;
		}
		if (errno == EAGAIN)
			break;
		if (errno != EINTR)
			return false;
	}
	if (!pending(c)) {
		buf_reset(&c->out);
		c->written = 0;
	} else if (c->written > CONTROL_OUT_PAUSE) {
		buf_take(&c->out, c->written);
		c->written = 0;
	}
	if (c->job && c->paused != (pending(c) > CONTROL_OUT_PAUSE)) {
		c->paused = !c->paused;
		job_pause(c->job, c->paused);
	}
	wait_for(c);
	return true;
}

/* Closing is the loop's: whoever says something still needs c. */
void
control_say(struct line_conn *c, const struct buf *json)
{
	bool first = !pending(c);

	if (pending(c) + json->n > CONTROL_OUT_MAX) {
		shutdown(c->fd, SHUT_RDWR); /* it does not read: the loop sees it closed */
		return;
	}
	buf_add(&c->out, json->p, json->n);
	buf_addc(&c->out, '\n');
	if (!flush(c))
		shutdown(c->fd, SHUT_RDWR);
	else if (first || !pending(c))
		control_rest(c);
}

void
control_refuse(struct line_conn *c, const struct err *e, bool close)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	jsonw_obj(&w, NULL);
	jsonw_obj(&w, "error");
	jsonw_str(&w, "code", e->code);
	jsonw_str(&w, "message", e->text);
	jsonw_end(&w);
	jsonw_end(&w);
	c->closing |= close;
	control_say(c, &line);
}

/* --- a connection --- */

void
control_close(struct line_conn *c)
{
	struct line_conn **p = &c->g->control->list;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	control_drop(c);
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->timer);
	sd_event_source_disable_unref(c->more);
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	buf_free(&c->tail);
	free(c);
}

static int
on_timer(sd_event_source *src, uint64_t us, void *ctx)
{
	(void)src;
	(void)us;
	control_close(ctx);
	return 0;
}

static void
take_line(struct line_conn *c)
{
	char *nl = memchr(c->in.p, '\n', c->in.n);
	size_t n = (size_t)(nl - c->in.p);
	CLEAN_FREE char *line = xstrndup(c->in.p, n);

	buf_take(&c->in, n + 1);
	/* With a NUL inside it is shorter, and no JSON either way. */
	control_line(c, (struct str){ line, strlen(line) == n ? n : 0 });
}

/* False: the other side is gone. */
static bool
take_bytes(struct line_conn *c)
{
	char block[16384];
	ssize_t n = recv(c->fd, block, sizeof(block), MSG_DONTWAIT);
	struct err e = { 0 };

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return false;
	if (n < 0 || c->closing)
		return true;
	buf_add(&c->in, block, (size_t)n);
	control_rest(c);
	if (has_line(c) || c->in.n <= CONTROL_LINE_MAX)
		return true;
	err_set(&e, ERR_OBJECT, "bad-request", "the line is longer than 64 KiB");
	control_refuse(c, &e, true);
	return true;
}

static int
on_io(sd_event_source *src, int fd, uint32_t revents, void *ctx)
{
	struct line_conn *c = ctx;
	size_t before = c->written;
	bool gone = false;

	(void)src;
	(void)fd;
	if (revents & EPOLLOUT) {
		gone = !flush(c);
		if (c->written != before)
			control_rest(c);
	}
	if (!gone && (c->closing || !has_line(c)) && revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		gone = !take_bytes(c);
	if (!gone && !c->closing && has_line(c) &&
		(pending(c) <= CONTROL_OUT_PAUSE || revents & EPOLLHUP))
		take_line(c);
	if (gone || (c->closing && !pending(c)))
		control_close(c);
	else
		wait_for(c);
	return 0;
}

static int
on_more(sd_event_source *src, void *ctx)
{
	return on_io(src, -1, 0, ctx);
}

/* Without the name services: they may ask a directory, and wait. */
static void
user_name(uid_t uid, char *out, size_t size)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *p;

	snprintf(out, size, "uid %u", (unsigned)uid);
	while (f && (p = fgetpwent(f))) /* NOLINT(concurrency-mt-unsafe): one thread */
		if (p->pw_uid == uid) {
			snprintf(out, size, "%s", p->pw_name);
			break;
		}
	if (f)
		fclose(f);
}

static int
on_again(sd_event_source *src, uint64_t us, void *ctx)
{
	struct agent *g = ctx;

	(void)src;
	(void)us;
	if (g->control->listen)
		sd_event_source_set_enabled(g->control->listen, SD_EVENT_ON);
	return 0;
}

/* Who asks waits in the queue meanwhile; the loop is not to spin. */
static void
listen_later(struct agent *g)
{
	sd_event_source_set_enabled(g->control->listen, SD_EVENT_OFF);
	agent_timer(g, &g->control->again, FULL_MS, on_again, g);
}

static int
on_connect(sd_event_source *src, int fd, uint32_t revents, void *ctx)
{
	struct agent *g = ctx;
	int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);
	struct line_conn *c;
	size_t count = 0;

	(void)src;
	(void)revents;
	if (got < 0) {
		if (errno == EMFILE || errno == ENFILE)
			listen_later(g);
		return 0;
	}
	for (c = g->control->list; c; c = c->next)
		count++;
	if (count >= CONNECTIONS_MAX) {
		static const char full[] =
			"{\"error\":{\"code\":\"busy\",\"message\":\"lockstepd has as many "
			"connections "
			"as it takes: try again in a minute, those that ask nothing are closed by "
			"then; `ss -xp` shows whose they are\"}}\n";

		if (send(got, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			agent_log(LOG_DEBUG, "control-full", NULL);
		close(got);
		return 0;
	}
	c = xcalloc(1, sizeof(*c));
	*c = (struct line_conn){ .next = g->control->list, .g = g, .fd = got };
	if (getsockopt(got, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0)
		user_name(cred.uid, c->by, sizeof(c->by));
	g->control->list = c;
	if (sd_event_add_io(g->loop, &c->io, got, EPOLLIN, on_io, c) < 0 ||
		sd_event_add_defer(g->loop, &c->more, on_more, c) < 0) {
		control_close(c);
		return 0;
	}
	wait_for(c);
	control_rest(c);
	return 0;
}

/* --- listening --- */

/* What a killed daemon left is taken away, what a living one listens at is not. */
static bool
clear_path(const struct sockaddr_un *at, struct err *e)
{
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (lstat(at->sun_path, &st) != 0)
		return true;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFIG, "bad-control",
			"%s is no socket; name another with control = \"PATH\"", at->sun_path);
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno == EAGAIN)
		return err_set(
			e, ERR_CONFIG, "running", "another lockstepd listens at %s", at->sun_path);
	unlink(at->sun_path);
	return true;
}

static void
give_to_group(const char *path)
{
	FILE *f = fopen("/etc/group", "re");
	struct group *gr;
	struct stat st;

	while (f && (gr = fgetgrent(f))) /* NOLINT(concurrency-mt-unsafe): one thread */
		if (strcmp(gr->gr_name, "lockstep") == 0) {
			/* as a service it has the group, and the unit forbids chown */
			if ((stat(path, &st) != 0 || st.st_gid != gr->gr_gid) &&
				chown(path, (uid_t)-1, gr->gr_gid) != 0)
				agent_log(LOG_WARN, "control-group", "text", strerror(errno), NULL);
			break;
		}
	if (f)
		fclose(f);
}

static bool
bind_at(const char *path, int fd, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	CLEAN_FREE char *folder = xstrdup(path);
	mode_t mask;
	bool ok;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(e, ERR_CONFIG, "bad-control",
			"the control socket's path is too long: %s; control = \"PATH\" sets it",
			path);
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (!dir_make(dirname(folder), 0755, e) || !clear_path(&at, e))
		return false;
	mask = umask(0117);
	ok = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 64) == 0;
	umask(mask);
	if (!ok)
		return err_errno(e, ERR_CONFIG, "cannot listen at %s", path);
	give_to_group(path);
	return true;
}

static bool
listen_at(struct agent *g, const char *path, struct err *e)
{
	struct control *k = g->control;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	sd_event_source *src = NULL;

	if (!bind_at(path, fd, e)) {
		mem_clean_fd(&fd);
		return false;
	}
	if (sd_event_add_io(g->loop, &src, fd, EPOLLIN, on_connect, g) < 0) {
		close(fd);
		return err_set(e, ERR_CONFIG, "os", "cannot wait at %s", path);
	}
	sd_event_source_set_io_fd_own(src, true);
	sd_event_source_disable_unref(k->listen);
	k->listen = src;
	if (k->path)
		unlink(k->path);
	free(k->path);
	k->path = xstrdup(path);
	return true;
}

/* Where it was it listens until it does where it should. */
void
control_follow(struct agent *g)
{
	struct err before = g->control_down;

	err_clear(&g->control_down);
	if (g->conf && (!g->control->path || strcmp(g->control->path, g->conf->control) != 0) &&
		!listen_at(g, g->conf->control, &g->control_down) &&
		strcmp(before.text, g->control_down.text) != 0)
		agent_log(LOG_ERROR, "control-failed", "code", g->control_down.code, "text",
			g->control_down.text, NULL);
}

static void
hear(void *ctx, const struct agent_news *n)
{
	struct agent *g = ctx;

	if (n->what == AGENT_MINUTE && g->control && !g->stopping)
		control_follow(g);
}

bool
control_start(struct agent *g, struct err *e)
{
	g->control = xcalloc(1, sizeof(*g->control));
	agent_hear(g, hear, g);
	if (listen_at(g, g->conf ? g->conf->control : g->control_path, e))
		return true;
	if (g->conf || strcmp(e->code, "running") == 0)
		return false;
	/* Nobody said that there is to be one. */
	agent_log(LOG_WARN, "control-failed", "code", e->code, "text", e->text, NULL);
	return true;
}

void
control_stop(struct agent *g)
{
	struct line_conn *next;

	if (!g->control)
		return;
	for (struct line_conn *c = g->control->list; c; c = next) {
		next = c->next;
		control_close(c);
	}
	sd_event_source_disable_unref(g->control->listen);
	sd_event_source_disable_unref(g->control->again);
	if (g->control->path)
		unlink(g->control->path);
	free(g->control->path);
	mem_clean_free(&g->control);
}
