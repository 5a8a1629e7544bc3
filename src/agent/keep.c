#include "keep.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/agent.h"

/* It may be lost without harm, so nothing stops for the want of it: what needs it does without, and it is tried again. */
static void
open_store(struct agent *g)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *folder = agent_state(g);
	bool damaged = false;
	struct err e = { 0 };

	if (g->store || !folder)
		return;
	if (!dir_make(folder, 0700, &e) || !agent_store_open(agent_store_path(folder, a), NULL,
						   false, &g->store, &damaged, &e))
		agent_log(LOG_WARN, "no-memory", "code", e.code, "text", e.text, NULL);
	if (damaged)
		agent_log(LOG_WARN, "memory-damaged", "text",
			"agent.db was damaged and is put aside: alerts, sign-ins and versions of "
			"the "
			"configuration begin anew",
			NULL);
}

/* Removed, replaced, or that of a state folder which is no more ours. */
static void
look(struct agent *g)
{
	CLEAN_ARENA struct arena *a = arena_new();

	if (g->store && !agent_store_well(g->store, agent_store_path(agent_state(g), a))) {
		agent_log(LOG_WARN, "memory-gone", "text",
			"agent.db is another file now: alerts and sign-ins go on with what is in "
			"it",
			NULL);
		agent_store_close(&g->store);
	}
	open_store(g);
}

void
keep_again(struct agent *g)
{
	agent_store_close(&g->store);
	open_store(g);
}

static void
hear(void *ctx, const struct agent_news *n)
{
	struct agent *g = ctx;

	if (n->what == AGENT_MINUTE)
		look(g);
}

bool
keep_start(struct agent *g, struct err *e)
{
	(void)e;
	agent_hear(g, hear, g);
	open_store(g);
	return true;
}

void
keep_reloaded(struct agent *g)
{
	look(g);
}

void
keep_stop(struct agent *g)
{
	agent_store_close(&g->store);
}
