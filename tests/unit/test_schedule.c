/* When a sync is due: by change, by the floor, after a failure. */
#include "schedule_kit.h"

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
		cmocka_unit_test(test_renamed_while_it_runs), cmocka_unit_test(test_clock_set),
		cmocka_unit_test(test_lanes), cmocka_unit_test(test_month) };

	kit_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
