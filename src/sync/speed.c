/*
 * How long what is planned will take (N10): by the operations a second of the runs before, kept in the target's
 * file, which the target's rate limit has slowed down as it will again; before the first one by that rate alone.
 */
#include "run_p.h"

#include <stdio.h>
#include <stdlib.h>

#define SPEED     "speed" /* operations in 1,000 seconds */
#define RATE      "rate"  /* requests in 1,000 seconds */
#define OPS_LEAST 20      /* fewer say nothing of speed */

static int64_t
fact(struct ledger *l, const char *name)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *text = ledger_get(l, name, a);

	return text ? strtoll(text, NULL, 10) : 0;
}

static bool
fact_set(struct ledger *l, const char *name, int64_t value, struct err *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return value == fact(l, name) || ledger_set(l, name, text, e);
}

/* The last run counts as much as all before it. */
bool
speed_keep(struct target_run *t, struct err *e)
{
	int64_t before = fact(t->ledger, SPEED), now;

	if (t->conn &&
		!fact_set(t->ledger, RATE,
			t->hello.rate ? (int64_t)t->hello.rate * 1000 / t->hello.rate_seconds : 0,
			e))
		return false;
	if (t->applied < OPS_LEAST || t->apply_ms <= 0)
		return true;
	now = t->applied * 1000000 / t->apply_ms;
	return now < 1 || fact_set(t->ledger, SPEED, before ? (before + now) / 2 : now, e);
}

int64_t
sync_time_left(struct ledger *l)
{
	int64_t left = ledger_op_left(l), speed = fact(l, SPEED), rate = fact(l, RATE);

	if (!left)
		return 0;
	if (!speed)
		speed = rate; /* several may travel in one request, some need two: nothing better is known */
	return speed ? left * 1000 / speed + 1 : -1;
}
