/*
 * What the agent's state needs from outside: clock, and a hook called just after each commit, where
 * tests stop the process (DESIGN.md, Tests). In production `committed` is NULL.
 */
#pragma once
#include "base/clock.h"

struct store_env {
	const struct clock *clock;
	void (*committed)(void *ctx, const char *what); /* "mirror", "ledger" */
	void *ctx;
	bool sync_off; /* tests on a RAM disk: PRAGMA synchronous=OFF */
};
