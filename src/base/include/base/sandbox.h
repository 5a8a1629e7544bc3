/*
 * A one-way door for programs that talk to strangers: from sandbox_enter() on, this process reads what it
 * has named and the system's own files, writes nothing but what it has open, starts nothing, looks into no
 * other process and, where asked for, speaks to the network. Two locks, each of use without the other:
 * Landlock (which files; kernel 5.13) and seccomp (which system calls). What the kernel, or the container we
 * run in, does not have is named and passed over.
 */
#pragma once
#include <stdbool.h>

struct sandbox {
	bool network;             /* Internet and Unix sockets as a client, threads; else neither */
	const char *const *paths; /* to be read: files, folders with all below; NULL-ended */
};

struct sandbox_state {
	int landlock; /* its version; 0 = not there */
	bool seccomp;
	char missing[200]; /* what is not there and why; "" = nothing */
};

/* Call it while the process has one thread: threads of before are not held by Landlock. Paths that are not
 * there are passed over, so they cannot be read when they come. */
void sandbox_enter(const struct sandbox *s, struct sandbox_state *r);
