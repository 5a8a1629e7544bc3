#include "alert.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/statvfs.h>

#include "alert_life.h"
#include "alert_p.h"
#include "health.h"
#include "jobs.h"
#include "keep.h"
#include "notify.h"
#include "watch.h"

#define HISTORY  (90 * (int64_t)86400)
#define HELD_MAX (4 * 1024 * 1024) /* of the list of what is held: more is not described */

/* --- evaluation --- */

static void
log_row(const char *event, enum log_level level, const struct alert_row *r)
{
	agent_log(level, event, "alert", r->code, "severity", alert_severity_name(r->severity),
		"object", r->object, "text", r->cause, "remedy", r->remedy, NULL);
}

static void
journal_one(struct alerts *al, const struct news_row *n, struct arena *a)
{
	struct alert_row r;

	if (n->what == NEWS_WELL)
		agent_log(LOG_INFO, "all-well", "text", "no alert is open any more", NULL);
	else if (agent_alert_get(al->g->store, n->alert, a, &r))
		log_row(n->what == NEWS_RAISED ? "alert-raised" : "alert-cleared",
			n->what == NEWS_CLEARED        ? LOG_INFO
			: r.severity == ALERT_CRITICAL ? LOG_ERROR
						       : LOG_WARN,
			&r);
}

/* The journal has every alert at once, whatever becomes of messages. */
static void
journal(struct alerts *al, int64_t since)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct news_row news[64];
	size_t n;

	while ((n = agent_news(al->g->store, since, news, ARRAY_LEN(news)))) {
		for (size_t i = 0; i < n; i++)
			journal_one(al, &news[i], a);
		since = news[n - 1].id;
	}
}

/* What cannot be kept in agent.db is kept in memory, as long as that lasts. */
static bool
apply(struct alerts *al, const struct alert_finds *f, int64_t now, int64_t *before_r, bool *told_r)
{
	for (int again = 0;; again++) {
		struct err e = { 0 };

		*told_r = false;
		*before_r = agent_news_newest(al->g->store);
		if (alert_life_apply(al->g->store, f, now, told_r, &e))
			return true;
		agent_log(LOG_ERROR, "alerts-not-kept", "text", e.text, NULL);
		if (again || !keep_again(al->g, &e))
			return false;
	}
}

void
alerts_evaluate(struct alerts *al, struct alert_input *in, const char *gone)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct alert_finds f = { .arena = a };
	int64_t before;
	bool told;

	if (!al->g->store)
		return;
	in->conf = al->g->conf;
	in->now = agent_now();
	alert_rules_eval(in, &f);
	if (gone)
		alert_domain(&f, gone);
	if (apply(al, &f, in->now, &before, &told) && told) {
		journal(al, before);
		notify_soon(al->g);
	}
}

/* --- status, after each run --- */

static void
eval_status(struct alerts *al)
{
	struct alert_input in = { .status = al->status, .held = al->held };

	alerts_evaluate(al, &in, NULL);
}

static bool
is_held_of(const struct json *h, const char *target, int64_t run)
{
	const char *of = json_get_string(h, "target");

	return of && strcmp(of, target) == 0 && json_get_int(h, "run", 0) == run;
}

/* Runs that hold nothing any more are forgotten. Returns the first of which nothing is known yet; NULL = none. */
static const struct json *
held_unknown(struct alerts *al)
{
	struct json *keep = json_new_array();
	const struct json *unknown = NULL;

	json_for_each(t, json_get(al->status, "targets")) {
		const char *target = json_get_string(t, "target");
		bool known = !target || json_get_int(t, "held", 0) <= 0;

		json_for_each(h, al->held) {
			if (known || !is_held_of(h, target, json_get_int(t, "run", 0)))
				continue;
			json_push(keep, json_dup(h));
			known = true;
		}
		if (!known && !unknown)
			unknown = t;
	}
	json_free(al->held);
	al->held = keep;
	return unknown;
}

static void look_at_held(struct alerts *al);

static void
held_done(void *ctx, const struct job *j)
{
	struct alerts *al = ctx;
	struct json *h = json_new_object();

	json_set_string(h, "target", json_get_string(al->held_asked, "target"));
	json_set(h, "run", json_dup(json_get(al->held_asked, "run")));
	if (json_get(job_result(j), "operations"))
		json_set(h, "operations", json_dup(json_get(job_result(j), "operations")));
	json_push(al->held, h);
	json_free(al->held_asked);
	al->held_asked = NULL;
	if (!al->g->stopping)
		look_at_held(al);
}

/* What is held is named once, when it is first seen. */
static void
look_at_held(struct alerts *al)
{
	const struct json *t = held_unknown(al);
	CLEAN_FREE char *number = xasprintf("%lld", (long long)json_get_int(t, "run", 0));
	const char *const words[] = { "history", number, NULL };
	struct job_spec s = { .argv = words,
		.json = true,
		.why = "alerts",
		.by = "",
		.out_max = HELD_MAX,
		.done = held_done,
		.ctx = al };

	if (al->held_asked)
		return;
	if (t && job_add(al->g, &s))
		al->held_asked = json_dup(t);
	else
		eval_status(al);
}

static void ask_status(struct alerts *al);

static void
status_done(void *ctx, const struct job *j)
{
	struct alerts *al = ctx;
	const struct json *got = job_result(j);

	al->asking = false;
	if (al->g->stopping)
		return;
	if (al->ask_again) /* runs may come faster than this: what is known counts all the same */
		ask_status(al);
	if (!json_get(got, "targets"))
		return;
	json_free(al->status);
	al->status = json_dup(got);
	look_at_held(al);
}

static void
ask_status(struct alerts *al)
{
	static const char *const words[] = { "status", NULL };
	struct job_spec s = { .argv = words,
		.json = true,
		.why = "alerts",
		.by = "",
		.done = status_done,
		.ctx = al };

	al->ask_again = al->asking;
	if (!al->asking && al->g->conf)
		al->asking = job_add(al->g, &s);
}

/* --- what happens --- */

static void
run_ended(struct alerts *al, const struct job *j)
{
	struct alert_run run = { .sync = job_sync(j),
		.exit = job_exit(j),
		.cancelled = job_cancelled(j),
		.error = *job_error(j) };
	struct alert_input in = { .run = &run };

	al->refused |= (run.exit == 3 || run.exit == 5) && run.error.kind == ERR_CONFIG;
	alerts_evaluate(al, &in, NULL);
}

static void
look_at_disk(struct alerts *al, struct alert_disk *d)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct alert_row r;
	struct statvfs v;
	CLEAN_FREE char *key = xasprintf("disk-nearly-full/%s", d->path);

	al->disk_free = -1;
	if (statvfs(d->path, &v) != 0)
		return;
	d->free = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
	d->total = (int64_t)v.f_blocks * (int64_t)v.f_frsize;
	d->was_low = agent_alert_find(al->g->store, key, a, &r) && r.state == ALERT_OPEN;
	d->was_grave = d->was_low && r.severity == ALERT_CRITICAL;
	al->disk_free = d->free;
}

/* Of what is "starting" nothing is known yet (watch.h). */
static size_t
look_at_watches(struct json *j, struct arena *a, const struct alert_watch **list_r)
{
	size_t n = 0, max = (size_t)json_count(json_get(j, "watching"));
	struct alert_watch *list = arena_alloc(a, (max + 1) * sizeof(*list));

	*list_r = list;

	json_for_each(w, json_get(j, "watching")) {
		const char *state = json_get_string(w, "state"), *text = json_get_string(w, "text");

		if (!json_get_string(w, "source"))
			continue;
		list[n++] = (struct alert_watch){ .source = json_get_string(w, "source"),
			.text = text ? text : "",
			.stands = state && strcmp(state, "watching") == 0,
			.failed = state && strcmp(state, "waiting") == 0,
			.cannot = state && strcmp(state, "cannot") == 0 };
	}
	return n;
}

/* A service that was never set up has no fault. */
static const struct err *
conf_error(const struct agent *g)
{
	return g->conf || access(g->conf_path, F_OK) == 0 ? &g->conf_error : NULL;
}

static void
minute(struct alerts *al)
{
	struct agent *g = al->g;
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf text = { 0 };
	CLEAN_JSON struct json *watching = NULL;
	struct alert_disk disk = { .path = agent_state(g) };
	struct alert_input in = { .conf_error = conf_error(g),
		.console_down = &g->console_down,
		.control_down = &g->control_down,
		.memory_error = &g->memory_error };
	struct jsonw w = jsonw(&text);

	if (!g->store)
		return;
	jsonw_obj(&w, NULL);
	watch_json(g, &w);
	jsonw_end(&w);
	if (json_parse(buf_str(&text), 0, &watching, NULL))
		in.watch_count = look_at_watches(watching, a, &in.watches);
	look_at_disk(al, &disk);
	if (al->disk_free >= 0)
		in.disk = &disk;
	in.fresh = health_fresh(g, a, &in.fresh_count);
	in.ways = notify_list(g, a, &in.way_count);
	alerts_evaluate(al, &in, NULL);
	alert_check_when_due(al);
}

static void
prune(struct alerts *al)
{
	int64_t now = agent_now();

	if (!al->g->store || (now - al->pruned < 3600 && now >= al->pruned))
		return;
	al->pruned = now;
	agent_alerts_prune(al->g->store, now - HISTORY, NULL);
	agent_sessions_prune(al->g->store, now, NULL);
	agent_series_thin(al->g->store, now, NULL);
}

static void
conf_news(struct alerts *al)
{
	struct alert_input in = { .conf_error = conf_error(al->g) };

	alerts_evaluate(al, &in, NULL);
}

static void
hear(void *ctx, const struct agent_news *n)
{
	struct alerts *al = ctx;

	switch (n->what) {
	case AGENT_JOB_ENDED:
		if (job_sync(n->job) && job_started(n->job))
			run_ended(al, n->job);
		if (job_writes(n->job) && job_started(n->job))
			ask_status(al);
		alert_checked_by_others(al, n->job);
		break;
	case AGENT_CONF_CHANGED:
	case AGENT_CONF_REFUSED:
		conf_news(al);
		break;
	case AGENT_MINUTE:
		minute(al);
		prune(al);
		break;
	default:
		break;
	}
}

/* --- the part --- */

static bool
is_target(const struct agent *g, const char *name)
{
	return !*name || conf_target(g->conf, name);
}

static bool
is_sync(const struct agent *g, const char *name)
{
	for (size_t i = 0; i < g->conf->sync_count; i++)
		if (strcmp(g->conf->syncs[i].name, name) == 0)
			return true;
	return false;
}

static bool
is_watched(const struct agent *g, const char *source)
{
	for (size_t i = 0; i < g->conf->sync_count; i++)
		if (g->conf->syncs[i].schedule.on_change &&
			strcmp(g->conf->syncs[i].from, source) == 0)
			return true;
	return false;
}

/* Domains that are named after what the configuration has. */
static const struct {
	const char *before;
	bool (*is_there)(const struct agent *g, const char *name);
} named[] = {
	{ "run/", is_target },
	{ "fresh/", is_sync },
	{ "canary/", is_sync },
	{ "watch/", is_watched },
};

static bool
is_gone(const struct agent *g, const char *domain)
{
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (str_starts(str_c(domain), named[i].before))
			return !named[i].is_there(g, domain + strlen(named[i].before));
	return false;
}

/* What tells of something that the configuration has no more is over. */
static void
forget_gone(struct alerts *al)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct alert_row *live = arena_alloc(a, ALERTS_LIVE_MAX * sizeof(*live));
	size_t n = agent_alerts_live(al->g->store, NULL, a, live, ALERTS_LIVE_MAX);

	for (size_t i = 0; i < n; i++) {
		struct alert_input in = { 0 };

		if (is_gone(al->g, live[i].domain))
			alerts_evaluate(al, &in, live[i].domain);
	}
}

void
alerts_reloaded(struct agent *g)
{
	struct alerts *al = g->alerts;

	if (!g->store || !g->conf)
		return;
	alert_check_begin(al);
	forget_gone(al);
	ask_status(al);
}

bool
alerts_start(struct agent *g, struct err *e)
{
	(void)e;
	g->alerts = xcalloc(1, sizeof(*g->alerts));
	g->alerts->g = g;
	g->alerts->disk_free = -1;
	agent_hear(g, hear, g->alerts);
	if (g->conf)
		alerts_reloaded(g);
	conf_news(g->alerts);
	return true;
}

void
alerts_stop(struct agent *g)
{
	struct alerts *al = g->alerts;

	if (!al)
		return;
	json_free(al->status);
	json_free(al->held);
	json_free(al->held_asked);
	free(al);
	g->alerts = NULL;
}

const struct json *
alerts_status(const struct agent *g)
{
	return g->alerts ? g->alerts->status : NULL;
}

int64_t
alerts_disk_free(const struct agent *g)
{
	return g->alerts ? g->alerts->disk_free : -1;
}
