/* Prometheus' text format 0.0.4, by a table of what there is. Pure. */
#pragma once
#include "base/str.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM };
struct metric {
	const char *name;
	enum metric_type type;
	const char *help;
};
extern const struct metric metrics[]; /* ended by name NULL */

/* # HELP and # TYPE; a name that is not in the table is a mistake in the program: abort(). */
void metric_head(struct buf *out, const char *name);
/* One sample. suffix: "" or "_bucket", ... Labels: pairs of name and value, ended by NULL. */
void metric_value(struct buf *out, const char *name, const char *suffix, double value, ...)
	__attribute__((sentinel));

struct metric_buckets {
	const double *bounds;  /* ascending */
	const int64_t *counts; /* one more than bounds: each its own, the last beyond all bounds */
	size_t n;
	double sum;
};
/* label: of all its samples */
void metric_histogram(struct buf *out, const char *name, const struct metric_buckets *b,
	const char *label, const char *value);

/* How long runs took. */
#define METRIC_BUCKETS 9
struct metric_histogram {
	int64_t counts[METRIC_BUCKETS + 1];
	double sum;
};
void metric_observe(struct metric_histogram *h, double v);
struct metric_buckets metric_buckets_of(const struct metric_histogram *h);
