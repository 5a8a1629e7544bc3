/* A connector as a process: three pipes, none of which may ever block us. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "lines.h"
#include "spawn.h"
#include "wire/conn.h"

#define SILENCE_MS (90 * 1000)
#define GRACE_MS   (5 * 1000)
#define GIVE_UP_MS 1000        /* how often that is asked for */
#define LOG_LINE   4096        /* bytes of one line of its standard error */
#define LOG_LINES  10000       /* lines handed on; the rest is read and dropped */
#define TAIL       400         /* last bytes of it that go into an error's text */
#define SEND_AT    (16 * 1024) /* so many bytes are written at once: each write wakes the other side */

struct process {
	struct conn conn;
	struct spawned child;
	char *program;
	struct lines in;
	struct buf out;
	size_t written;  /* of out */
	bool full;       /* the pipe took no more: poll tells when it does */
	struct buf log;  /* its standard error: a line not yet ended */
	struct buf tail; /* ... and the last lines */
	size_t log_lines;
	void (*log_line)(void *ctx, struct str line);
	void *ctx;
	int silence_ms, grace_ms;
	int status; /* of waitpid; valid when child.pid is 0 */
};

static int64_t
mono_ms(void)
{
	return clock_system.mono_ms(clock_system.ctx);
}

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
log_hand_on(struct process *p)
{
	struct str line = buf_str(&p->log);

	buf_add(&p->tail, line.p, line.n);
	buf_addc(&p->tail, ' ');
	if (p->tail.n > TAIL)
		buf_take(&p->tail, p->tail.n - TAIL);
	if (p->log_line && p->log_lines < LOG_LINES)
		p->log_line(p->ctx, line);
	else if (p->log_line && p->log_lines == LOG_LINES)
		p->log_line(p->ctx, STR("(more lines than the limit: the rest is dropped)"));
	p->log_lines++;
	buf_reset(&p->log);
}

/* One block of its standard error. */
static void
log_read(struct process *p)
{
	char block[8192];
	ssize_t n = read(p->child.err, block, sizeof(block));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		shut(&p->child.err);
	for (ssize_t i = 0; i < n;) {
		const char *lf = memchr(block + i, '\n', (size_t)(n - i));
		size_t len = lf ? (size_t)(lf - block - i) : (size_t)(n - i);
		size_t room = LOG_LINE - p->log.n;

		buf_add(&p->log, block + i, len < room ? len : room);
		i += (ssize_t)len + (lf ? 1 : 0);
		if (lf)
			log_hand_on(p);
	}
	if (p->child.err < 0 && p->log.n)
		log_hand_on(p);
}

static void
out_write(struct process *p)
{
	while (p->child.in >= 0 && !p->full && p->written < p->out.n) {
		ssize_t n = write(p->child.in, p->out.p + p->written, p->out.n - p->written);

		if (n >= 0)
			p->written += (size_t)n;
		else if (errno == EAGAIN)
			p->full = true;
		else if (errno != EINTR)
			shut(&p->child.in); /* it does not read any more: recv will tell why */
	}
	if (p->child.in < 0 || p->written == p->out.n) {
		buf_reset(&p->out);
		p->written = 0;
	} else if (p->written > LINES_BLOCK && p->written > p->out.n / 2) {
		/* never more bytes moved than were written, however long the queue */
		buf_take(&p->out, p->written);
		p->written = 0;
	}
}

static bool
in_read(struct process *p)
{
	char *room = lines_room(&p->in, LINES_BLOCK);
	ssize_t n = read(p->child.out, room, LINES_BLOCK);

	if (n > 0)
		lines_filled(&p->in, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		shut(&p->child.out);
	return n > 0;
}

/* Waits for any of the pipes and does what can be done; input only when asked for. */
static void
turn(struct process *p, int timeout_ms)
{
	struct pollfd fds[3] = {
		{ .fd = p->child.out, .events = POLLIN },
		{ .fd = p->child.err, .events = POLLIN },
		{ .fd = p->written < p->out.n ? p->child.in : -1, .events = POLLOUT },
	};

	if (poll(fds, ARRAY_LEN(fds), timeout_ms) <= 0)
		return;
	if (fds[1].revents)
		log_read(p);
	if (fds[2].revents) {
		p->full = false;
		out_write(p);
	}
	if (fds[0].revents)
		in_read(p);
}

static bool
process_send(struct conn *c, struct str line, struct err *e)
{
	struct process *p = (struct process *)c;

	if (!line_allowed(line, e))
		return false;
	if (p->child.in < 0)
		return true;
	buf_add(&p->out, line.n ? line.p : "", line.n);
	buf_addc(&p->out, '\n');
	if (p->out.n - p->written >= SEND_AT)
		out_write(p);
	return true;
}

/* Waits for its end; true when it has ended. */
static bool
reap(struct process *p, int timeout_ms)
{
	int64_t until = mono_ms() + timeout_ms;
	int pidfd = p->child.pid > 0 ? pidfd_open(p->child.pid, 0) : -1;

	while (p->child.pid > 0) {
		int64_t left = until - mono_ms();
		struct pollfd fds[3] = {
			{ .fd = pidfd, .events = POLLIN },
			{ .fd = p->child.out, .events = POLLIN },
			{ .fd = p->child.err, .events = POLLIN },
		};

		if (waitpid(p->child.pid, &p->status, WNOHANG) == p->child.pid) {
			p->child.pid = 0;
			break;
		}
		if (left <= 0)
			break;
		poll(fds, ARRAY_LEN(fds), pidfd < 0 && left > 20 ? 20 : (int)left);
		if (fds[2].revents)
			log_read(p);
		if (fds[1].revents && !in_read(p))
			continue;
		p->in.start = p->in.seen = p->in.buf.n; /* nobody reads it any more */
	}
	shut(&pidfd);
	return p->child.pid == 0;
}

static void
end_text(struct process *p, char *text, size_t size)
{
	if (p->child.pid > 0)
		snprintf(text, size, "closed its output");
	else if (WIFSIGNALED(p->status))
		snprintf(text, size, "was killed by signal %d", WTERMSIG(p->status));
	else
		snprintf(text, size, "ended with exit status %d", WEXITSTATUS(p->status));
}

static int
ended(struct process *p, struct err *e)
{
	CLEAN_BUF struct buf tail = { 0 };
	bool cut = lines_partial(&p->in);
	char how[64];

	reap(p, 1000);
	while (p->child.err >= 0) { /* what is left in the pipe; a grandchild may hold it open */
		struct pollfd fd = { .fd = p->child.err, .events = POLLIN };

		if (poll(&fd, 1, 0) <= 0)
			break;
		log_read(p);
	}
	end_text(p, how, sizeof(how));
	if (p->tail.n)
		text_escape(p->tail.p, p->tail.n, 0, &tail);
	err_set(e, ERR_SIDE, "connector-ended", "%s %s%s%s%s", p->program, how,
		cut ? ", in the middle of a line" : "", tail.n ? "; it said: " : "",
		buf_cstr(&tail));
	return -1;
}

static int
process_recv(struct conn *c, int timeout_ms, struct str *line_r, struct err *e)
{
	struct process *p = (struct process *)c;
	int limit = timeout_ms < 0 ? p->silence_ms : timeout_ms;
	int64_t until = 0;

	out_write(p);
	for (;;) {
		int got = lines_next(&p->in, line_r, e);

		if (got < 0)
			return err_wrap(e, "%s", p->program), -1;
		if (got > 0)
			return 1;
		if (p->child.out < 0)
			return ended(p, e);
		int64_t now = mono_ms();
		if (until == 0)
			until = now + limit;
		else if (now >= until)
			break;
		if (timeout_ms < 0 && c->give_up && c->give_up(c->give_up_ctx)) {
			err_set(e, ERR_RETRY, "stopped", "%s is not waited for any more",
				p->program);
			return -1;
		}
		turn(p, c->give_up && until - now > GIVE_UP_MS ? GIVE_UP_MS : (int)(until - now));
	}
	if (timeout_ms >= 0)
		return 0;
	err_set(e, ERR_SIDE, "connector-silent", "%s said nothing for %d s", p->program,
		limit / 1000);
	return -1;
}

static size_t
process_queued(const struct conn *c)
{
	const struct process *p = (const struct process *)c;

	return p->out.n - p->written;
}

static void
process_close(struct conn *c)
{
	struct process *p = (struct process *)c;

	out_write(p);
	shut(&p->child.in);
	if (!reap(p, p->grace_ms)) {
		kill(-p->child.pid, SIGKILL);
		kill(p->child.pid, SIGKILL); /* in case it left its group */
		while (waitpid(p->child.pid, &p->status, 0) < 0 && errno == EINTR)
			;
	}
	shut(&p->child.out);
	shut(&p->child.err);
	buf_free(&p->in.buf);
	buf_free(&p->out);
	buf_free(&p->log);
	buf_free(&p->tail);
	mem_clean_free(&p->program);
	mem_clean_free(&p);
}

bool
conn_open_process(const struct conn_process *o, struct conn **c_r, struct err *e)
{
	static const struct conn_vt vt = { process_send, process_recv, process_queued,
		process_close };
	struct sigaction pipe_action;
	struct spawned child;

	*c_r = NULL;
	/* A peer that dies must not take us along; a pipe has no MSG_NOSIGNAL. */
	if (sigaction(SIGPIPE, NULL, &pipe_action) == 0 && pipe_action.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
	if (!spawn(o, &child, e))
		return false;
	struct process *p = xcalloc(1, sizeof(*p));
	*p = (struct process){
		.conn = { .vt = &vt },
		.child = child,
		.program = xstrdup(o->argv[0]),
		.log_line = o->log_line,
		.ctx = o->ctx,
		.silence_ms = o->silence_ms ? o->silence_ms : SILENCE_MS,
		.grace_ms = o->grace_ms ? o->grace_ms : GRACE_MS,
	};
	*c_r = &p->conn;
	return true;
}
