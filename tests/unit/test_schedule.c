/* The schedule with a clock that the test turns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/mem.h"
#include "schedule.h"

static int64_t wall, mono;

static int64_t
fake_now(void *ctx)
{
	(void)ctx;
	return wall;
}

static int64_t
fake_mono(void *ctx)
{
	(void)ctx;
	return mono;
}

static const struct clock fake = { fake_now, fake_mono, NULL, NULL };

static uint32_t chance_is;
static uint32_t
fake_chance(void *ctx, uint32_t below)
{
	(void)ctx;
	return chance_is < below ? chance_is : below - 1;
}

static void
pass(int64_t ms)
{
	mono += ms;
	wall += ms / 1000;
}

#define TWO_SIDES                                                                                  \
	"state = \"state\"\n"                                                                      \
	"source \"s\" { type = \"ldif\" file = \"x\" }\n"                                          \
	"source \"r\" { type = \"ldif\" file = \"y\" }\n"                                          \
	"target \"t\" { type = \"scim\" url = \"https://x\" }\n"                                   \
	"target \"u\" { type = \"scim\" url = \"https://y\" }\n"

static struct conf *
load(const char *text)
{
	char path[] = "/tmp/schedule-XXXXXX";
	int fd = mkstemp(path);
	struct conf *c = NULL;
	struct err e = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	if (!conf_load(path, &c, &e))
		fail_msg("%s", e.text);
	unlink(path);
	return c;
}

static struct schedule *
make(const char *syncs)
{
	CLEAN_BUF struct buf text = { 0 };
	struct schedule *s = schedule_new(&(struct schedule_env){ &fake, fake_chance, NULL });
	struct conf *c;

	buf_adds(&text, TWO_SIDES);
	buf_adds(&text, syncs);
	c = load(buf_cstr(&text));
	chance_is = 0;
	schedule_load(s, c);
	conf_free(&c);
	return s;
}

/* Takes the one that is due and begins it. */
static struct schedule_due
begin(struct schedule *s)
{
	struct schedule_due d;

	assert_int_equal(schedule_wait_ms(s), 0);
	assert_true(schedule_take(s, &d));
	schedule_began(s, d.sync);
	return d;
}

static void
end(struct schedule *s, const struct schedule_due *d, enum schedule_outcome o, int64_t wake)
{
	schedule_ended(s, d->sync, d->full, o, wake);
	schedule_returned(s, d->sync);
}

static struct schedule *
make_and_run(const char *syncs)
{
	struct schedule *s = make(syncs);
	struct schedule_due d = begin(s);

	assert_int_equal(d.why, DUE_START);
	end(s, &d, OUTCOME_DONE, 0);
	return s;
}

#define ONE "sync \"a\" { from = \"s\" to = \"t\" schedule { every = \"100s\" } }\n"

static void
test_floor(void **state)
{
	struct schedule *s = make_and_run(ONE);
	struct schedule_due d;

	(void)state;
	assert_int_equal(schedule_wait_ms(s), 100000);
	assert_false(schedule_take(s, &d));
	pass(100000);
	d = begin(s);
	assert_int_equal(d.why, DUE_EVERY);
	assert_false(d.full);
	/* it runs: nothing is due, however long */
	assert_int_equal(schedule_wait_ms(s), -1);
	pass(1000000);
	assert_false(schedule_take(s, &d));
	/* late: soon again, but with a pause */
	end(s, &(struct schedule_due){ .sync = "a" }, OUTCOME_DONE, 0);
	assert_int_equal(schedule_wait_ms(s), 10000);
	schedule_free(s);
}

static void
test_jitter(void **state)
{
	struct schedule *s = make(ONE);
	struct schedule_due d = begin(s);

	(void)state;
	chance_is = 9999999;
	end(s, &d, OUTCOME_DONE, 0);
	assert_int_equal(schedule_wait_ms(s), 100000 - 9999);
	schedule_free(s);
}

static void
test_change(void **state)
{
	struct schedule *s = make_and_run(ONE);
	struct schedule_due d;

	(void)state;
	schedule_changed(s, "r");
	assert_true(schedule_wait_ms(s) > 90000);
	schedule_changed(s, "s");
	assert_int_equal(schedule_wait_ms(s), 200);
	/* a stream of them does not put it off for ever */
	for (int i = 0; i < 19; i++) {
		pass(100);
		assert_false(schedule_take(s, &d));
		schedule_changed(s, "s");
	}
	assert_int_equal(schedule_wait_ms(s), 100);
	pass(100);
	d = begin(s);
	assert_int_equal(d.why, DUE_CHANGE);
	/* what comes while it runs is due once, after it */
	schedule_changed(s, "s");
	schedule_changed(s, "s");
	pass(5000);
	assert_int_equal(schedule_wait_ms(s), -1);
	end(s, &d, OUTCOME_DONE, 0);
	d = begin(s);
	assert_int_equal(d.why, DUE_CHANGE);
	end(s, &d, OUTCOME_DONE, 0);
	assert_true(schedule_wait_ms(s) > 5000);
	schedule_free(s);
}

static void
test_taken_once(void **state)
{
	struct schedule *s = make(ONE);
	struct schedule_due d;

	(void)state;
	assert_true(schedule_take(s, &d));
	/* it waits for its turn: not due a second time; a run that somebody asked for goes by */
	assert_false(schedule_take(s, &d));
	schedule_began(s, "");
	schedule_ended(s, "", false, OUTCOME_DONE, 0);
	pass(200000);
	assert_false(schedule_take(s, &d));
	schedule_returned(s, "a");
	assert_true(schedule_take(s, &d));
	schedule_free(s);
}

static void
test_not_on_change(void **state)
{
	struct schedule *s =
		make_and_run("sync \"a\" { from = \"s\" to = \"t\" schedule { every = \"3h\" "
			     "on_change = \"no\" } }\n");

	(void)state;
	schedule_changed(s, "s");
	assert_int_equal(schedule_wait_ms(s), 3 * 3600 * 1000);
	schedule_free(s);
}

static void
test_wake(void **state)
{
	struct schedule *s = make(ONE);
	struct schedule_due d = begin(s);

	(void)state;
	end(s, &d, OUTCOME_DONE, wall + 30);
	assert_int_equal(schedule_wait_ms(s), 30000);
	pass(30000);
	d = begin(s);
	assert_int_equal(d.why, DUE_WAKE);
	/* one that stays due does not turn into a loop */
	end(s, &d, OUTCOME_DONE, wall - 5);
	assert_int_equal(schedule_wait_ms(s), 10000);
	schedule_free(s);
}

static void
test_back_off(void **state)
{
	static const int64_t waits[] = { 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600 };
	struct schedule *s =
		make("sync \"a\" { from = \"s\" to = \"t\" schedule { every = \"1d\" } }\n");
	struct schedule_due d = begin(s);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
		end(s, &d, OUTCOME_FAILED, 0);
		schedule_changed(s, "s"); /* no reason to hurry: it is down */
		assert_int_equal(schedule_wait_ms(s), waits[i] * 1000);
		pass(waits[i] * 1000);
		d = begin(s);
		assert_int_equal(d.why, DUE_RETRY);
	}
	end(s, &d, OUTCOME_DONE, 0);
	assert_true(schedule_wait_ms(s) > 600000);
	/* what went well once, begins small again */
	schedule_changed(s, "s");
	pass(200);
	d = begin(s);
	end(s, &d, OUTCOME_FAILED, 0);
	assert_int_equal(schedule_wait_ms(s), 2000);
	schedule_free(s);
}

/* 7.4: no lock-out loop */
static void
test_refused(void **state)
{
	struct schedule *s = make(ONE);
	struct schedule_due d = begin(s);
	CLEAN_BUF struct buf text = { 0 };
	struct conf *c;

	(void)state;
	end(s, &d, OUTCOME_REFUSED, wall + 1);
	schedule_changed(s, "s");
	assert_int_equal(schedule_wait_ms(s), 100000);
	buf_adds(&text, TWO_SIDES ONE);
	c = load(buf_cstr(&text));
	schedule_load(s, c);
	conf_free(&c);
	assert_int_equal(schedule_wait_ms(s), 0);
	schedule_free(s);
}

static void
test_locked(void **state)
{
	struct schedule *s = make(ONE);
	struct schedule_due d = begin(s);

	(void)state;
	for (int i = 0; i < 5; i++) {
		end(s, &d, OUTCOME_LOCKED, 0);
		assert_int_equal(schedule_wait_ms(s), 3000);
		pass(3000);
		d = begin(s);
	}
	schedule_free(s);
}

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

/* S3.5: what runs while its sync gets another name ends by the old one, also when that is taken away altogether. */
static void
test_renamed_while_it_runs(void **state)
{
	static const char *const later[] = {
		"sync \"b\" { from = \"s\" to = \"t\" schedule { every = \"100s\" } }\n",
		"sync \"c\" { from = \"r\" to = \"t\" schedule { every = \"100s\" } }\n",
	};
	struct schedule *s = make(ONE);
	struct schedule_due d = begin(s), more;
	const char *was = "a";

	(void)state;
	d.sync = was;
	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		CLEAN_BUF struct buf text = { 0 };
		struct conf *c;

		buf_adds(&text, TWO_SIDES);
		buf_adds(&text, later[i]);
		c = load(buf_cstr(&text));
		schedule_load(s, c);
		conf_free(&c);
		assert_false(schedule_take(s, &more));
	}
	schedule_changed(s, "r");
	assert_true(schedule_has_news(s, "a"));
	end(s, &d, OUTCOME_DONE, 0);
	d = begin(s);
	assert_string_equal(d.sync, "c");
	end(s, &d, OUTCOME_DONE, 0);
	assert_int_equal(schedule_wait_ms(s), 100000);
	schedule_free(s);
}

static void
test_clock_set(void **state)
{
	struct schedule *s = make(ONE);
	struct schedule_due d = begin(s);

	(void)state;
	end(s, &d, OUTCOME_DONE, wall + 50);
	wall += 86400;
	assert_int_equal(schedule_wait_ms(s), 10000); /* due, after the pause */
	wall -= 2 * 86400;
	assert_int_equal(schedule_wait_ms(s), 100000); /* the floor does not move */
	schedule_free(s);
}

static void
test_lanes(void **state)
{
	struct schedule *s =
		make("sync \"a\" { from = \"s\" to = \"t\" }\n"
		     "sync \"b\" { from = \"r\" to = \"t\" schedule { every = \"60s\" } }\n"
		     "sync \"c\" { from = \"r\" to = \"u\" }\n");
	struct schedule_due d, more;

	(void)state;
	d = begin(s);
	assert_string_equal(d.sync, "a");
	assert_true(schedule_take(s, &more));
	assert_string_equal(more.sync, "c");
	assert_false(schedule_take(s, &more));
	end(s, &d, OUTCOME_DONE, 0);
	assert_int_equal(schedule_wait_ms(s), 60000);
	schedule_changed(s, "r");
	assert_int_equal(schedule_wait_ms(s), 200);
	assert_false(schedule_apart(s, "a", "b"));
	assert_false(schedule_apart(s, "b", "c"));
	assert_false(schedule_apart(s, "a", "c")); /* the run of a does b, too */
	assert_false(schedule_apart(s, "", "c"));
	assert_false(schedule_apart(s, "a", "nobody"));
	schedule_free(s);
	s = make(
		"sync \"a\" { from = \"s\" to = \"t\" }\nsync \"c\" { from = \"r\" to = \"u\" }\n");
	assert_true(schedule_apart(s, "a", "c"));
	schedule_load(s, NULL);
	assert_int_equal(schedule_wait_ms(s), -1);
	schedule_free(s);
}

/* A month with everything at once: the floor is kept, and nothing runs twice at a time. */
static void
test_month(void **state)
{
	struct schedule *s = make("sync \"a\" { from = \"s\" to = \"t\" schedule { every = \"5m\" "
				  "full_at = \"03:00\" } }\n");
	unsigned seed = 1;
	int64_t until = wall + 30 * 86400, runs = 0, full = 0, last = wall;

	(void)state;
	while (wall < until) {
		int64_t wait = schedule_wait_ms(s);
		struct schedule_due d;

		assert_true(wait >= 0);
		seed = seed * 1103515245 + 12345;
		chance_is = seed >> 8;
		if (seed >> 16 & 1 && wait > 1000) {
			pass(1000 * (wait / 1000) / 2);
			schedule_changed(s, "s");
			continue;
		}
		pass(wait);
		if (wait % 1000)
			pass(1000 - wait % 1000);
		if (!schedule_take(s, &d))
			continue;
		schedule_began(s, d.sync);
		assert_in_range(wall - last, 0, 5 * 60 + 5 + 60);
		last = wall;
		runs++;
		full += d.full;
		assert_int_equal(schedule_wait_ms(s), -1);
		pass(1000 * (seed >> 20 & 31));
		end(s, &d, OUTCOME_DONE, 0);
	}
	assert_int_equal(full, 30);
	assert_true(runs > 30 * 288);
	schedule_free(s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_floor),
		cmocka_unit_test(test_jitter), cmocka_unit_test(test_change),
		cmocka_unit_test(test_taken_once), cmocka_unit_test(test_not_on_change),
		cmocka_unit_test(test_wake), cmocka_unit_test(test_back_off),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_locked),
		cmocka_unit_test(test_full), cmocka_unit_test(test_full_missed),
		cmocka_unit_test(test_full_summer_time),
		cmocka_unit_test(test_full_once_where_the_hour_is_twice),
		cmocka_unit_test(test_renamed_while_it_runs), cmocka_unit_test(test_clock_set),
		cmocka_unit_test(test_lanes), cmocka_unit_test(test_month) };

	setenv("TZ", "UTC", 1);
	tzset();
	wall = 1795914000;
	mono = 50000;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
