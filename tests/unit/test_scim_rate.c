/* The rate of requests (N10): what options and answers say, and that we keep below it in every window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <stdint.h>
#include <cmocka.h>
#include "scim_rate.h"
#include "base/mem.h"

static void
test_option(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good;
		unsigned requests, seconds;
	} rows[] = { { "500/10s", true, 500, 10 }, { "2400/1m", true, 2400, 60 },
		{ "1/1", true, 1, 1 }, { "0", true, 0, 0 }, { "", false, 0, 0 },
		{ "5", false, 0, 0 }, { "5/", false, 0, 0 }, { "0/1s", false, 0, 0 },
		{ "-5/1s", false, 0, 0 }, { "5/0s", false, 0, 0 }, { "5/2000000s", false, 0, 0 },
		{ "99999999999999999999/1s", false, 0, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scim_rate r;

		assert_int_equal(rate_parse(rows[i].text, &r), rows[i].good);
		if (rows[i].good) {
			assert_int_equal(r.requests, rows[i].requests);
			assert_int_equal(r.seconds, rows[i].seconds);
			assert_true(r.fixed);
		}
	}
}

static void
test_headers(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		bool about;
		struct rate_said said;
	} rows[] = { { "RateLimit-Limit: 100", true, { 100, 0, -1, 0 } },
		{ "ratelimit-limit: 100, 100;w=60\r\n", true, { 100, 60, -1, 0 } },
		{ "X-RateLimit-Remaining: 0", true, { 0, 0, 0, 0 } },
		{ "X-Rate-Limit-Reset: 1795280400", true, { 0, 0, -1, 1795280400 } },
		{ "RateLimit: limit=100, remaining=5, reset=30", true, { 100, 0, 5, 30 } },
		{ "RateLimit: \"default\";r=7;t=9", true, { 0, 0, 7, 9 } },
		{ "RateLimit-Policy: \"default\";q=100;w=10", true, { 100, 10, -1, 0 } },
		{ "RateLimit-Policy: 100;w=10", true, { 100, 10, -1, 0 } },
		{ "RateLimit-Limit: lots", true, { 0, 0, -1, 0 } },
		{ "RateLimit-Limit: 99999999999999999999999", true, { 0, 0, -1, 0 } },
		{ "RateLimit-Reset: -5", true, { 0, 0, -1, 0 } }, { "X-", false, { 0, 0, -1, 0 } },
		{ "RateLimited: 5", false, { 0, 0, -1, 0 } } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rate_said said = { .left = -1 };

		assert_int_equal(rate_header(str_c(rows[i].line), &said), rows[i].about);
		assert_int_equal(said.limit, rows[i].said.limit);
		assert_int_equal(said.window, rows[i].said.window);
		assert_int_equal(said.left, rows[i].said.left);
		assert_int_equal(said.reset, rows[i].said.reset);
	}
}

/* Sends as soon as it may; answers the most that fell into any window. */
static unsigned
most_in_a_window(unsigned requests, unsigned seconds, unsigned total, int64_t *last_r)
{
	int64_t *sent = xcalloc(total, sizeof(*sent)), now = 1000000;
	struct scim_rate r = { 0 };
	unsigned most = 0;

	rate_set(&r, requests, seconds, now);
	for (unsigned i = 0; i < total; i++) {
		int64_t wait = rate_wait(&r, now);

		now += wait;
		assert_int_equal(rate_wait(&r, now), 0);
		rate_sent(&r, 1, now);
		sent[i] = now;
	}
	for (unsigned i = 0, from = 0; i < total; i++) {
		while (sent[from] <= sent[i] - 1000 * (int64_t)seconds)
			from++;
		if (i - from + 1 > most)
			most = i - from + 1;
	}
	*last_r = now - 1000000;
	free(sent);
	return most;
}

static void
test_never_more_in_any_window_and_not_much_less(void **state)
{
	(void)state;
	static const unsigned rows[][2] = { { 500, 10 }, { 25, 1 }, { 2400, 60 }, { 2, 1 },
		{ 1, 3 }, { 10, 60 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned total = rows[i][0] * 5;
		int64_t took;

		assert_true(most_in_a_window(rows[i][0], rows[i][1], total, &took) <=
			    rows[i][0] + (rows[i][0] < 3));
		assert_true(took <= 13000 * (int64_t)rows[i][1]);
	}
}

static void
test_learning(void **state)
{
	(void)state;
	struct scim_rate r = { 0 }, fixed;
	struct rate_said said = { .limit = 100, .window = 60, .left = 3 };
	int64_t gate;

	assert_true(rate_learn(&r, &said, 1000, 5, &gate));
	assert_int_equal(r.requests, 100);
	assert_int_equal(r.seconds, 60);
	assert_int_equal(gate, 0);
	assert_false(rate_learn(&r, &said, 1000, 5, &gate)); /* nothing new */
	said.left = 0;
	said.reset = 30;
	assert_false(rate_learn(&r, &said, 1000, 5, &gate));
	assert_int_equal(gate, 30000);
	said.reset = 1795280400; /* a moment */
	rate_learn(&r, &said, 1795280390, 5, &gate);
	assert_int_equal(gate, 10000);
	said.reset = 9000; /* long waits are the engine's */
	rate_learn(&r, &said, 1000, 5, &gate);
	assert_int_equal(gate, 120000);
	assert_true(rate_parse("7/1s", &fixed));
	said = (struct rate_said){ .limit = 100, .window = 60, .left = -1 };
	assert_false(rate_learn(&fixed, &said, 1000, 5, &gate));
	assert_int_equal(fixed.requests, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_option),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_never_more_in_any_window_and_not_much_less),
		cmocka_unit_test(test_learning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
