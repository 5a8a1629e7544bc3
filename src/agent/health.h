/*
 * Health of the service: what /metrics and /healthz serve (the console's HTTP server calls these), the freshness of
 * each sync, and its points for the plot. Listens to runs; asks nothing by itself.
 */
#pragma once
#include "agent.h"
#include "alert_rules.h"

bool health_start(struct agent *g, struct err *e);
void health_stop(struct agent *g);
void health_reloaded(struct agent *g);

/* Prometheus' text format, "text/plain; version=0.0.4". */
void health_metrics(struct agent *g, struct buf *out);
/* JSON. false: not well (503): no configuration in force, no state, or about to stop. */
bool health_check(struct agent *g, struct buf *out);
/* Seconds that a change may have waited by now; -1 = not known (no run has ended yet). */
int64_t health_lag(struct agent *g, const char *sync);

/* For alerts: promise and canary of each sync. */
const struct alert_fresh *health_fresh(struct agent *g, struct arena *a, size_t *count_r);
/* A line for each sync, of its runs since then, for the daily summary. */
void health_lines(struct agent *g, int64_t since, struct buf *out);
