/*
 * Children: the one place where the daemon starts programs and waits for them. As process 1 it reaps whatever else
 * comes to it. Do not use sd_event_add_child, waitpid or SIGCHLD elsewhere.
 *
 * A child has its own process group, no file of ours but its three, default signals, no new privileges, and gets
 * SIGTERM when the daemon dies. Its environment is ours without what systemd meant for the daemon alone.
 */
#pragma once
#include "agent.h"

struct child_spec {
	const char *const *argv; /* argv[0]: path; NULL-ended */
	struct str input;        /* for standard input, copied; nothing: it is empty */
	void (*out)(void *ctx, struct str chunk); /* standard output; NULL: thrown away */
	void (*line)(void *ctx, struct
		str line); /* a line of standard error, no newline; longer than 64 KiB: the rest is dropped; NULL: thrown away */
	void (*ended)(void *ctx, int status); /* last call; status as of waitpid(2) */
	void *ctx;
};
struct child;

bool children_start(struct agent *g, struct err *e);
void children_stop(struct agent *g); /* what still runs is killed; no callbacks */

/* Callbacks come from the loop. False: it could not be started, and nothing will be called. */
bool child_start(struct agent *g, const struct child_spec *s, struct child **c_r, struct err *e);
void child_end(struct child *c,
	int grace_s); /* SIGTERM to it, SIGKILL to its group after so long; `ended` comes */
void child_signal(struct child *c, int signo);
void child_pause(struct child *c, bool paused); /* its standard output is not read */
void child_forget(struct child *c);             /* no more callbacks; it goes on and is reaped */
