#include "digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alert.h"
#include "base/mem.h"
#include "health.h"
#include "notify.h"
#include "notify_text.h"
#include "notify_way.h"

#define DAY      86400
#define OPEN_MAX 200

/* Today's time, local; the day is that of mktime, so that summer time is right. */
static int64_t
due_today(const char *hhmm, int64_t now)
{
	time_t t = (time_t)now;
	struct tm tm;
	char *end;

	localtime_r(&t, &tm);
	tm.tm_hour = (int)strtol(hhmm, &end, 10);
	tm.tm_min = *end == ':' ? (int)strtol(end + 1, NULL, 10) : 0;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

static void
compose(struct agent *g, int64_t now)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf lines = { 0 };
	CLEAN_BUF struct buf body = { 0 };
	struct alert_row *open = arena_alloc(a, OPEN_MAX * sizeof(*open));
	struct notify_day d = {
		.now = now, .open = open, .status = alerts_status(g), .host = NULL
	};
	char host[256];

	notify_host(host, sizeof(host));
	d.host = host;
	d.open_count = agent_alerts_open(g->store, a, open, OPEN_MAX);
	agent_alerts_since(g->store, now - DAY, &d.raised, &d.cleared);
	health_day_lines(g, &lines);
	d.lines = buf_cstr(&lines);
	notify_text_day(&d, &body);
	notify_send(g, buf_cstr(&body));
}

void
digest_when_due(struct agent *g)
{
	const char *at = g->conf ? g->conf->alerts.daily : NULL;
	int64_t now = agent_now(), due, last;

	if (!at || !g->store)
		return;
	due = due_today(at, now);
	last = agent_fact(g->store, "daily");
	if (!last ||
		last > now) { /* switched on just now, or the clock was set back: from the next time on */
		agent_fact_set(g->store, "daily", now, NULL);
		return;
	}
	if (now < due || last >= due)
		return;
	agent_fact_set(g->store, "daily", now, NULL);
	compose(g, now);
}
