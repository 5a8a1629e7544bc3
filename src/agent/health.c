/* What runs left behind, and how fresh each sync is. */
#include "health_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "jobs.h"
#include "store/agent.h"
#include "watch.h"

const char *const health_ops[] = { "created", "adopted", "updated", "enabled", "disabled",
	"deleted", "members_added", "members_removed", NULL };

static struct health_sync *
sync_named(const struct agent *g, const char *name)
{
	for (size_t i = 0; g->health && i < g->health->count; i++)
		if (strcmp(g->health->list[i].name, name) == 0)
			return &g->health->list[i];
	return NULL;
}

/* --- runs --- */

static int
exit_slot(int exit)
{
	return exit >= 0 && exit <= 5 ? exit : exit == -2 ? 6 : 7;
}

static void
keep_fact(struct agent *g, const char *what, const char *sync, int64_t value)
{
	CLEAN_FREE char *name = xasprintf("%s/%s", what, sync);

	if (g->store)
		agent_fact_set(g->store, name, value, NULL);
}

/* What was in the directory then is dealt with. null: never yet; not said by what is older: what was there when the
 * run began, where it got through. */
static int64_t
as_of(const struct json *r, const struct job *j)
{
	bool through = job_exit(j) == 0 || job_exit(j) == 1 || job_exit(j) == 4;

	if (json_get(r, "as_of"))
		return json_get_int(r, "as_of", 0);
	return through ? job_started(j) : 0;
}

static double
seconds_of(const struct json *j, const char *ms, double otherwise)
{
	double v = json_number(json_get(j, ms), -1);

	return v < 0 ? otherwise : v / 1000;
}

static void
take_canary(struct agent *g, struct health_sync *s, const struct json *canary)
{
	const char *sync = json_get_string(canary, "sync");
	int64_t at = json_get_int(canary, "confirmed_at", 0);

	if (!sync || strcmp(sync, s->name) != 0 || at <= s->canary_seen)
		return;
	s->canary_seen = at;
	s->canary_lag = seconds_of(canary, "ms", s->canary_lag);
	keep_fact(g, "canary", s->name, at);
}

static void
take_measures(struct agent *g, struct health_sync *s, const struct job *j, bool first)
{
	const struct json *r = job_result(j), *lag = json_get(r, "lag");
	int64_t at = as_of(r, j), changed = 0;

	if (at > s->as_of) {
		s->as_of = at;
		s->age = job_ended(j) > at ? job_ended(j) - at : 0;
		s->measured = clock_system.mono_ms(clock_system.ctx);
		keep_fact(g, "as_of", s->name, at);
	}
	for (size_t i = 0; first && health_ops[i]; i++) {
		int64_t n = json_get_int(r, health_ops[i], 0);

		s->ops[i] += n;
		changed += n;
	}
	if (g->store)
		agent_tally_add(g->store, s->name, job_ended(j), job_exit(j) != 0, changed, NULL);
	if (json_get_int(lag, "count", 0) > 0)
		s->lag = seconds_of(lag, "max_ms", s->lag);
	take_canary(g, s, json_get(r, "canary"));
}

/* Syncs of one target run as one. */
static bool
took_part(const struct health *h, const struct health_sync *s, const char *sync)
{
	const struct health_sync *named = sync_named(h->g, sync);

	return !*sync || strcmp(s->name, sync) == 0 ||
	       (named && strcmp(named->target, s->target) == 0);
}

static void
run_ended(struct health *h, const struct job *j)
{
	bool first = true;

	health_target_run(h, j);
	for (size_t i = 0; i < h->count; i++) {
		struct health_sync *s = &h->list[i];

		if (!took_part(h, s, job_sync(j)))
			continue;
		metric_observe(&s->duration, (double)(job_ended(j) - job_started(j)));
		s->exits[exit_slot(job_exit(j))]++;
		s->ran = true;
		s->last_exit = job_exit(j);
		s->last_end = job_ended(j);
		if (job_exit(j) == 0)
			s->last_ok = s->last_end;
		/* of a run of several, what it did is counted once */
		take_measures(h->g, s, j, first || strcmp(s->name, job_sync(j)) == 0);
		first = false;
	}
}

/* --- freshness --- */

int
health_watched(struct agent *g, const char *source, int64_t *since_r)
{
	CLEAN_BUF struct buf text = { 0 };
	CLEAN_JSON struct json *j = NULL;
	struct jsonw w = jsonw(&text);

	jsonw_obj(&w, NULL);
	watch_json(g, &w);
	jsonw_end(&w);
	if (!json_parse(buf_str(&text), 0, &j, NULL))
		return -1;
	json_for_each(s, json_get(j, "watching")) {
		const char *name = json_get_string(s, "source"),
			   *state = json_get_string(s, "state");

		if (!name || strcmp(name, source) != 0)
			continue;
		*since_r = json_get_int(s, "since", 0);
		return state && strcmp(state, "watching") == 0;
	}
	return -1;
}

struct looking {
	const struct health *h;
	const struct health_sync *s;
	int64_t asked; /* the first run of it that a change asked for, and that is not over */
};

static void
look_at_job(void *ctx, const struct job *j)
{
	struct looking *l = ctx;

	if (job_sync(j) && strcmp(job_why(j), "change") == 0 &&
		took_part(l->h, l->s, job_sync(j)) && (!l->asked || job_asked(j) < l->asked))
		l->asked = job_asked(j);
}

/*
 * Where the source tells of changes, and the last run saw all of them, nothing waits but what was told since.
 * Where it does not, something may wait since the last look, or since it told last.
 */
int64_t
health_lag(struct agent *g, const char *sync)
{
	const struct health_sync *s = sync_named(g, sync);
	struct looking l = { g->health, s, 0 };
	int64_t now = agent_now(), from, since = 0;
	bool well;
	int watched;

	if (!s || !s->as_of)
		return -1;
	well = s->ran && (s->last_exit == 0 || s->last_exit == 1 || s->last_exit == 4);
	from = s->as_of;
	if (s->measured) /* whatever the wall clock was set to since */
		from = now - s->age - (clock_system.mono_ms(clock_system.ctx) - s->measured) / 1000;
	watched = well ? health_watched(g, s->source, &since) : -1;
	if (watched == 1) {
		jobs_each(g, look_at_job, &l);
		from = l.asked ? l.asked : now;
	} else if (watched == 0 && since > from) { /* until then it was told */
		from = since;
	}
	return now > from ? now - from : 0;
}

/* What passed while the service was off is no broken promise before it had as long to catch up. */
static int64_t
promised_lag(struct agent *g, const struct health_sync *s)
{
	int64_t lag = s ? health_lag(g, s->name) : -1, up = agent_now() - g->started;

	return s && !s->ran && up >= 0 && up < lag ? up : lag;
}

/* The same of a canary: what it did meanwhile comes with the first run. */
static int64_t
canary_owed_since(struct agent *g, const struct health_sync *s, const struct conf_sync *c)
{
	int64_t before = g->started - c->canary_every;

	return s->ran || !s->canary_seen || s->canary_seen > before ? s->canary_seen : before;
}

const struct alert_fresh *
health_fresh(struct agent *g, struct arena *a, size_t *count_r)
{
	size_t n = g->conf ? g->conf->sync_count : 0;
	struct alert_fresh *list = arena_alloc(a, (n + 1) * sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		const struct conf_sync *c = &g->conf->syncs[i];
		struct health_sync *s = sync_named(g, c->name);

		list[i] = (struct alert_fresh){ .sync = c->name,
			.promise = c->fresh,
			.lag = promised_lag(g, s),
			.canary = c->canary,
			.canary_seen = s ? canary_owed_since(g, s, c) : 0,
			.canary_every = c->canary_every };
	}
	*count_r = n;
	return list;
}

/* A clock that was set back: what lies ahead of it is of now, or it would be good until then, whatever happens. */
static void
not_ahead(struct agent *g, struct health_sync *s)
{
	int64_t now = agent_now();

	if (s->as_of > now)
		keep_fact(g, "as_of", s->name, s->as_of = now);
	if (s->canary_seen > now)
		keep_fact(g, "canary", s->name, s->canary_seen = now);
}

static void
minute(struct agent *g)
{
	struct health *h = g->health;
	struct err e = { 0 };
	bool ok;

	for (size_t i = 0; i < h->count; i++)
		not_ahead(g, &h->list[i]);
	ok = h->count && g->store && agent_begin(g->store, &e);
	if (!ok)
		return;
	for (size_t i = 0; ok && i < h->count; i++) {
		CLEAN_FREE char *name = xasprintf("freshness.%s", h->list[i].name);
		int64_t lag = health_lag(g, h->list[i].name);

		ok = lag < 0 || agent_series_add(g->store, name, agent_now(), (double)lag, &e);
	}
	if (!ok || !agent_commit(g->store, &e)) {
		agent_rollback(g->store);
		agent_log(LOG_WARN, "points-not-kept", "text", e.text, NULL);
	}
}

void
health_lines(struct agent *g, int64_t since, struct buf *out)
{
	for (size_t i = 0; g->health && g->store && i < g->health->count; i++) {
		const char *sync = g->health->list[i].name;
		struct agent_tally t = agent_tally_read(g->store, sync, since);

		buf_addf(out, "  %s: %lld runs, %lld of them not well; %lld changes\n", sync,
			(long long)t.runs, (long long)t.failed, (long long)t.changed);
	}
}

/* --- the part --- */

static void
hear(void *ctx, const struct agent_news *n)
{
	struct health *h = ctx;

	if (n->what == AGENT_MINUTE)
		minute(h->g);
	else if (n->what == AGENT_JOB_ENDED && job_sync(n->job) && job_started(n->job) &&
		 !job_cancelled(n->job))
		run_ended(h, n->job);
}

static void
sync_free(struct health_sync *s)
{
	free(s->name);
	free(s->source);
	free(s->target);
}

static struct health_sync
sync_new(struct agent *g, const struct conf_sync *c)
{
	struct health_sync s = { .lag = -1, .canary_lag = -1 };
	CLEAN_FREE char *as_of = xasprintf("as_of/%s", c->name);
	CLEAN_FREE char *canary = xasprintf("canary/%s", c->name);

	if (g->store) {
		s.as_of = agent_fact(g->store, as_of);
		s.canary_seen = agent_fact(g->store, canary);
		if (!s.canary_seen && c->canary) { /* its time begins now */
			s.canary_seen = agent_now();
			agent_fact_set(g->store, canary, s.canary_seen, NULL);
		}
	}
	return s;
}

void
health_reloaded(struct agent *g)
{
	struct health *h = g->health;
	size_t n = g->conf ? g->conf->sync_count : 0;
	struct health_sync *list = xcalloc(n + 1, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		const struct conf_sync *c = &g->conf->syncs[i];
		struct health_sync *old = sync_named(g, c->name);

		list[i] = old ? *old : sync_new(g, c);
		list[i].name = xstrdup(c->name);
		list[i].source = xstrdup(c->from);
		list[i].target = xstrdup(c->to);
	}
	for (size_t i = 0; i < h->count; i++)
		sync_free(&h->list[i]);
	free(h->list);
	h->list = list;
	h->count = n;
	health_target_reloaded(h);
}

bool
health_start(struct agent *g, struct err *e)
{
	(void)e;
	g->health = xcalloc(1, sizeof(*g->health));
	g->health->g = g;
	agent_hear(g, hear, g->health);
	if (g->conf)
		health_reloaded(g);
	return true;
}

void
health_stop(struct agent *g)
{
	struct health *h = g->health;

	if (!h)
		return;
	for (size_t i = 0; i < h->count; i++)
		sync_free(&h->list[i]);
	health_target_free(h);
	free(h->list);
	free(h);
	g->health = NULL;
}
