#include "keep.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "notify_way.h"
#include "store/agent.h"

/* One that can be read may still not be written to. */
static bool
open_file(const struct agent *g, struct agent_store **s_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *folder = agent_state(g);
	bool damaged = false,
	     ok = dir_make(folder, 0700, e) &&
		  agent_store_open(agent_store_path(folder, a), NULL, false, s_r, &damaged, e);

	if (damaged)
		agent_log(LOG_WARN, "memory-damaged", "text",
			"agent.db was damaged and is put aside: alerts, sign-ins and versions of "
			"the configuration begin anew",
			NULL);
	if (ok && agent_fact_set(*s_r, "opened", agent_now(), e))
		return true;
	agent_store_close(s_r);
	return false;
}

/* Who was told that something is wrong is told when all is well. */
static bool
hand_over(struct agent_store *from, struct agent_store *to, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();

	for (size_t i = 0; i < NOTIFY_WAYS; i++) {
		struct way_row was, now;

		agent_way_get(from, notify_ways[i], a, &was);
		agent_way_get(to, notify_ways[i], a, &now);
		now.unwell |= was.unwell;
		if (was.unwell && !agent_way_put(to, &now, e))
			return false;
	}
	return !agent_fact(from, "unwell") || agent_fact_set(to, "unwell", 1, e);
}

static void
use_file(struct agent *g, struct agent_store *s)
{
	struct err e = { 0 };

	if (g->store && !hand_over(g->store, s, &e))
		agent_log(LOG_WARN, "no-memory", "code", e.code, "text", e.text, NULL);
	if (g->store)
		agent_log(LOG_INFO, "memory-kept", "text", "agent.db can be used again", NULL);
	agent_store_close(&g->store);
	g->store = s;
	err_clear(&g->memory_error);
}

/* It may be lost without harm, so nothing stops for the want of it; the alert that tells of it needs a memory, too. */
static void
open_store(struct agent *g)
{
	struct agent_store *s = NULL;
	struct err e = { 0 };

	if (!agent_state(g) || (g->store && g->memory_error.kind == ERR_NONE))
		return;
	if (open_file(g, &s, &e)) {
		use_file(g, s);
		return;
	}
	if (strcmp(e.text, g->memory_error.text) != 0)
		agent_log(LOG_WARN, "no-memory", "code", e.code, "text", e.text, NULL);
	g->memory_error = e;
	if (!g->store)
		agent_store_open(DB_IN_MEMORY, NULL, false, &g->store, NULL, &e);
}

/* Removed, replaced, or that of a state folder which is no more ours. */
static void
look(struct agent *g)
{
	CLEAN_ARENA struct arena *a = arena_new();

	if (g->store && g->memory_error.kind == ERR_NONE &&
		!agent_store_well(g->store, agent_store_path(agent_state(g), a))) {
		agent_log(LOG_WARN, "memory-gone", "text",
			"agent.db is another file now: alerts and sign-ins go on with what is in "
			"it",
			NULL);
		agent_store_close(&g->store);
	}
	open_store(g);
}

bool
keep_again(struct agent *g, const struct err *why)
{
	if (strcmp(why->code, "state-busy") == 0 || strcmp(why->code, "disk-full") == 0)
		return false;
	agent_store_close(&g->store);
	err_clear(&g->memory_error);
	open_store(g);
	return g->store != NULL;
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
