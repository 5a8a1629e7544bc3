/*
 * seccomp: which system calls. A list of what is allowed; the rest is refused (EPERM), and what a program that
 * was taken over would try first ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>
#include "base/mem.h"
#include "sandbox_p.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define HUNTS_LEAKS 1 /* at its end: a process of its own that stops this one by ptrace */
#else
#define HUNTS_LEAKS 0
#endif

#define CALL(name) SCMP_SYS(name)

static const int always[] = {
	/* what is open */
	CALL(read), CALL(readv), CALL(pread64), CALL(preadv), CALL(write), CALL(writev),
	CALL(pwrite64), CALL(lseek), CALL(close), CALL(close_range), CALL(dup), CALL(dup2),
	CALL(dup3), CALL(fcntl), CALL(fcntl64), CALL(flock), CALL(fadvise64), CALL(pipe),
	CALL(pipe2), CALL(eventfd2), CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6),
	CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait),
	CALL(inotify_init1), CALL(inotify_add_watch), CALL(inotify_rm_watch),
	/* files, to look at (open: see below) */
	CALL(stat), CALL(fstat), CALL(lstat), CALL(newfstatat), CALL(fstatat64), CALL(statx),
	CALL(statfs), CALL(fstatfs), CALL(access), CALL(faccessat), CALL(faccessat2),
	CALL(readlink), CALL(readlinkat), CALL(getdents), CALL(getdents64), CALL(getcwd),
	/* memory (mmap, mprotect: see below) */
	CALL(munmap), CALL(mremap), CALL(madvise), CALL(brk), CALL(mincore), CALL(mlock),
	CALL(mlock2), CALL(munlock), CALL(membarrier),
	/* time, signals to oneself (kill: see below), threads that are there */
	CALL(clock_gettime), CALL(clock_getres), CALL(gettimeofday), CALL(time), CALL(times),
	CALL(nanosleep), CALL(clock_nanosleep), CALL(rt_sigaction), CALL(rt_sigprocmask),
	CALL(rt_sigreturn), CALL(rt_sigtimedwait), CALL(sigaltstack), CALL(restart_syscall),
	CALL(futex), CALL(set_robust_list), CALL(get_robust_list), CALL(set_tid_address),
	CALL(rseq), CALL(sched_yield), CALL(sched_getaffinity), CALL(sched_getparam),
	CALL(sched_getscheduler), CALL(exit), CALL(exit_group),
	/* who and where we are */
	CALL(getpid), CALL(gettid), CALL(getppid), CALL(getpgrp), CALL(getpgid), CALL(getuid),
	CALL(geteuid), CALL(getgid), CALL(getegid), CALL(getgroups), CALL(getresuid),
	CALL(getresgid), CALL(getrlimit), CALL(getrusage), CALL(sysinfo), CALL(uname),
	CALL(getrandom)
};

static const int for_network[] = { CALL(connect), CALL(sendto), CALL(sendmsg), CALL(sendmmsg),
	CALL(recvfrom), CALL(recvmsg), CALL(recvmmsg), CALL(shutdown), CALL(getsockname),
	CALL(getpeername), CALL(getsockopt), CALL(setsockopt) };

/* Libraries know what to do instead when these are not there; clone3 hides its flags from us. */
static const int unheard_of[] = { CALL(clone3), CALL(openat2), CALL(epoll_pwait2),
	CALL(futex_waitv), CALL(io_uring_setup), CALL(memfd_create), CALL(userfaultfd) };

static const int fatal[] = { CALL(execve), CALL(execveat), CALL(process_vm_readv),
	CALL(process_vm_writev), CALL(bpf), CALL(perf_event_open), CALL(mount), CALL(umount2),
	CALL(pivot_root), CALL(chroot), CALL(unshare), CALL(setns), CALL(init_module),
	CALL(finit_module), CALL(kexec_load) };

static bool
rules_list(scmp_filter_ctx f, uint32_t action, const int *calls, size_t count)
{
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++)
		ok = seccomp_rule_add(f, action, calls[i], 0) == 0;
	return ok;
}

/* An argument must be this, under a mask. */
static bool
allow_masked(scmp_filter_ctx f, int call, unsigned arg, uint64_t mask, uint64_t value)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1,
		       SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, mask, value)) == 0;
}

/* To read: neither written nor made nor emptied. */
static bool
allow_files(scmp_filter_ctx f)
{
	const uint64_t changes = O_ACCMODE | O_CREAT | O_TRUNC;

	return allow_masked(f, CALL(open), 1, changes, O_RDONLY) &&
	       allow_masked(f, CALL(openat), 2, changes, O_RDONLY);
}

/* Ourselves: abort() signals its thread; limits are looked at; names of threads. */
static bool
allow_self(scmp_filter_ctx f)
{
	static const int look[] = { PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_DUMPABLE,
		PR_CAPBSET_READ, 0x53564d41 /* PR_SET_VMA */ };
	const uint64_t self = (uint64_t)getpid(), all = UINT64_MAX;
	bool ok = allow_masked(f, CALL(kill), 0, all, self) &&
		  allow_masked(f, CALL(tgkill), 0, all, self) &&
		  allow_masked(f, CALL(prlimit64), 2, all, 0);

	for (size_t i = 0; ok && i < ARRAY_LEN(look); i++)
		ok = allow_masked(f, CALL(prctl), 0, UINT32_MAX, (uint64_t)look[i]);
	return ok;
}

static bool
allow_network(scmp_filter_ctx f)
{
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX };
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
	const uint64_t kind = ~(uint64_t)(SOCK_CLOEXEC | SOCK_NONBLOCK);
	bool ok = rules_list(f, SCMP_ACT_ALLOW, for_network, ARRAY_LEN(for_network)) &&
		  allow_masked(f, CALL(socketpair), 0, UINT64_MAX, AF_UNIX) &&
		  allow_masked(f, CALL(clone), 0, CLONE_THREAD, CLONE_THREAD);

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		for (size_t k = 0; ok && k < ARRAY_LEN(types); k++)
			ok = seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(socket), 2,
				     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]),
				     SCMP_A1(SCMP_CMP_MASKED_EQ, kind, (scmp_datum_t)types[k])) ==
			     0;
	return ok;
}

/* LeakSanitizer is part of such a build and would call its failure ours. */
static bool
allow_leak_hunt(scmp_filter_ctx f)
{
	static const int calls[] = { CALL(clone), CALL(ptrace), CALL(wait4), CALL(prctl),
		CALL(sched_setaffinity) };

	return rules_list(f, SCMP_ACT_ALLOW, calls, ARRAY_LEN(calls));
}

/* Memory is written or executed, never both: code that came over the network does not run. */
static bool
allow_memory(scmp_filter_ctx f)
{
	const uint64_t both = PROT_WRITE | PROT_EXEC;

	return allow_masked(f, CALL(mmap), 2, both, 0) &&
	       allow_masked(f, CALL(mmap), 2, both, PROT_WRITE) &&
	       allow_masked(f, CALL(mmap), 2, both, PROT_EXEC) &&
	       allow_masked(f, CALL(mprotect), 2, PROT_EXEC, 0);
}

/* Not those that type for the person at the terminal. */
static bool
allow_devices(scmp_filter_ctx f)
{
	static const unsigned long look[] = { TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX };
	bool ok = true;

	for (size_t i = 0; ok && i < ARRAY_LEN(look); i++)
		ok = allow_masked(f, CALL(ioctl), 1, UINT32_MAX, look[i]);
	return ok;
}

static bool
rules_add(scmp_filter_ctx f, bool network)
{
	static const int ptrace_call[] = { CALL(ptrace) };

	return rules_list(f, SCMP_ACT_ALLOW, always, ARRAY_LEN(always)) &&
	       rules_list(f, SCMP_ACT_ERRNO(ENOSYS), unheard_of, ARRAY_LEN(unheard_of)) &&
	       rules_list(f, SCMP_ACT_KILL_PROCESS, fatal, ARRAY_LEN(fatal)) &&
	       rules_list(f, SCMP_ACT_KILL_PROCESS, ptrace_call, HUNTS_LEAKS ? 0 : 1) &&
	       allow_files(f) && allow_memory(f) && allow_devices(f) && allow_self(f) &&
	       (!network || allow_network(f)) && (!HUNTS_LEAKS || allow_leak_hunt(f));
}

bool
seccomp_lock(const struct sandbox *s, struct err *e)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool ok = f && rules_add(f, s->network);
	int rc = 0;

	if (ok) {
		/* found by halving, not one after the other; an older library does without */
		(void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		rc = seccomp_load(f);
	}
	if (f)
		seccomp_release(f);
	errno = -rc;
	if (ok && rc != 0)
		return err_errno(e, ERR_CONFIG, "seccomp");
	return ok || err_set(e, ERR_CONFIG, "os", "seccomp: its rules cannot be made");
}
