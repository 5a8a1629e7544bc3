#include "digest.h"

#include "alert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "health.h"
#include "notify_text.h"
#include "notify_way.h"
#include "store/agent.h"

#define DAY      86400
#define OPEN_MAX 200
#define PATIENCE 600

int64_t
digest_last(const struct agent *g, int64_t last, int64_t now)
{
	if (!g->conf->alerts.daily)
		return 0;
	return last > 0 && last <= now + DAY ? last : now;
}

/* Of targets nothing is known before the first look, which may take a run's time. */
bool
digest_due(const struct agent *g, int64_t last, int64_t now)
{
	const char *at = g->conf ? g->conf->alerts.daily : NULL;
	int64_t due = at ? time_of_day(now, 0, time_minute(at)) : 0;

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
