/* What targets cost, and the errors of runs: counted from their results. */
#include "health_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs.h"

static struct health_target *
target_named(struct health_target *list, size_t count, const char *name)
{
	for (size_t i = 0; name && i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static void
cost_add(struct wire_cost *to, const struct wire_cost *c)
{
	to->answers += c->answers;
	to->answers_s += c->answers_s;
	for (size_t i = 0; i <= WIRE_COST_BUCKETS; i++)
		to->buckets[i] += c->buckets[i];
	for (int k = 0; k < WAIT_COUNT; k++) {
		to->waits[k] += c->waits[k];
		to->waits_s[k] += c->waits_s[k];
	}
}

static void
count_code(struct health *h, const char *code)
{
	size_t i = 0;

	while (i < h->code_count && strcmp(h->codes[i].code, code) != 0)
		i++;
	if (i >= CODES_MAX - 1) {
		code = "other";
		i = CODES_MAX - 1;
	}
	if (i >= h->code_count) {
		snprintf(h->codes[i].code, sizeof(h->codes[i].code), "%s", code);
		h->code_count = i + 1;
	}
	h->codes[i].runs++;
}

void
health_target_run(struct health *h, const struct job *j)
{
	const struct json *r = job_result(j);

	if (job_exit(j) != 0 && job_error(j)->kind != ERR_NONE)
		count_code(h, job_error(j)->code);
	json_for_each(it, json_get(r, "targets")) {
		struct health_target *t =
			target_named(h->targets, h->target_count, json_get_string(it, "target"));
		struct wire_cost c;

		if (!t)
			continue;
		wire_cost_read(it, &c);
		cost_add(&t->cost, &c);
		t->operations += json_get_int(it, "operations", 0);
	}
}

void
health_target_metrics(const struct health *h, struct buf *out)
{
	metric_head(out, "lockstep_target_operations_total");
	for (size_t i = 0; i < h->target_count; i++)
		metric_value(out, "lockstep_target_operations_total", "",
			(double)h->targets[i].operations, "target", h->targets[i].name, NULL);
	metric_head(out, "lockstep_target_latency_seconds");
	for (size_t i = 0; i < h->target_count; i++) {
		const struct wire_cost *c = &h->targets[i].cost;
		struct metric_buckets b = { wire_cost_bounds, c->buckets, WIRE_COST_BUCKETS,
			c->answers_s };

		metric_histogram(
			out, "lockstep_target_latency_seconds", &b, "target", h->targets[i].name);
	}
	metric_head(out, "lockstep_target_waits_total");
	for (size_t i = 0; i < h->target_count; i++)
		for (int k = 0; k < WAIT_COUNT; k++)
			metric_value(out, "lockstep_target_waits_total", "",
				(double)h->targets[i].cost.waits[k], "target", h->targets[i].name,
				"cause", wire_wait_names[k], NULL);
	metric_head(out, "lockstep_target_wait_seconds_total");
	for (size_t i = 0; i < h->target_count; i++)
		for (int k = 0; k < WAIT_COUNT; k++)
			metric_value(out, "lockstep_target_wait_seconds_total", "",
				h->targets[i].cost.waits_s[k], "target", h->targets[i].name,
				"cause", wire_wait_names[k], NULL);
	metric_head(out, "lockstep_run_errors_total");
	for (size_t i = 0; i < h->code_count; i++)
		metric_value(out, "lockstep_run_errors_total", "", (double)h->codes[i].runs, "code",
			h->codes[i].code, NULL);
}

void
health_target_reloaded(struct health *h)
{
	const struct conf *c = h->g->conf;
	size_t n = c ? c->target_count : 0;
	struct health_target *list = xcalloc(n + 1, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		const struct health_target *old =
			target_named(h->targets, h->target_count, c->targets[i].name);

		list[i] = old ? *old : (struct health_target){ 0 };
		list[i].name = xstrdup(c->targets[i].name);
	}
	health_target_free(h);
	h->targets = list;
	h->target_count = n;
}

void
health_target_free(struct health *h)
{
	for (size_t i = 0; i < h->target_count; i++)
		free(h->targets[i].name);
	free(h->targets);
	h->targets = NULL;
	h->target_count = 0;
}
