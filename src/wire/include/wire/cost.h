/*
 * What a target costs: how long its service takes to answer, and what time goes by in waiting for its rate limits.
 * A connector says it in the `cost` of its `progress` (lockstep-connector(7)); whoever opened the connection adds it up.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "base/json.h"

enum wire_wait {
	WAIT_PACED, /* we kept below a rate that is known */
	WAIT_TOLD,  /* the service said so: 429, Retry-After, nothing left of its limit */
	WAIT_COUNT
};
extern const char *const wire_wait_names[WAIT_COUNT];

#define WIRE_COST_BUCKETS 12
extern const double wire_cost_bounds[WIRE_COST_BUCKETS]; /* seconds, ascending */

struct wire_cost {
	int64_t answers;                        /* of the service, to requests */
	int64_t buckets[WIRE_COST_BUCKETS + 1]; /* each its own, the last beyond all bounds */
	double answers_s;
	int64_t waits[WAIT_COUNT];
	double waits_s[WAIT_COUNT];
};
void wire_cost_answer(struct wire_cost *c, double seconds);
void wire_cost_wait(struct wire_cost *c, enum wire_wait cause, double seconds);
/* Adds what a connector said, {"answers": [ms, ...], "paced": [ms, ...], "told": [ms, ...]}; what is no such
 * number is left out: nothing depends on it. */
void wire_cost_take(struct wire_cost *c, const struct json *said);
/* Its members, into the object that is open: "answers" and "waits" of a run's result (lockstep(1)). */
void wire_cost_json(const struct wire_cost *c, struct jsonw *w);
/* Reads them back; what lacks is 0. */
void wire_cost_read(const struct json *j, struct wire_cost *c_r);
