/*
 * What this run of the connector costs, as it tells the engine: each answer's time from the request on, and each wait
 * for a rate limit. A Bulk is one request. Kept until the next line.
 */
#pragma once
#include "scim_http.h"
#include "wire/cost.h"
#include "wire/serve.h"

#define COST_KEEP    256
#define COST_NO_WAIT (-1)

struct cost_list {
	double ms[COST_KEEP];
	size_t count;
};
struct cost {
	struct cost_list answers, waits[WAIT_COUNT];
	bool waiting; /* now, */
	int cause;    /* for it, */
	int64_t since_ms;
	int64_t said_ms; /* the last line */
};
/* Of a request that has ended; counted when it was answered. */
void cost_answer(struct cost *c, const struct http_slot *slot);
/* From now on we wait for cause, or COST_NO_WAIT. */
void cost_waits(struct cost *c, int cause, int64_t now_ms);
/* A line, if there is anything to say: once a second, when a list is full, or now. */
void cost_say(struct cost *c, struct serve *serve, bool now, int64_t now_ms);
