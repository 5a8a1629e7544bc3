#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"

#define YEAR_0000 INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define YEAR_9999 INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

static int64_t
system_now(void *ctx)
{
	(void)ctx;
	return (int64_t)time(NULL);
}

static int64_t
system_mono_ms(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
system_sleep_ms(void *ctx, int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)ctx;
	if (ms <= 0)
		return;
	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

const struct clock clock_system = { system_now, system_mono_ms, system_sleep_ms, NULL };

void
time_format(int64_t t, char out[24])
{
	time_t secs = (time_t)(t < YEAR_0000 ? YEAR_0000 : t > YEAR_9999 ? YEAR_9999 : t);
	struct tm tm;

	gmtime_r(&secs, &tm);
	snprintf(out, 24, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)(tm.tm_year + 1900) % 10000,
		(unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
		(unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

/* Exactly n digits at s, which moves on. */
static bool
take_digits(struct str *s, unsigned n, int *v_r)
{
	int v = 0;

	if (s->n < n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	s->p += n;
	s->n -= n;
	*v_r = v;
	return true;
}

static bool
take_char(struct str *s, const char *any)
{
	if (!s->n || !s->p[0] || !strchr(any, s->p[0]))
		return false;
	s->p++;
	s->n--;
	return true;
}

/* Whole seconds of an optional fraction of `unit` seconds. False when a sign stands without digits. */
static bool
take_fraction(struct str *s, const char *signs, int64_t unit, int64_t *secs_r)
{
	double scale = 0.1, f = 0;
	size_t digits = 0;

	*secs_r = 0;
	if (!take_char(s, signs))
		return true;
	for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; s->p++, s->n--, digits++) {
		f += (s->p[0] - '0') * scale;
		scale /= 10;
	}
	*secs_r = (int64_t)(f * (double)unit + 1e-6);
	if (*secs_r >= unit)
		*secs_r = unit - 1;
	return digits > 0;
}

/* The offset at the end, in seconds east; with_colon as RFC 3339 has it, RFC 4517 without. */
static bool
take_zone(struct str *s, bool with_colon, int64_t *east_r)
{
	int h, m = 0, sign = s->n && s->p[0] == '-' ? -1 : 1;

	*east_r = 0;
	if (take_char(s, with_colon ? "Zz" : "Z"))
		return s->n == 0;
	if (!take_char(s, "+-") || !take_digits(s, 2, &h))
		return false;
	if (with_colon && !take_char(s, ":"))
		return false;
	if ((with_colon || s->n) && !take_digits(s, 2, &m))
		return false;
	*east_r = sign * (h * 3600 + m * 60);
	return s->n == 0 && h < 24 && m < 60;
}

/* Seconds of a calendar time, or false when there is no such day. A leap second counts as the next one. */
static bool
tm_seconds(struct tm *tm, int64_t *t_r)
{
	int day = tm->tm_mday, month = tm->tm_mon - 1;

	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
		return false;
	struct tm date = { .tm_year = tm->tm_year - 1900, .tm_mon = month, .tm_mday = day };
	*t_r = (int64_t)timegm(&date) + tm->tm_hour * 3600 + tm->tm_min * 60 + tm->tm_sec;
	return date.tm_mon == month && date.tm_mday == day;
}

bool
time_parse_rfc3339(const char *text, int64_t *t_r)
{
	struct str s = str_c(text);
	int64_t t, part, east;
	struct tm tm = { 0 };

	if (!take_digits(&s, 4, &tm.tm_year) || !take_char(&s, "-") ||
		!take_digits(&s, 2, &tm.tm_mon) || !take_char(&s, "-") ||
		!take_digits(&s, 2, &tm.tm_mday) || !take_char(&s, "Tt") ||
		!take_digits(&s, 2, &tm.tm_hour) || !take_char(&s, ":") ||
		!take_digits(&s, 2, &tm.tm_min) || !take_char(&s, ":") ||
		!take_digits(&s, 2, &tm.tm_sec))
		return false;
	if (!take_fraction(&s, ".", 1, &part) || !take_zone(&s, true, &east) ||
		!tm_seconds(&tm, &t))
		return false;
	*t_r = t - east;
	return true;
}

bool
time_parse_generalized(struct str s, int64_t *t_r)
{
	int64_t t, part, east, unit = 3600;
	struct tm tm = { 0 };

	if (!take_digits(&s, 4, &tm.tm_year) || !take_digits(&s, 2, &tm.tm_mon) ||
		!take_digits(&s, 2, &tm.tm_mday) || !take_digits(&s, 2, &tm.tm_hour))
		return false;
	if (take_digits(&s, 2, &tm.tm_min))
		unit = take_digits(&s, 2, &tm.tm_sec) ? 1 : 60;
	if (!take_fraction(&s, ".,", unit, &part) || !take_zone(&s, false, &east) ||
		!tm_seconds(&tm, &t))
		return false;
	*t_r = t + part - east;
	return true;
}

/* Decimal digits alone, up to INT64_MAX. */
static bool
digits_parse(struct str s, int64_t *v_r)
{
	int64_t v = 0;

	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int d = s.p[i] - '0';

		if (d < 0 || d > 9 || v > (INT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*v_r = v;
	return true;
}

bool
time_parse_filetime(struct str s, int64_t *t_r)
{
	const int64_t epoch_gap = INT64_C(11644473600); /* 1601 to 1970 */
	int64_t v;

	if (!digits_parse(s, &v))
		return false;
	*t_r = v == 0 || v == INT64_MAX ? INT64_MAX : v / 10000000 - epoch_gap;
	return true;
}

int
time_minute(const char *hhmm)
{
	char *colon;
	long hours = strtol(hhmm, &colon, 10);

	return (int)(hours * 60 + (*colon ? strtol(colon + 1, NULL, 10) : 0));
}

/* Of two moments that are called alike, mktime says the one that is more like what it was asked before. */
int64_t
time_of_day(int64_t t, int days, int minute)
{
	static const int steps[] = { 7200, 3600, 1800 }; /* by which clocks are set back */
	time_t from = (time_t)t, at;
	struct tm tm;

	localtime_r(&from, &tm);
	tm.tm_mday += days;
	tm.tm_hour = minute / 60;
	tm.tm_min = minute % 60;
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	at = mktime(&tm);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		time_t before = at - steps[i];
		struct tm twin;

		localtime_r(&before, &twin);
		if (twin.tm_mday == tm.tm_mday && twin.tm_hour == tm.tm_hour &&
			twin.tm_min == tm.tm_min)
			return (int64_t)before;
	}
	return (int64_t)at;
}

bool
duration_parse(const char *text, int64_t *seconds_r)
{
	static const struct {
		char name;
		int64_t secs;
	} units[] = {
		{ 's', 1 },
		{ 'm', 60 },
		{ 'h', 3600 },
		{ 'd', 86400 },
		{ 'w', 604800 },
	};
	const int64_t most = INT64_C(100) * 366 * 86400;
	struct str s = str_c(text);
	int64_t unit = 1, v;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (s.n && s.p[s.n - 1] == units[i].name) {
			unit = units[i].secs;
			s.n--;
			break;
		}
	}
	if (!digits_parse(s, &v) || v > most / unit)
		return false;
	*seconds_r = v * unit;
	return true;
}

void
duration_format(int64_t seconds, struct buf *out)
{
	static const struct {
		int64_t secs;
		const char *name, *sub;
		int64_t sub_secs;
	} units[] = {
		{ 86400, "d", "h", 3600 },
		{ 3600, "h", "m", 60 },
		{ 60, "m", "s", 1 },
	};
	uint64_t left = seconds < 0 ? -(uint64_t)seconds : (uint64_t)seconds;

	if (seconds < 0)
		buf_addc(out, '-');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		uint64_t size = (uint64_t)units[i].secs, sub = (uint64_t)units[i].sub_secs;

		if (left < size)
			continue;
		buf_addf(out, "%llu%s", (unsigned long long)(left / size), units[i].name);
		if (left % size / sub)
			buf_addf(out, " %02llu%s", (unsigned long long)(left % size / sub),
				units[i].sub);
		return;
	}
	buf_addf(out, "%llus", (unsigned long long)left);
}
