#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "base/clock.h"

static void
test_format_and_rfc3339(void **state)
{
	static const struct {
		const char *text;
		int64_t t;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-21T17:00:00Z", 1795280400 },
		{ "2026-11-21t17:00:00z", 1795280400 },
		{ "2026-11-21T19:30:00+02:30", 1795280400 },
		{ "2026-11-21T16:00:00.999-01:00", 1795280400 },
		{ "2024-02-29T12:00:00Z", 1709208000 },
		{ "2016-12-31T23:59:60Z", 1483228800 },
		{ "1601-01-01T00:00:00Z", -11644473600 },
	};
	static const char *const bad[] = { "", "2026-11-21", "2026-11-21T17:00:00",
		"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-10T00:00:00Z",
		"2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
		"2026-01-01T00:00:00Zx", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+0100",
		"2026-01-01T00:00:00+01:60", "+026-01-01T00:00:00Z", "2026-1-01T00:00:00Z" };
	char text[24];
	int64_t t;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(time_parse_rfc3339(good[i].text, &t));
		assert_int_equal(t, good[i].t);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(time_parse_rfc3339(bad[i], &t));
	time_format(1795280400, text);
	assert_string_equal(text, "2026-11-21T17:00:00Z");
	time_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	time_format(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00Z");
}

static void
test_generalized(void **state)
{
	static const struct {
		const char *text;
		int64_t t;
	} good[] = {
		{ "20261121170000Z", 1795280400 },
		{ "20261121170000.0Z", 1795280400 },
		{ "20261121170000,75Z", 1795280400 },
		{ "202611211700Z", 1795280400 },
		{ "2026112117Z", 1795280400 },
		{ "2026112116.5Z", 1795278600 },
		{ "202611211659.25Z", 1795280355 },
		{ "20261121180000+0100", 1795280400 },
		{ "20261121120000-05", 1795280400 },
		{ "16010101000000.0Z", -11644473600 },
	};
	static const char *const bad[] = { "", "20261121170000", "20261121", "20261131170000Z",
		"20261121170000.Z", "20261121170000Zx", "20261121250000Z", "2026112117000Z",
		"20261121170000+1", "20261121170000+01:00" };
	int64_t t;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(time_parse_generalized(str_c(good[i].text), &t));
		assert_int_equal(t, good[i].t);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(time_parse_generalized(str_c(bad[i]), &t));
}

static void
test_filetime_never_and_range(void **state)
{
	int64_t t;

	(void)state;
	assert_true(time_parse_filetime(STR("0"), &t) && t == INT64_MAX);
	assert_true(time_parse_filetime(STR("9223372036854775807"), &t) && t == INT64_MAX);
	assert_true(time_parse_filetime(STR("9223372036854775806"), &t) && t != INT64_MAX);
	assert_true(time_parse_filetime(STR("116444736000000000"), &t) && t == 0);
	assert_true(time_parse_filetime(STR("134397540000000000"), &t));
	assert_int_equal(t, 1795280400);
	assert_false(time_parse_filetime(STR("9223372036854775808"), &t));
	assert_false(time_parse_filetime(STR("-1"), &t));
	assert_false(time_parse_filetime(STR(""), &t));
	assert_false(time_parse_filetime(STR("12 "), &t));
}

static void
test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t secs;
	} good[] = { { "30d", 2592000 }, { "12h", 43200 }, { "5m", 300 }, { "45s", 45 },
		{ "2w", 1209600 }, { "90", 90 }, { "0", 0 }, { "100w", 60480000 } };
	static const char *const bad[] = { "", "d", "-1", "1.5h", "1y", "5 m", "1h30m", "99999999w",
		"99999999999999999999" };
	static const struct {
		int64_t secs;
		const char *text;
	} shown[] = { { 0, "0s" }, { 45, "45s" }, { 60, "1m" }, { 65, "1m 05s" },
		{ 7500, "2h 05m" }, { 7200, "2h" }, { 90000, "1d 01h" }, { -65, "-1m 05s" } };
	int64_t secs;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(duration_parse(good[i].text, &secs));
		assert_int_equal(secs, good[i].secs);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(duration_parse(bad[i], &secs));
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		struct buf b CLEAN_BUF = { 0 };

		duration_format(shown[i].secs, &b);
		assert_string_equal(buf_cstr(&b), shown[i].text);
	}
}

/* Whatever the clock was asked before: mktime alone remembers whether that was summer. */
static void
test_time_of_day(void **state)
{
	static const struct {
		const char *zone, *day, *hhmm, *at;
		int days;
	} rows[] = {
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T10:00:00Z", "02:30",
			"2026-10-25T00:30:00Z", 0 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-24T10:00:00Z", "02:00",
			"2026-10-25T00:00:00Z", 1 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T10:00:00Z", "03:00",
			"2026-10-25T02:00:00Z", 0 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T10:00:00Z", "01:59",
			"2026-10-24T23:59:00Z", 0 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-28T10:00:00Z", "02:30",
			"2026-03-29T01:30:00Z", 1 },
		{ "EET-2EEST,M4.5.5/0,M10.5.4/24", "2026-04-24T10:00:00Z", "00:30",
			"2026-04-23T22:30:00Z", 0 },
		{ "EET-2EEST,M4.5.5/0,M10.5.4/24", "2026-10-29T10:00:00Z", "23:30",
			"2026-10-29T20:30:00Z", 0 },
		{ "LHST-10:30LHDT-11,M10.1.0,M4.1.0", "2026-04-05T03:00:00Z", "01:45",
			"2026-04-04T14:45:00Z", 0 },
		{ "UTC", "2026-12-31T23:00:00Z", "00:00", "2027-01-01T00:00:00Z", 1 },
	};
	static const char *const seasons[] = { "2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setenv("TZ", rows[i].zone, 1);
		tzset();
		for (size_t k = 0; k < 2; k++) {
			int64_t season, t;
			char at[24];

			assert_true(time_parse_rfc3339(seasons[k], &season));
			time_of_day(season, 0, 720);
			assert_true(time_parse_rfc3339(rows[i].day, &t));
			time_format(time_of_day(t, rows[i].days, time_minute(rows[i].hhmm)), at);
			assert_string_equal(at, rows[i].at);
		}
	}
	setenv("TZ", "UTC", 1);
	tzset();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_and_rfc3339),
		cmocka_unit_test(test_generalized),
		cmocka_unit_test(test_filetime_never_and_range),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_time_of_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
