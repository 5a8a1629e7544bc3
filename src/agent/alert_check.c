#include "alert_p.h"

#include <string.h>

#include "base/mem.h"
#include "store/agent.h"

#define CHECK_FIRST 300   /* seconds after the start */
#define CHECK_EVERY 86400 /* and while something found by it is open, or after a refused sign-on: */
#define CHECK_AGAIN 900

static void
check_done(void *ctx, const struct job *j)
{
	struct alerts *al = ctx;
	struct alert_input in = { .check = job_result(j) };

	al->checking = false;
	if (in.check && json_get(in.check, "findings") && !job_cancelled(j))
		alerts_evaluate(al, &in, NULL);
}

static void
ask_check(struct alerts *al, int64_t now)
{
	static const char *const words[] = { "check", NULL };
	struct job_spec s = { .argv = words,
		.json = true,
		.why = "alerts",
		.by = "",
		.done = check_done,
		.ctx = al };

	al->refused = al->soon = false;
	al->checked = now;
	agent_fact_set(al->g->store, "checked", now, NULL);
	al->checking = job_add(al->g, &s);
}

static bool
found_by_check(const struct alerts *al)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct alert_row one;

	return agent_alerts_live(al->g->store, "check", a, &one, 1) > 0;
}

void
alert_check_when_due(struct alerts *al)
{
	int64_t now = agent_now(), every = CHECK_EVERY;

	if (al->checking || !al->g->conf || !al->g->store)
		return;
	if (!al->soon && now < al->g->started + CHECK_FIRST)
		return;
	if (al->refused || found_by_check(al))
		every = CHECK_AGAIN;
	if (al->soon || now - al->checked >= every || now < al->checked)
		ask_check(al, now);
}

/* Somebody mended something and looked: so do we. Not where it fails, as each try of a wrong password counts (7.4). */
void
alert_checked_by_others(struct alerts *al, const struct job *j)
{
	if (strcmp(job_argv(j)[0], "check") != 0 || strcmp(job_why(j), "alerts") == 0 ||
		job_exit(j) != 0)
		return;
	al->soon = true;
	alert_check_when_due(al);
}

/* What it found may be mended. */
void
alert_check_begin(struct alerts *al)
{
	al->checked = agent_fact(al->g->store, "checked");
	al->soon = found_by_check(al);
}
