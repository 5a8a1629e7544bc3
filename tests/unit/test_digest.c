/* src/agent/digest.h: one summary a day, whatever the clock does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include "base/clock.h"
#include "digest.h"

static struct conf conf;
static struct agent g = { .conf = &conf };

/* As the service does each minute. True: it was sent. */
static bool
tick(int64_t *last, int64_t now)
{
	time_t winter = (time_t)now + 180 * 86400;
	struct tm tm;

	localtime_r(&winter, &tm);
	mktime(&tm); /* remembers that season */
	*last = digest_last(&g, *last, now);
	if (!*last || !digest_due(&g, *last, now))
		return false;
	*last = now;
	return true;
}

static int64_t
at(const char *text)
{
	int64_t t = 0;

	assert_true(time_parse_rfc3339(text, &t));
	return t;
}

/* S2.8: the hour that summer time has twice, and not at all. */
static void
test_once_a_day(void **state)
{
	static const char *const from[] = { "2026-10-20T12:00:00Z", "2026-03-25T12:00:00Z" };

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	conf.alerts.daily = "02:30";
	for (size_t i = 0; i < 2; i++) {
		int64_t now = at(from[i]), last = 0;
		int sent = 0;

		for (int m = 0; m < 10 * 24 * 60; m++)
			sent += tick(&last, now + m * 60);
		assert_int_equal(sent, 10);
	}
	setenv("TZ", "UTC", 1);
	tzset();
}

static void
test_a_clock_that_is_set(void **state)
{
	int64_t now = at("2026-11-29T07:59:30Z"), last = now - 3600;

	(void)state;
	conf.alerts.daily = "08:00";
	assert_false(tick(&last, now));
	assert_true(tick(&last, now + 60));
	/* back by a minute, by an hour: today's was sent */
	assert_false(tick(&last, now));
	assert_false(tick(&last, now + 60));
	assert_false(tick(&last, now - 3600));
	assert_false(tick(&last, now + 120));
	assert_true(tick(&last, now + 86460));
	/* a clock that was years ahead puts it off until its next time */
	last = now + 1000 * (int64_t)86400;
	assert_false(tick(&last, now));
	assert_true(tick(&last, now + 60));
	/* from now on; not any more */
	last = 0;
	assert_false(tick(&last, now + 3600));
	assert_int_equal(last, now + 3600);
	conf.alerts.daily = NULL;
	assert_false(tick(&last, now + 86400));
	assert_int_equal(last, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_once_a_day),
		cmocka_unit_test(test_a_clock_that_is_set) };

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
