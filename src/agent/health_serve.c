/* /metrics and /healthz. */
#include "health_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "alert.h"
#include "jobs.h"
#include "live.h"
#include "schedule.h"
#include "store/agent.h"
#include "watch.h"

/* --- syncs --- */

enum sync_value {
	V_FRESH,
	V_PROMISE,
	V_LAG,
	V_CANARY_LAG,
	V_CANARY_AT,
	V_LAST,
	V_LAST_EXIT,
	V_LAST_OK
};
static const struct {
	const char *name;
	enum sync_value value;
} sync_values[] = {
	{ "lockstep_freshness_seconds", V_FRESH },
	{ "lockstep_freshness_promise_seconds", V_PROMISE },
	{ "lockstep_lag_seconds", V_LAG },
	{ "lockstep_canary_lag_seconds", V_CANARY_LAG },
	{ "lockstep_canary_timestamp_seconds", V_CANARY_AT },
	{ "lockstep_last_run_timestamp_seconds", V_LAST },
	{ "lockstep_last_run_exit_code", V_LAST_EXIT },
	{ "lockstep_last_success_timestamp_seconds", V_LAST_OK },
};

/* < 0: there is none. */
static double
sync_value(
	struct agent *g, const struct health_sync *s, const struct conf_sync *c, enum sync_value v)
{
	switch (v) {
	case V_FRESH:
		return (double)health_lag(g, s->name);
	case V_PROMISE:
		return c->fresh ? (double)c->fresh : -1;
	case V_LAG:
		return s->lag;
	case V_CANARY_LAG:
		return c->canary ? s->canary_lag : -1;
	case V_CANARY_AT:
		return c->canary ? (double)s->canary_seen : -1;
	case V_LAST:
		return s->ran ? (double)s->last_end : -1;
	case V_LAST_EXIT:
		return s->ran && s->last_exit >= 0 ? s->last_exit : -1;
	case V_LAST_OK:
		return s->last_ok ? (double)s->last_ok : -1;
	}
	return -1;
}

static void
metrics_syncs(struct agent *g, struct buf *out)
{
	const struct health *h = g->health;

	for (size_t v = 0; v < ARRAY_LEN(sync_values); v++) {
		metric_head(out, sync_values[v].name);
		for (size_t i = 0; i < h->count && i < g->conf->sync_count; i++) {
			double n = sync_value(
				g, &h->list[i], &g->conf->syncs[i], sync_values[v].value);

			if (n >= 0)
				metric_value(out, sync_values[v].name, "", n, "sync",
					h->list[i].name, NULL);
		}
	}
}

static void
metrics_runs(const struct health *h, struct buf *out)
{
	static const char *const exits[EXIT_COUNT] = { "0", "1", "2", "3", "4", "5", "killed",
		"not-started" };

	metric_head(out, "lockstep_run_duration_seconds");
	for (size_t i = 0; i < h->count; i++) {
		struct metric_buckets b = metric_buckets_of(&h->list[i].duration);

		metric_histogram(out, "lockstep_run_duration_seconds", &b, "sync", h->list[i].name);
	}
	metric_head(out, "lockstep_runs_total");
	for (size_t i = 0; i < h->count; i++)
		for (size_t k = 0; k < EXIT_COUNT; k++)
			metric_value(out, "lockstep_runs_total", "", (double)h->list[i].exits[k],
				"sync", h->list[i].name, "exit", exits[k], NULL);
	metric_head(out, "lockstep_operations_total");
	for (size_t i = 0; i < h->count; i++)
		for (size_t k = 0; health_ops[k]; k++)
			metric_value(out, "lockstep_operations_total", "",
				(double)h->list[i].ops[k], "sync", h->list[i].name, "operation",
				health_ops[k], NULL);
}

static void
metrics_next(struct agent *g, struct buf *out)
{
	metric_head(out, "lockstep_next_run_timestamp_seconds");
	for (size_t i = 0; g->schedule && i < g->conf->sync_count; i++) {
		int64_t at = 0;

		if (schedule_next(g->schedule, g->conf->syncs[i].name, &at, NULL) && at)
			metric_value(out, "lockstep_next_run_timestamp_seconds", "", (double)at,
				"sync", g->conf->syncs[i].name, NULL);
	}
}

/* --- what the status says --- */

/* One number of each target or source. */
static const struct {
	const char *name, *list, *label, *member;
} status_values[] = {
	{ "lockstep_dirty_objects", "targets", "target", "dirty" },
	{ "lockstep_waiting_operations", "targets", "target", "waiting" },
	{ "lockstep_held_operations", "targets", "target", "held" },
	{ "lockstep_source_entries", "sources", "source", "entries" },
	{ "lockstep_source_missing_entries", "sources", "source", "missing" },
	{ "lockstep_source_read_timestamp_seconds", "sources", "source", "read" },
};

static void
metrics_status(const struct json *status, struct buf *out)
{
	for (size_t v = 0; v < ARRAY_LEN(status_values); v++) {
		metric_head(out, status_values[v].name);
		json_for_each(t, json_get(status, status_values[v].list)) {
			const char *label = json_get_string(t, status_values[v].label);

			if (label)
				metric_value(out, status_values[v].name, "",
					(double)json_get_int(t, status_values[v].member, 0),
					status_values[v].label, label, NULL);
		}
	}
	metric_head(out, "lockstep_in_lockstep");
	json_for_each(t, json_get(status, "targets")) {
		const char *label = json_get_string(t, "target");

		if (label)
			metric_value(out, "lockstep_in_lockstep", "",
				json_get_bool(t, "in_lockstep", false), "target", label, NULL);
	}
}

static void
metrics_objects(const struct json *status, struct buf *out)
{
	metric_head(out, "lockstep_objects");
	json_for_each(t, json_get(status, "targets")) {
		for (int k = 0; k < KIND_COUNT; k++)
			if (json_get_string(t, "target") && json_get(t, kinds[k].plural))
				metric_value(out, "lockstep_objects", "",
					(double)json_get_int(t, kinds[k].plural, 0), "target",
					json_get_string(t, "target"), "kind", kinds[k].name, NULL);
	}
	metric_head(out, "lockstep_failing_objects");
	json_for_each(t, json_get(status, "targets")) {
		json_for_each(c, json_get(t, "failing_codes")) {
			if (json_get_string(t, "target") && json_get_string(c, "code"))
				metric_value(out, "lockstep_failing_objects", "",
					(double)json_get_int(c, "count", 0), "target",
					json_get_string(t, "target"), "code",
					json_get_string(c, "code"), NULL);
		}
	}
}

/* --- the service --- */

static int64_t
memory(void)
{
	CLEAN_FILE FILE *f = fopen("/proc/self/statm", "re");
	char line[128], *end;

	if (!f || !fgets(line, sizeof(line), f))
		return 0;
	strtoll(line, &end, 10);
	return strtoll(end, NULL, 10) * sysconf(_SC_PAGESIZE);
}

struct job_count {
	int64_t running, waiting;
};

static void
count_job(void *ctx, const struct job *j)
{
	struct job_count *n = ctx;

	if (job_state(j) == JOB_RUNNING)
		n->running++;
	else
		n->waiting++;
}

static void
one(struct buf *out, const char *name, double v)
{
	metric_head(out, name);
	metric_value(out, name, "", v, NULL);
}

static void
metrics_store(struct agent *g, struct buf *out)
{
	metric_head(out, "lockstep_alerts");
	for (int s = 0; s < ALERT_SEVERITY_COUNT; s++)
		metric_value(out, "lockstep_alerts", "",
			(double)agent_alerts_count(g->store, (enum alert_severity)s), "severity",
			alert_severity_name((enum alert_severity)s), NULL);
	one(out, "lockstep_messages_waiting", (double)agent_ways_waiting(g->store));
}

static void
metrics_service(struct agent *g, struct buf *out)
{
	struct job_count n = { 0 };
	struct rusage u;

	metric_head(out, "lockstep_build_info");
	metric_value(out, "lockstep_build_info", "", 1, "version", LOCKSTEP_VERSION, NULL);
	one(out, "lockstep_config_valid", g->conf && g->conf_error.kind == ERR_NONE);
	jobs_each(g, count_job, &n);
	metric_head(out, "lockstep_jobs");
	metric_value(out, "lockstep_jobs", "", (double)n.running, "state", "running", NULL);
	metric_value(out, "lockstep_jobs", "", (double)n.waiting, "state", "waiting", NULL);
	one(out, "process_start_time_seconds", (double)g->started);
	one(out, "process_resident_memory_bytes", (double)memory());
	if (getrusage(RUSAGE_SELF, &u) == 0)
		one(out, "process_cpu_seconds_total",
			(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
				(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	if (alerts_disk_free(g) >= 0)
		one(out, "lockstep_state_free_bytes", (double)alerts_disk_free(g));
}

void
health_metrics(struct agent *g, struct buf *out)
{
	metrics_service(g, out);
	if (g->store)
		metrics_store(g, out);
	if (alerts_status(g)) {
		metrics_status(alerts_status(g), out);
		metrics_objects(alerts_status(g), out);
	}
	if (!g->conf || !g->health)
		return;
	metrics_syncs(g, out);
	metrics_runs(g->health, out);
	health_target_metrics(g->health, out);
	metrics_next(g, out);
	metric_head(out, "lockstep_watching");
	for (size_t i = 0; i < g->conf->source_count; i++) {
		int64_t since;
		int on = health_watched(g, g->conf->sources[i].name, &since);

		if (on >= 0)
			metric_value(out, "lockstep_watching", "", on, "source",
				g->conf->sources[i].name, NULL);
	}
}

bool
health_check(struct agent *g, struct buf *out)
{
	bool ok = g->conf && g->store && g->memory_error.kind == ERR_NONE && !g->stopping;
	struct jsonw w = jsonw(out);

	jsonw_obj(&w, NULL);
	jsonw_bool(&w, "ok", ok);
	jsonw_str(&w, "state", g->stopping ? "stopping" : !g->conf ? "setup" : "running");
	jsonw_str(&w, "version", LOCKSTEP_VERSION);
	jsonw_int(&w, "started", g->started);
	jsonw_bool(&w, "config_valid", g->conf && g->conf_error.kind == ERR_NONE);
	live_error(&w, "memory_error", &g->memory_error);
	jsonw_obj(&w, "alerts");
	for (int s = 0; g->store && s < ALERT_SEVERITY_COUNT; s++)
		jsonw_int(&w, alert_severity_name((enum alert_severity)s),
			agent_alerts_count(g->store, (enum alert_severity)s));
	jsonw_end(&w);
	jsonw_obj(&w, "freshness");
	for (size_t i = 0; g->health && i < g->health->count; i++)
		jsonw_int(&w, g->health->list[i].name, health_lag(g, g->health->list[i].name));
	jsonw_end(&w);
	jsonw_end(&w);
	return ok;
}
