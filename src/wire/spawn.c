#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { P_IN, P_OUT, P_ERR, P_STATUS, P_COUNT };
#define CHILD_LOCK   3
#define CHILD_STATUS 4

/* Never back: all three ids. */
static bool
child_become(uid_t uid, gid_t gid)
{
	const struct passwd *pw = getpwuid(uid);

	return (pw ? initgroups(pw->pw_name, gid) : setgroups(1, &gid)) == 0 &&
	       setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
}

static const char *
child_settle(const struct conn_process *p, pid_t parent)
{
	const struct rlimit no_core = { 0, 0 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL); /* fails for those that cannot be caught, which is fine */
	/* Its own group: what it starts dies with it, and a Ctrl-C at the terminal is ours to answer. */
	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	if (p->uid && !child_become(p->uid, p->gid))
		return "another user";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return "no new privileges";
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return "parent's death";
	if (getppid() != parent)
		_exit(127); /* died before we asked to be told */
	return NULL;
}

/* All descriptors go up first, so that none stands where another is to be put. */
static bool
child_descriptors(int fd[P_COUNT], int lock_fd)
{
	static const int place[P_COUNT] = { 0, 1, 2, CHILD_STATUS };
	int up[P_COUNT], lock = -1;

	for (int i = 0; i < P_COUNT; i++)
		if ((up[i] = fcntl(fd[i], F_DUPFD, 10)) < 0)
			return false;
	if (lock_fd >= 0 && (lock = fcntl(lock_fd, F_DUPFD, 10)) < 0)
		return false;
	for (int i = 0; i < P_COUNT; i++)
		if (dup2(up[i], place[i]) < 0)
			return false;
	if (lock >= 0 ? dup2(lock, CHILD_LOCK) < 0 : close_range(CHILD_LOCK, CHILD_LOCK, 0) != 0)
		return false;
	return close_range(CHILD_STATUS + 1, ~0U, 0) == 0 &&
	       fcntl(CHILD_STATUS, F_SETFD, FD_CLOEXEC) == 0;
}

static _Noreturn void
child_run(const struct conn_process *p, int fd[P_COUNT], pid_t parent)
{
	static char *const empty[] = { NULL };
	int report = fd[P_STATUS];
	const char *failed = child_settle(p, parent);

	if (!failed) {
		if (child_descriptors(fd, p->lock_fd)) {
			report = CHILD_STATUS;
			execve(p->argv[0], (char *const *)p->argv, empty);
		}
	}
	int code = errno;
	ssize_t n = write(report, &code, sizeof(code));
	_exit(n == sizeof(code) ? 127 : 126);
}

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
shut_all(int fd[P_COUNT][2])
{
	for (int i = 0; i < P_COUNT; i++)
		for (int k = 0; k < 2; k++)
			shut(&fd[i][k]);
}

static bool
not_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* The status pipe closes by itself when the program runs; else it brings the error number. */
static bool
started(int status_fd, const char *program, struct err *e)
{
	int code = 0;
	ssize_t n;

	do
		n = read(status_fd, &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return true;
	return err_set(e, ERR_CONFIG, "no-connector", "cannot start %s: %s", program,
		n == sizeof(code) ? strerror(code) : "it ended at once");
}

bool
spawn(const struct conn_process *p, struct spawned *s_r, struct err *e)
{
	int fd[P_COUNT][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
	pid_t parent = getpid(), pid;
	bool ok = true;

	for (int i = 0; ok && i < P_COUNT; i++)
		ok = pipe2(fd[i], O_CLOEXEC) == 0;
	ok = ok && not_blocking(fd[P_IN][1]) && not_blocking(fd[P_OUT][0]) &&
	     not_blocking(fd[P_ERR][0]);
	pid = ok ? fork() : -1;
	if (pid < 0) {
		err_errno(e, ERR_SIDE, "starting %s", p->argv[0]);
		shut_all(fd);
		return false;
	}
	if (pid == 0)
		child_run(p, (int[]){ fd[P_IN][0], fd[P_OUT][1], fd[P_ERR][1], fd[P_STATUS][1] },
			parent);
	shut(&fd[P_STATUS][1]);
	ok = started(fd[P_STATUS][0], p->argv[0], e);
	if (ok) {
		*s_r = (struct spawned){ pid, fd[P_IN][1], fd[P_OUT][0], fd[P_ERR][0] };
		fd[P_IN][1] = fd[P_OUT][0] = fd[P_ERR][0] = -1;
	} else {
		waitpid(pid, NULL, 0);
	}
	shut_all(fd);
	return ok;
}
