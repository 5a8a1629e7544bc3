/* The connector's end, as serve.c and serve_send.c share it. */
#pragma once
#include "lines.h"
#include "wire/serve.h"

struct serve_value {
	const char **values;
	size_t count;
};

struct serve {
	const char *connector, *role;
	const struct option *options;
	size_t option_count;
	struct serve_value *given; /* one per option; count 0 = not given */
	const char *const *classes, *const *attributes;
	struct arena *arena; /* what hello brought */
	int in_fd, out_fd;
	bool in_ended;
	struct lines in;
	struct json *request;
	struct buf out;
	size_t line_start; /* where the line being written starts in out */
	int line_counts;   /* enum wire_count it counts as; COUNT_COUNT = none */
	struct jsonw w;
	int64_t counts[COUNT_COUNT]; /* sent since the last end */
	int64_t progress_at;         /* monotonic, ms */
	int64_t changed_at;          /* told last; monotonic, ms */
	bool changed;                /* to be told */
};
