/* The parts of the daemon, in the order of their start; they stop in the reverse one. A new part is a row. */
#include "agent.h"
#include "alert.h"
#include "base/mem.h"
#include "child.h"
#include "control.h"
#include "health.h"
#include "jobs.h"
#include "keep.h"
#include "live.h"
#include "notify.h"
#include "reload.h"
#include "timer.h"
#include "watch.h"
#include "web.h"

static const struct part {
	const char *name;
	bool (*start)(struct agent *g, struct err *e);
	void (*stop)(struct agent *g);
	void (*reloaded)(struct agent *g); /* may be NULL */
} parts[] = {
	{ "children", children_start, children_stop, NULL },
	{ "jobs", jobs_start, jobs_stop, NULL },
	/* the configuration is loaded in here: all below start with it, or in set-up mode */
	{ "configuration", reload_start, reload_stop, NULL },
	{ "memory", keep_start, keep_stop, keep_reloaded },
	{ "live", live_start, live_stop, NULL },
	{ "timer", timer_start, timer_stop, timer_reloaded },
	{ "watch", watch_start, watch_stop, watch_reloaded },
	/* in the order in which they hear of a run: measured, told, judged */
	{ "health", health_start, health_stop, health_reloaded },
	{ "notify", notify_start, notify_stop, notify_reloaded },
	{ "alerts", alerts_start, alerts_stop, alerts_reloaded },
	{ "control", control_start, control_stop, control_follow },
	{ "web", web_start, web_stop, web_reloaded },
};

static void
stop_below(struct agent *g, size_t n)
{
	while (n > 0)
		parts[--n].stop(g);
}

bool
parts_start(struct agent *g, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!parts[i].start(g, e)) {
			stop_below(g, i + 1); /* each stop stands a start that failed half-way */
			return false;
		}
	return true;
}

void
parts_stop(struct agent *g)
{
	stop_below(g, ARRAY_LEN(parts));
}

void
parts_reloaded(struct agent *g)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i].reloaded)
			parts[i].reloaded(g);
}
