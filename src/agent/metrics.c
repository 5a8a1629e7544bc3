#include "metrics.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct metric metrics[] = {
	{ "lockstep_build_info", METRIC_GAUGE, "Version of lockstepd; always 1." },
	{ "lockstep_config_valid", METRIC_GAUGE,
		"1 when the configuration file is what is in force, 0 when it was refused." },
	{ "lockstep_freshness_seconds", METRIC_GAUGE,
		"Age of the oldest change in the directory that may not be confirmed yet." },
	{ "lockstep_freshness_promise_seconds", METRIC_GAUGE,
		"What `fresh` of the sync promises." },
	{ "lockstep_lag_seconds", METRIC_GAUGE,
		"End to end, from the directory's whenChanged to confirmation, in the last run "
		"that "
		"changed something: the longest." },
	{ "lockstep_canary_lag_seconds", METRIC_GAUGE,
		"The same for the canary, at its last change." },
	{ "lockstep_canary_timestamp_seconds", METRIC_GAUGE,
		"When the canary's last change came through." },
	{ "lockstep_run_duration_seconds", METRIC_HISTOGRAM, "How long runs took." },
	{ "lockstep_runs_total", METRIC_COUNTER, "Runs that ended, by exit code." },
	{ "lockstep_operations_total", METRIC_COUNTER,
		"Operations confirmed by the target, by kind." },
	{ "lockstep_target_operations_total", METRIC_COUNTER,
		"Operations that runs had answered, by target." },
	{ "lockstep_target_latency_seconds", METRIC_HISTOGRAM,
		"From a request to the service's answer; a Bulk is one request." },
	{ "lockstep_target_waits_total", METRIC_COUNTER, "Waits for rate limits, by cause." },
	{ "lockstep_target_wait_seconds_total", METRIC_COUNTER,
		"Time that went by in waiting for rate limits, by cause." },
	{ "lockstep_run_errors_total", METRIC_COUNTER,
		"Runs that ended with an error, by its code." },
	{ "lockstep_last_run_timestamp_seconds", METRIC_GAUGE, "When the last run ended." },
	{ "lockstep_last_run_exit_code", METRIC_GAUGE, "Exit code of the last run." },
	{ "lockstep_last_success_timestamp_seconds", METRIC_GAUGE,
		"When a run last ended in lockstep (exit code 0)." },
	{ "lockstep_next_run_timestamp_seconds", METRIC_GAUGE, "When the next run is due." },
	{ "lockstep_in_lockstep", METRIC_GAUGE, "1 when the target is in lockstep." },
	{ "lockstep_objects", METRIC_GAUGE, "Objects that are ours at the target." },
	{ "lockstep_dirty_objects", METRIC_GAUGE,
		"Entries whose change is still to be dealt with." },
	{ "lockstep_waiting_operations", METRIC_GAUGE, "Operations left for the next run." },
	{ "lockstep_held_operations", METRIC_GAUGE, "Operations held back by the guard." },
	{ "lockstep_failing_objects", METRIC_GAUGE, "Objects that fail, by cause." },
	{ "lockstep_source_entries", METRIC_GAUGE, "Entries of the source, in scope or not." },
	{ "lockstep_source_missing_entries", METRIC_GAUGE,
		"Entries that were not seen, and whose absence is not confirmed." },
	{ "lockstep_source_read_timestamp_seconds", METRIC_GAUGE,
		"When the source was last read completely." },
	{ "lockstep_watching", METRIC_GAUGE, "1 when the source tells of changes at once." },
	{ "lockstep_jobs", METRIC_GAUGE, "Jobs of the service, running and waiting." },
	{ "lockstep_alerts", METRIC_GAUGE, "Open alerts." },
	{ "lockstep_messages_waiting", METRIC_GAUGE,
		"Ways that have not got what they should be told of alerts." },
	{ "lockstep_state_free_bytes", METRIC_GAUGE, "Free on the disk of the state folder." },
	{ "process_start_time_seconds", METRIC_GAUGE, "When lockstepd was started." },
	{ "process_resident_memory_bytes", METRIC_GAUGE, "Memory of lockstepd." },
	{ "process_cpu_seconds_total", METRIC_COUNTER, "CPU time of lockstepd." },
	{ 0 },
};

static const double run_bounds[METRIC_BUCKETS] = { 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200 };

static void
add_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			buf_adds(out, "\\n");
		else if (*s == '\\' || *s == '"')
			buf_addf(out, "\\%c", *s);
		else
			buf_addc(out, *s);
	}
}

void
metric_head(struct buf *out, const char *name)
{
	static const char *const types[] = { "gauge", "counter", "histogram" };
	const struct metric *m = metrics;

	while (m->name && strcmp(m->name, name) != 0)
		m++;
	if (!m->name)
		abort();
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, m->help, name, types[m->type]);
}

static void
add_number(struct buf *out, double v)
{
	if (isinf(v))
		buf_adds(out, v > 0 ? "+Inf" : "-Inf");
	else
		buf_addf(out, "%.15g", v);
}

void
metric_value(struct buf *out, const char *name, const char *suffix, double value, ...)
{
	const char *label;
	bool first = true;
	va_list ap;

	buf_addf(out, "%s%s", name, suffix);
	va_start(ap, value);
	while ((label = va_arg(ap, const char *))) {
		buf_addf(out, "%c%s=\"", first ? '{' : ',', label);
		add_escaped(out, va_arg(ap, const char *));
		buf_addc(out, '"');
		first = false;
	}
	va_end(ap);
	if (!first)
		buf_addc(out, '}');
	buf_addc(out, ' ');
	add_number(out, value);
	buf_addc(out, '\n');
}

void
metric_observe(struct metric_histogram *h, double v)
{
	size_t i = 0;

	while (i < METRIC_BUCKETS && v > run_bounds[i])
		i++;
	h->counts[i]++;
	h->sum += v;
}

struct metric_buckets
metric_buckets_of(const struct metric_histogram *h)
{
	return (struct metric_buckets){
		.bounds = run_bounds, .counts = h->counts, .n = METRIC_BUCKETS, .sum = h->sum
	};
}

void
metric_histogram(struct buf *out, const char *name, const struct metric_buckets *b,
	const char *label, const char *value)
{
	int64_t n = 0;
	char le[32];

	for (size_t i = 0; i < b->n; i++) {
		n += b->counts[i];
		snprintf(le, sizeof(le), "%.15g", b->bounds[i]);
		metric_value(out, name, "_bucket", (double)n, label, value, "le", le, NULL);
	}
	n += b->counts[b->n];
	metric_value(out, name, "_bucket", (double)n, label, value, "le", "+Inf", NULL);
	metric_value(out, name, "_sum", b->sum, label, value, NULL);
	metric_value(out, name, "_count", (double)n, label, value, NULL);
}
