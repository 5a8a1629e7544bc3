/* Private to health*.c. */
#pragma once
#include "health.h"
#include "metrics.h"
#include "wire/cost.h"

#define EXIT_COUNT 8 /* 0 to 5, then: killed, not started */

/* One sync, as long as it is in the configuration. What outlives a restart is in the store. */
struct health_sync {
	char *name, *source, *target;
	struct metric_histogram duration;
	int64_t exits[EXIT_COUNT];
	int64_t ops[8]; /* health_ops */
	int64_t as_of;  /* all that changed before is confirmed; 0 = not known */
	/* how old that was when it was measured, seconds, and when that was, ms, monotonic; 0 = in an earlier life */
	int64_t age, measured;
	int64_t last_end, last_ok;
	int last_exit;
	bool ran;
	double lag; /* < 0: not known */
	int64_t canary_seen;
	double canary_lag;
};
/* One target, as long as it is in the configuration: what runs said of it since the service began. */
struct health_target {
	char *name;
	int64_t operations;
	struct wire_cost cost;
};
/* Runs that ended with this error. */
struct health_code {
	char code[32];
	int64_t runs;
};
#define CODES_MAX 64
struct health {
	struct agent *g;
	struct health_target *targets;
	size_t target_count;
	struct health_code codes[CODES_MAX]; /* what is beyond counts as the last, "other" */
	size_t code_count;
	struct health_sync *list;
	size_t count;
};
/* health_target.c */
void health_target_reloaded(struct health *h);
void health_target_run(struct health *h, const struct job *j);
void health_target_metrics(const struct health *h, struct buf *out);
void health_target_free(struct health *h);
extern const char *const health_ops[]; /* members of a result, NULL-ended */
/* Is the source watched? -1: it is not to be. since_r: since when it is, or is not. */
int health_watched(struct agent *g, const char *source, int64_t *since_r);
