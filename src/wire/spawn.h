/* Starting a connector: a child with nothing of ours but three pipes and the lock. */
#pragma once
#include <sys/types.h>
#include "wire/conn.h"

struct spawned {
	pid_t pid;
	int in, out, err; /* our ends: its standard input, output, error; not blocking */
};
bool spawn(const struct conn_process *p, struct spawned *s_r, struct err *e);
