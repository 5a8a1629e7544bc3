#include "digest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alert.h"
#include "base/mem.h"
#include "health.h"
#include "notify_text.h"
#include "notify_way.h"
#include "store/agent.h"

#define DAY      86400
#define OPEN_MAX 200
#define PATIENCE 600

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

/* Of targets nothing is known before the first look, which may take a run's time. */
bool
digest_due(const struct agent *g, int64_t last, int64_t now)
{
	const char *at = g->conf ? g->conf->alerts.daily : NULL;
	int64_t due = at ? due_today(at, now) : 0;

	return at && last < due && now >= due && (alerts_status(g) || now >= g->started + PATIENCE);
}

void
digest_make(struct agent *g, int64_t last, int64_t now, struct buf *out)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf lines = { 0 };
	struct alert_row *open = arena_alloc(a, OPEN_MAX * sizeof(*open));
	struct notify_day d = { .now = now, .open = open, .status = alerts_status(g) };
	char host[256];

	notify_host(host, sizeof(host));
	d.host = host;
	d.since = last && last < now - DAY ? last : now - DAY;
	d.open_count = agent_alerts_open(g->store, a, open, OPEN_MAX);
	agent_alerts_since(g->store, d.since, &d.raised, &d.cleared);
	health_lines(g, d.since, &lines);
	d.lines = buf_cstr(&lines);
	notify_text_day(&d, out);
}
