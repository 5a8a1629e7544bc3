/*
 * Time. All times are int64_t seconds since 1970-01-01 UTC unless a name says _ms. The clock comes in
 * from outside (struct clock), so that tests can turn it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

struct clock {
	int64_t (*now)(void *ctx);     /* seconds */
	int64_t (*mono_ms)(void *ctx); /* milliseconds, monotonic */
	void (*sleep_ms)(void *ctx, int64_t ms);
	void *ctx;
};
extern const struct clock clock_system;

/* RFC 3339 / ISO 8601 UTC: "2026-11-21T17:00:00Z" (20 characters and NUL). Years beyond 0 to
 * 9999 become the first and the last moment of these. */
void time_format(int64_t t, char out[24]);
bool time_parse_rfc3339(const char *s, int64_t *t_r);
/* GeneralizedTime, RFC 4517 3.3.13: "20261121170000Z", "20261121170000.0Z", with offset. */
bool time_parse_generalized(struct str s, int64_t *t_r);
/* Windows FILETIME as decimal text: 100 ns since 1601 (MS-DTYP 2.3.3). 0 and 0x7FFFFFFFFFFFFFFF both mean
 * "never": returns true with *t_r = INT64_MAX. Not a number: false. */
bool time_parse_filetime(struct str s, int64_t *t_r);
/* Minute of the day of "HH:MM", which is well-formed. */
int time_minute(const char *hhmm);
/* That minute, local time, of the day that lies so many days after t's. What the clock shows twice on that day is the
 * first one; what it skips, as much later. */
int64_t time_of_day(int64_t t, int days, int minute);
/* "30d", "12h", "5m", "45s", "2w", plain seconds; false if malformed or over 100 years. */
bool duration_parse(const char *s, int64_t *seconds_r);
void duration_format(int64_t seconds, struct buf *out); /* "2h 05m", "45s": for people */
