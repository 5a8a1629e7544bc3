#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"

#define LINE_MAX_BYTES ((size_t)64 * 1024)
#define BLOCK          ((size_t)64 * 1024)
#define LINGER_MS      2000 /* after its end, for what somebody else holds open */

struct child {
	struct child *next;
	struct agent *g;
	struct child_spec s;
	pid_t pid;
	int status;
	bool reaped, done;
	int in_fd, out_fd, err_fd;
	sd_event_source *in, *out, *err, *kill, *linger;
	struct buf input, line;
	size_t written;
	bool line_cut;
};
struct children {
	struct child *list;
	sd_event_source *sigchld;
};

/* --- starting --- */

static _Noreturn void
child_run(const struct child_spec *s, const int fd[3], int status_fd, pid_t parent)
{
	static const char *const ours[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
		"JOURNAL_STREAM", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES" };
	const struct rlimit no_core = { 0, 0 };
	sigset_t none;
	int code;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int n = 1; n < NSIG; n++)
		signal(n, SIG_DFL); /* fails for those that cannot be caught, which is fine */
	signal(SIGUSR1, SIG_IGN);   /* news (job_nudge) may come before it listens */
	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		unsetenv(ours[i]);
	/* A run stops at a safe point when the daemon dies. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0) {
		if (getppid() != parent)
			_exit(127);
		for (int i = 0; i < 3; i++)
			if (dup2(fd[i], i) < 0)
				_exit(127);
		if (dup2(status_fd, 3) == 3 && close_range(4, ~0U, 0) == 0) {
			status_fd = 3;
			fcntl(3, F_SETFD, FD_CLOEXEC);
			execv(s->argv[0], (char *const *)s->argv);
		}
	}
	code = errno;
	ssize_t n = write(status_fd, &code, sizeof(code));
	_exit(n == sizeof(code) ? 127 : 126);
}

/* A pipe, or /dev/null; ends above the first four, so that none stands where another is to be put. */
static bool
make_pipe(bool wanted, bool to_child, int *ours, int *theirs)
{
	int fd[2], up[2];

	if (!wanted) {
		fd[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
		*theirs = fd[0] < 0 ? -1 : fcntl(fd[0], F_DUPFD_CLOEXEC, 10);
		mem_clean_fd(&fd[0]);
		return *theirs >= 0;
	}
	if (pipe2(fd, O_CLOEXEC) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		up[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 10);
		close(fd[i]);
	}
	*ours = up[to_child ? 1 : 0];
	*theirs = up[to_child ? 0 : 1];
	return *ours >= 0 && *theirs >= 0 && fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

static bool
start_process(struct child *c, const struct child_spec *s, struct err *e)
{
	int theirs[3] = { -1, -1, -1 }, report[2] = { -1, -1 }, code = 0;
	pid_t parent = getpid();
	bool ok = make_pipe(s->input.n > 0, true, &c->in_fd, &theirs[0]) &&
		  make_pipe(s->out != NULL, false, &c->out_fd, &theirs[1]) &&
		  make_pipe(s->line != NULL, false, &c->err_fd, &theirs[2]) &&
		  make_pipe(true, false, &report[0], &report[1]);

	c->pid = ok ? fork() : -1;
	if (c->pid == 0)
		child_run(s, theirs, report[1], parent);
	if (c->pid < 0)
		err_errno(e, ERR_SIDE, "starting %s", s->argv[0]);
	for (int i = 0; i < 3; i++)
		mem_clean_fd(&theirs[i]);
	mem_clean_fd(&report[1]);
	if (c->pid > 0) {
		ssize_t n;

		/* Closes by itself when the program runs; else brings the error number. */
		fcntl(report[0], F_SETFL, 0);
		do
			n = read(report[0], &code, sizeof(code));
		while (n < 0 && errno == EINTR);
		if (n != 0) {
			waitpid(c->pid, NULL, 0);
			c->pid = -1;
			err_set(e, ERR_CONFIG, "no-program", "cannot start %s: %s", s->argv[0],
				n == sizeof(code) ? strerror(code) : "it ended at once");
		}
	}
	mem_clean_fd(&report[0]);
	return c->pid > 0;
}

/* --- its pipes --- */

static void
shut(sd_event_source **s, int *fd)
{
	*s = sd_event_source_disable_unref(*s);
	mem_clean_fd(fd);
	*fd = -1;
}

static void
unlink_child(struct child *c)
{
	struct child **p = &c->g->children->list;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
}

static void
child_free(struct child *c)
{
	shut(&c->in, &c->in_fd);
	shut(&c->out, &c->out_fd);
	shut(&c->err, &c->err_fd);
	sd_event_source_disable_unref(c->kill);
	sd_event_source_disable_unref(c->linger);
	buf_free(&c->input);
	buf_free(&c->line);
	free(c);
}

/* It is over when it was waited for and has nothing more to say. */
static void
maybe_over(struct child *c)
{
	if (!c->reaped || c->done || c->out_fd >= 0 || c->err_fd >= 0)
		return;
	c->done = true;
	unlink_child(c);
	if (c->s.ended)
		c->s.ended(c->s.ctx, c->status);
	child_free(c);
}

static int
on_in(sd_event_source *src, int fd, uint32_t revents, void *ctx)
{
	struct child *c = ctx;
	ssize_t n = write(fd, c->input.p + c->written, c->input.n - c->written);

	(void)src;
	(void)revents;
	if (n > 0)
		c->written += (size_t)n;
	if (c->written == c->input.n || (n < 0 && errno != EAGAIN && errno != EINTR))
		shut(&c->in, &c->in_fd);
	return 0;
}

static int
on_out(sd_event_source *src, int fd, uint32_t revents, void *ctx)
{
	struct child *c = ctx;
	char block[BLOCK];
	ssize_t n = read(fd, block, sizeof(block));

	(void)src;
	(void)revents;
	if (n > 0) {
		if (c->s.out)
			c->s.out(c->s.ctx, (struct str){ block, (size_t)n });
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		shut(&c->out, &c->out_fd);
		maybe_over(c);
	}
	return 0;
}

static void
line_hand_on(struct child *c)
{
	if (c->s.line)
		c->s.line(c->s.ctx, buf_str(&c->line));
	buf_reset(&c->line);
	c->line_cut = false;
}

static int
on_err(sd_event_source *src, int fd, uint32_t revents, void *ctx)
{
	struct child *c = ctx;
	char block[8192];
	ssize_t n = read(fd, block, sizeof(block));

	(void)src;
	(void)revents;
	for (ssize_t i = 0; i < n; i++) {
		if (block[i] == '\n')
			line_hand_on(c);
		else if (c->line.n < LINE_MAX_BYTES)
			buf_addc(&c->line, block[i]);
		else
			c->line_cut = true;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		if (c->line.n)
			line_hand_on(c);
		shut(&c->err, &c->err_fd);
		maybe_over(c);
	}
	return 0;
}

bool
child_start(struct agent *g, const struct child_spec *s, struct child **c_r, struct err *e)
{
	struct child *c = xcalloc(1, sizeof(*c));

	*c = (struct child){ .g = g, .s = *s, .in_fd = -1, .out_fd = -1, .err_fd = -1 };
	*c_r = NULL;
	if (!start_process(c, s, e)) {
		child_free(c);
		return false;
	}
	if (s->input.n)
		buf_add(&c->input, s->input.p, s->input.n);
	if ((c->in_fd >= 0 && sd_event_add_io(g->loop, &c->in, c->in_fd, EPOLLOUT, on_in, c) < 0) ||
		(c->out_fd >= 0 &&
			sd_event_add_io(g->loop, &c->out, c->out_fd, EPOLLIN, on_out, c) < 0) ||
		(c->err_fd >= 0 &&
			sd_event_add_io(g->loop, &c->err, c->err_fd, EPOLLIN, on_err, c) < 0))
		abort(); /* only without memory, or by a mistake of ours */
	c->s.argv = NULL;
	c->s.input = (struct str){ 0 };
	c->next = g->children->list;
	g->children->list = c;
	*c_r = c;
	return true;
}

/* --- ending --- */

static int
on_kill(sd_event_source *src, uint64_t us, void *ctx)
{
	struct child *c = ctx;

	(void)src;
	(void)us;
	if (!c->reaped) {
		kill(-c->pid, SIGKILL);
		kill(c->pid, SIGKILL); /* in case it left its group */
	}
	return 0;
}

void
child_end(struct child *c, int grace_s)
{
	if (c->reaped)
		return;
	kill(c->pid, SIGTERM);
	child_pause(c, false);
	if (!c->kill)
		agent_timer(c->g, &c->kill, (int64_t)grace_s * 1000, on_kill, c);
}

void
child_signal(struct child *c, int signo)
{
	if (!c->reaped)
		kill(c->pid, signo);
}

void
child_pause(struct child *c, bool paused)
{
	if (c->out)
		sd_event_source_set_enabled(c->out, paused ? SD_EVENT_OFF : SD_EVENT_ON);
}

void
child_forget(struct child *c)
{
	c->s.out = NULL;
	c->s.line = NULL;
	c->s.ended = NULL;
	child_pause(c, false);
}

static int
on_linger(sd_event_source *src, uint64_t us, void *ctx)
{
	struct child *c = ctx;

	(void)src;
	(void)us;
	if (c->out && sd_event_source_get_enabled(c->out, NULL) == 0) { /* paused */
		agent_timer(c->g, &c->linger, LINGER_MS, on_linger, c);
		return 0;
	}
	shut(&c->out, &c->out_fd);
	shut(&c->err, &c->err_fd);
	maybe_over(c);
	return 0;
}

static struct child *
child_of(struct agent *g, pid_t pid)
{
	for (struct child *c = g->children->list; c; c = c->next)
		if (c->pid == pid && !c->reaped)
			return c;
	return NULL;
}

/* Whoever it is: ours, or what comes to process 1. */
static int
on_sigchld(sd_event_source *src, const struct signalfd_siginfo *si, void *ctx)
{
	struct agent *g = ctx;
	int status;
	pid_t pid;

	(void)src;
	(void)si;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *c = child_of(g, pid);

		if (!c)
			continue;
		c->reaped = true;
		c->status = status;
		shut(&c->in, &c->in_fd);
		/* What it still has to say comes first. */
		agent_timer(g, &c->linger, c->out_fd >= 0 || c->err_fd >= 0 ? LINGER_MS : 0,
			on_linger, c);
	}
	return 0;
}

bool
children_start(struct agent *g, struct err *e)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	g->children = xcalloc(1, sizeof(*g->children));
	r = sd_event_add_signal(g->loop, &g->children->sigchld, SIGCHLD, on_sigchld, g);
	return r >= 0 || err_set(e, ERR_CONFIG, "os", "waiting for children: %s", strerror(-r));
}

void
children_stop(struct agent *g)
{
	if (!g->children)
		return;
	while (g->children->list) {
		struct child *c = g->children->list;

		g->children->list = c->next;
		if (!c->reaped) {
			kill(-c->pid, SIGKILL);
			kill(c->pid, SIGKILL);
			waitpid(c->pid, NULL, 0);
		}
		child_free(c);
	}
	sd_event_source_disable_unref(g->children->sigchld);
	mem_clean_free(&g->children);
}
