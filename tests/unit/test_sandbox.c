/* The sandbox of connectors (I9): each case is a process of its own that enters it and tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/sandbox.h"

enum { DONE = 0, REFUSED = 40, OTHER = 41, CANNOT = 77 };

static char folder[] = "/tmp/lockstep-test-XXXXXX";
static char mine[64], secret[64], state[64];

static void
put(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("something", f);
	fclose(f);
}

static int
setup(void **unused)
{
	(void)unused;
	if (!mkdtemp(folder))
		return -1;
	snprintf(mine, sizeof(mine), "%s/mine", folder);
	snprintf(secret, sizeof(secret), "%s/target.token", folder);
	snprintf(state, sizeof(state), "%s/state", folder);
	if (mkdir(mine, 0700) != 0 || mkdir(state, 0700) != 0)
		return -1;
	char *inside CLEAN_FREE = xasprintf("%s/a.ldif", mine),
		     *link CLEAN_FREE = xasprintf("%s/b.ldif", mine),
		     *db CLEAN_FREE = xasprintf("%s/target-hosted.db", state);
	put(inside);
	put(secret);
	put(db);
	return symlink(secret, link);
}

static int
teardown(void **unused)
{
	char *cmd CLEAN_FREE = xasprintf("rm -r %s", folder);

	(void)unused;
	return system(cmd);
}

static int
outcome(bool done)
{
	if (done)
		return DONE;
	return errno == EPERM || errno == EACCES ? REFUSED : OTHER;
}

/* --- what is tried --- */

static int
reads(const char *dir, const char *name, int flags)
{
	char *path CLEAN_FREE = xasprintf("%s%s%s", dir, *name ? "/" : "", name);
	int fd = open(path, flags, 0600);

	return outcome(fd >= 0);
}

static int
own_file(void)
{
	return reads(mine, "a.ldif", O_RDONLY);
}

static int
own_folder(void)
{
	return reads(mine, "", O_RDONLY | O_DIRECTORY);
}

static int
own_link_out(void)
{
	return reads(mine, "b.ldif", O_RDONLY);
}

static int
other_secret(void)
{
	return reads(secret, "", O_RDONLY);
}

static int
state_file(void)
{
	return reads(state, "target-hosted.db", O_RDONLY);
}

static int
state_folder(void)
{
	return reads(state, "", O_RDONLY | O_DIRECTORY);
}

static int
shadow(void)
{
	return reads("/etc/shadow", "", O_RDONLY);
}

static int
own_file_written(void)
{
	return reads(mine, "a.ldif", O_RDWR);
}

static int
file_emptied(void)
{
	return reads(mine, "a.ldif", O_RDONLY | O_TRUNC);
}

static int
file_made(void)
{
	return reads(mine, "new", O_WRONLY | O_CREAT);
}

static int
file_removed(void)
{
	char *path CLEAN_FREE = xasprintf("%s/a.ldif", mine);

	return outcome(unlink(path) == 0);
}

static int
process_forked(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return outcome(pid > 0);
}

static int
program_started(void)
{
	static char program[] = "/bin/true";
	static char *const argv[] = { program, NULL };

	execve(program, argv, argv + 1);
	return outcome(false);
}

static int
parent_looked_into(void)
{
	return outcome(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0);
}

static int
parent_killed(void)
{
	return outcome(kill(getppid(), 0) == 0);
}

static int
code_made(void)
{
	void *p = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return outcome(p != MAP_FAILED);
}

static int
memory_made_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? OTHER : outcome(mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0);
}

static int
limit_raised(void)
{
	return outcome(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) == 0);
}

static int
internet(void)
{
	return outcome(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) >= 0 &&
		       socket(AF_INET6, SOCK_DGRAM, 0) >= 0);
}

static int
raw_socket(void)
{
	return outcome(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
}

static int
packet_socket(void)
{
	return outcome(socket(AF_PACKET, SOCK_DGRAM, 0) >= 0);
}

static int
netlink(void)
{
	return outcome(socket(AF_NETLINK, SOCK_DGRAM, 0) >= 0);
}

static int
server(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? OTHER : outcome(bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0);
}

static void *
thread_run(void *ctx)
{
	*(int *)ctx = 1;
	return NULL;
}

static int
thread(void)
{
	pthread_t t;
	int ran = 0;

	errno = pthread_create(&t, NULL, thread_run, &ran);
	if (errno)
		return outcome(false);
	pthread_join(t, NULL);
	return outcome(ran);
}

static int
name_resolved(void)
{
	struct addrinfo *list = NULL;

	if (getaddrinfo("localhost", "ldap", NULL, &list) != 0)
		return OTHER;
	freeaddrinfo(list);
	return DONE;
}

static int
random_and_certificates(void)
{
	char some[8];

	return outcome(getentropy(some, sizeof(some)) == 0 && open("/dev/urandom", O_RDONLY) >= 0 &&
		       open("/etc/ssl/certs", O_RDONLY | O_DIRECTORY) >= 0);
}

/* --- what must come of it --- */

enum locks { FILES = 1, CALLS = 2, BOTH = 3 }; /* which lock refuses it: the test's condition */

static const struct attempt {
	const char *name;
	int (*try)(void);
	int network, files; /* DONE, REFUSED, or minus the signal */
	enum locks by;
} attempts[] = {
	{ "a file that was named", own_file, DONE, DONE, 0 },
	{ "a folder that was named", own_folder, DONE, DONE, 0 },
	{ "a link that leads out of it", own_link_out, REFUSED, REFUSED, FILES },
	{ "another's secret", other_secret, REFUSED, REFUSED, FILES },
	{ "the state", state_file, REFUSED, REFUSED, FILES },
	{ "the state's folder", state_folder, REFUSED, REFUSED, FILES },
	{ "/etc/shadow", shadow, REFUSED, REFUSED, FILES },
	{ "writing to a file", own_file_written, REFUSED, REFUSED, CALLS },
	{ "emptying a file", file_emptied, REFUSED, REFUSED, CALLS },
	{ "making a file", file_made, REFUSED, REFUSED, CALLS },
	{ "removing a file", file_removed, REFUSED, REFUSED, CALLS },
	{ "starting a program", program_started, -SIGSYS, -SIGSYS, CALLS },
	{ "a signal to the parent", parent_killed, REFUSED, REFUSED, CALLS },
	{ "memory that is written and executed", code_made, REFUSED, REFUSED, CALLS },
	{ "written memory made executable", memory_made_code, REFUSED, REFUSED, CALLS },
	{ "setting limits", limit_raised, REFUSED, REFUSED, CALLS },
	{ "the internet", internet, DONE, REFUSED, CALLS },
	{ "raw sockets", raw_socket, REFUSED, REFUSED, CALLS },
	{ "sockets of packets", packet_socket, REFUSED, REFUSED, CALLS },
	{ "netlink", netlink, REFUSED, REFUSED, CALLS },
	{ "a server", server, REFUSED, OTHER, CALLS },
#if !defined(__SANITIZE_ADDRESS__) /* whose search for leaks needs these */
	{ "another process", process_forked, REFUSED, REFUSED, CALLS },
	{ "a look into the parent", parent_looked_into, -SIGSYS, -SIGSYS, CALLS },
	{ "a thread", thread, DONE, REFUSED, CALLS },
#endif
	{ "a name", name_resolved, DONE, OTHER, CALLS },
	{ "randomness and certificates", random_and_certificates, DONE, REFUSED, FILES },
};

static int
inside(const struct attempt *t, bool network)
{
	const char *const paths[] = { mine, "/nowhere/at/all", NULL };
	const struct sandbox s = { .network = network, .paths = paths };
	struct sandbox_state r;

	sandbox_enter(&s, &r);
	if ((t->by & FILES && !r.landlock) || (t->by & CALLS && !r.seccomp))
		return CANNOT; /* not here: nothing is said of it */
	return t->try();
}

static int
ran(const struct attempt *t, bool network)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(inside(t, network));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
test_attempts(void **unused)
{
	int skipped = 0, wrong = 0;

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(attempts) * 2; i++) {
		const struct attempt *t = &attempts[i / 2];
		bool network = i % 2 == 0;
		int got = ran(t, network), want = network ? t->network : t->files;

		if (got == CANNOT) {
			skipped++;
		} else if (got != want) {
			print_error("%s (%s): %d instead of %d\n", t->name,
				network ? "network" : "files", got, want);
			wrong++;
		}
	}
	if (skipped)
		print_message("%d attempts mean nothing on this kernel\n", skipped);
	assert_int_equal(wrong, 0);
}

/* What the kernel says of a process that is inside. */
static void
test_status(void **unused)
{
	const struct sandbox s = { .network = true };
	struct sandbox_state r;
	int status = 0;
	pid_t pid = fork();

	(void)unused;
	if (pid == 0) {
		sandbox_enter(&s, &r);
		FILE *f = fopen("/proc/self/status", "r");
		char line[128];
		int found = 0;

		while (f && fgets(line, sizeof(line), f))
			found += strcmp(line, "NoNewPrivs:\t1\n") == 0 ||
				 strcmp(line, "Seccomp:\t2\n") == 0;
		_exit(found == 1 + r.seccomp &&
					!r.seccomp == (strstr(r.missing, "seccomp") != NULL) &&
					!r.landlock == (strstr(r.missing, "Landlock") != NULL)
				? 0
				: 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
