/*
 * How many requests a service takes in a window of time (N10): as the profile's row or the option `rate` says,
 * and as its answers say (RateLimit-*, draft-ietf-httpapi-ratelimit-headers, with and without "X-"). We keep below
 * it by ourselves, since being refused costs more than waiting.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

struct scim_rate {
	unsigned requests, seconds; /* 0 = no limit is known */
	bool fixed;                 /* by the option: answers do not change it */
	double tokens;              /* requests that may go at once */
	int64_t at_ms;              /* ... counted then */
};

/* What one answer said; 0 = not said, left -1 = not said. */
struct rate_said {
	int64_t limit, window, left, reset; /* requests, s, requests, s from now or since 1970 */
};
/* A line of the header; true when it is about the rate. */
bool rate_header(struct str line, struct rate_said *said);

/* "500/10s"; "0" = none. */
bool rate_parse(const char *text, struct scim_rate *r_r);
void rate_set(struct scim_rate *r, unsigned requests, unsigned seconds, int64_t now_ms);
/* ms until one more request may go; 0 = now. */
int64_t rate_wait(struct scim_rate *r, int64_t now_ms);
void rate_sent(struct scim_rate *r, unsigned requests, int64_t now_ms);
/* Takes in what an answer said. *gate_r: ms for which nothing may be sent, 0 = none. now: by the service's clock,
 * seconds since 1970. true: the limit is another one now. */
bool rate_learn(struct scim_rate *r, const struct rate_said *said, int64_t now, int64_t now_ms,
	int64_t *gate_r);
