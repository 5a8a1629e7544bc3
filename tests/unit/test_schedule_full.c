/* When everything is compared: times of day, missed ones, summer time. */
#include "schedule_kit.h"

/* 2026-11-29 is a Sunday. */
static void
test_full(void **state)
{
	struct schedule *s;
	struct schedule_due d;
	struct tm tm = {
		.tm_year = 126, .tm_mon = 10, .tm_mday = 29, .tm_hour = 1, .tm_isdst = -1
	};
	int64_t at;
	enum schedule_why why;

	(void)state;
	wall = mktime(&tm);
	s = make_and_run("sync \"a\" { from = \"s\" to = \"t\" schedule { every = \"30d\" full_at "
			 "= \"02:30\" } }\n");
	assert_int_equal(schedule_wait_ms(s), 90 * 60 * 1000);
	pass(90 * 60 * 1000);
	d = begin(s);
	assert_int_equal(d.why, DUE_FULL);
	assert_true(d.full);
	/* it stays owed until it was done */
	end(s, &d, OUTCOME_FAILED, 0);
	pass(2000);
	d = begin(s);
	assert_true(d.full);
	end(s, &d, OUTCOME_DONE, 0);
	assert_true(schedule_next(s, "a", &at, &why));
	assert_int_equal(why, DUE_FULL);
	assert_int_equal(at, wall - 2 + 86400);
	schedule_free(s);

	tm = (struct tm){
		.tm_year = 126, .tm_mon = 10, .tm_mday = 29, .tm_hour = 1, .tm_isdst = -1
	};
	wall = mktime(&tm);
	s = make_and_run("sync \"a\" { from = \"s\" to = \"t\" schedule { every = \"30d\" full_at "
			 "= \"00:30\" "
			 "full_on = {\"wed\", \"sun\"} } }\n");
	assert_true(schedule_next(s, "a", &at, NULL));
	tm.tm_mday = 32; /* Wednesday */
	tm.tm_hour = 0;
	tm.tm_min = 30;
	assert_int_equal(at, mktime(&tm));
	schedule_free(s);
}

/* S1.7: one that fell into a time when nothing ran is made up for, once, and not by all at the same moment; a clock that
 * was ahead puts none off. */
static void
test_full_missed(void **state)
{
	struct schedule *s;
	struct schedule_due d;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	wall = 1781524800; /* a Monday, 12:00 */
	s = make_and_run("sync \"a\" { from = \"s\" to = \"t\" schedule { every = \"300d\" full_at "
			 "= \"03:00\" } }\n");
	schedule_full_was(s, "a", wall - 8 * 3600); /* today's was done */
	assert_int_equal(schedule_wait_ms(s), 15 * 3600 * 1000);
	chance_is = 120;
	schedule_full_was(s, "a", wall - 10 * 3600);
	assert_int_equal(schedule_wait_ms(s), 121 * 1000);
	chance_is = UINT32_MAX;
	schedule_full_was(s, "a", wall - 40 * 86400);
	assert_true(schedule_wait_ms(s) <= 600 * 1000);
	pass(600 * 1000);
	d = begin(s);
	assert_true(d.full);
	end(s, &d, OUTCOME_DONE, 0);
	schedule_full_was(s, "a", wall);
	assert_int_equal(schedule_wait_ms(s), (15 * 3600 - 600) * 1000);
	wall -= 400 * 86400;
	assert_int_equal(schedule_wait_ms(s), (15 * 3600 - 600) * 1000);
	schedule_free(s);
}

/* The hour that the clock skips, and the one that it has twice: once a day all the same. */
static void
test_full_summer_time(void **state)
{
	struct tm tm = {
		.tm_year = 126, .tm_mon = 2, .tm_mday = 28, .tm_hour = 12, .tm_isdst = -1
	};
	struct schedule *s;
	int64_t at, before = 0;

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	wall = mktime(&tm);
	s = make_and_run("sync \"a\" { from = \"s\" to = \"t\" schedule { every = \"300d\" full_at "
			 "= \"02:30\" } }\n");
	for (int day = 0; day < 280; day++) {
		struct schedule_due d;

		assert_true(schedule_next(s, "a", &at, NULL));
		if (before)
			assert_in_range(at - before, 22 * 3600, 26 * 3600);
		before = at;
		pass((at - wall) * 1000);
		d = begin(s);
		assert_true(d.full);
		end(s, &d, OUTCOME_DONE, 0);
	}
	schedule_free(s);
	setenv("TZ", "UTC", 1);
	tzset();
}

/* The same night, where what another target wants has the clock asked about winter in between. */
static void
test_full_once_where_the_hour_is_twice(void **state)
{
	struct tm tm = { .tm_year = 126, .tm_mon = 9, .tm_mday = 25, .tm_hour = 1, .tm_isdst = -1 };
	int full[2] = { 0 };
	struct schedule *s;
	int64_t end_of_day;

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	wall = mktime(&tm);
	end_of_day = wall + 20 * 3600;
	s = make("sync \"a\" { from = \"s\" to = \"t\" schedule { every = \"10m\" full_at = "
		 "\"02:30\" } }\n"
		 "sync \"b\" { from = \"r\" to = \"u\" schedule { every = \"10m\" full_at = "
		 "\"04:00\" } }\n");
	while (wall < end_of_day) {
		struct schedule_due d;

		while (schedule_take(s, &d)) {
			schedule_began(s, d.sync);
			end(s, &d, OUTCOME_DONE, 0);
			full[*d.sync - 'a'] += d.full;
		}
		schedule_wait_ms(s);
		pass(60000);
	}
	assert_int_equal(full[0], 1);
	assert_int_equal(full[1], 1);
	schedule_free(s);
	setenv("TZ", "UTC", 1);
	tzset();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_full),
		cmocka_unit_test(test_full_missed), cmocka_unit_test(test_full_summer_time),
		cmocka_unit_test(test_full_once_where_the_hour_is_twice) };

	kit_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
