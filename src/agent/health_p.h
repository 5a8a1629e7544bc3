/* Private to health*.c. */
#pragma once
#include "health.h"
#include "metrics.h"

#define EXIT_COUNT 8 /* 0 to 5, then: killed, not started */

/* One sync, as long as it is in the configuration. What outlives a restart is in the store. */
struct health_sync {
	char *name, *source, *target;
	struct metric_histogram duration;
	int64_t exits[EXIT_COUNT];
	int64_t ops[8]; /* health_ops */
	int64_t as_of;  /* all that changed before is confirmed; 0 = not known */
	int64_t last_end, last_ok;
	int last_exit;
	bool ran;
	double lag; /* < 0: not known */
	int64_t canary_seen;
	double canary_lag;
	struct {
		int64_t hour, runs, failed, changed;
	} hours[24]; /* of the last day, by hour % 24 */
};
struct health {
	struct agent *g;
	struct health_sync *list;
	size_t count;
};
extern const char *const health_ops[]; /* members of a result, NULL-ended */
/* Is the source watched? -1: it is not to be. */
int health_watched(struct agent *g, const char *source);
