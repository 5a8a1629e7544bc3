#include "wire/cost.h"

#define MS_MAX 86400000.0

const char *const wire_wait_names[WAIT_COUNT] = { [WAIT_PACED] = "paced", [WAIT_TOLD] = "told" };

const double wire_cost_bounds[WIRE_COST_BUCKETS] = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
	2.5, 5, 10, 30 };

void
wire_cost_answer(struct wire_cost *c, double seconds)
{
	size_t i = 0;

	while (i < WIRE_COST_BUCKETS && seconds > wire_cost_bounds[i])
		i++;
	c->buckets[i]++;
	c->answers++;
	c->answers_s += seconds;
}

void
wire_cost_wait(struct wire_cost *c, enum wire_wait cause, double seconds)
{
	c->waits[cause]++;
	c->waits_s[cause] += seconds;
}

static bool
is_time(double ms)
{
	return ms >= 0 && ms <= MS_MAX;
}

void
wire_cost_take(struct wire_cost *c, const struct json *said)
{
	json_for_each(it, json_get(said, "answers")) {
		double ms = json_number(it, -1);

		if (is_time(ms))
			wire_cost_answer(c, ms / 1000);
	}
	for (int k = 0; k < WAIT_COUNT; k++)
		json_for_each(it, json_get(said, wire_wait_names[k])) {
			double ms = json_number(it, -1);

			if (is_time(ms))
				wire_cost_wait(c, (enum wire_wait)k, ms / 1000);
		}
}

void
wire_cost_json(const struct wire_cost *c, struct jsonw *w)
{
	jsonw_obj(w, "answers");
	jsonw_int(w, "count", c->answers);
	jsonw_num(w, "seconds", c->answers_s);
	jsonw_arr(w, "buckets");
	for (size_t i = 0; i <= WIRE_COST_BUCKETS; i++)
		jsonw_int(w, NULL, c->buckets[i]);
	jsonw_end(w);
	jsonw_end(w);
	jsonw_obj(w, "waits");
	for (int k = 0; k < WAIT_COUNT; k++) {
		jsonw_obj(w, wire_wait_names[k]);
		jsonw_int(w, "count", c->waits[k]);
		jsonw_num(w, "seconds", c->waits_s[k]);
		jsonw_end(w);
	}
	jsonw_end(w);
}

void
wire_cost_read(const struct json *j, struct wire_cost *c_r)
{
	const struct json *answers = json_get(j, "answers"), *waits = json_get(j, "waits");
	size_t i = 0;

	*c_r = (struct wire_cost){ .answers = json_get_int(answers, "count", 0),
		.answers_s = json_number(json_get(answers, "seconds"), 0) };
	json_for_each(it, json_get(answers, "buckets")) {
		if (i <= WIRE_COST_BUCKETS)
			c_r->buckets[i++] = (int64_t)json_number(it, 0);
	}
	for (int k = 0; k < WAIT_COUNT; k++) {
		const struct json *one = json_get(waits, wire_wait_names[k]);

		c_r->waits[k] = json_get_int(one, "count", 0);
		c_r->waits_s[k] = json_number(json_get(one, "seconds"), 0);
	}
}
