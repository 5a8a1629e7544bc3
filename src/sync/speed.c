/*
 * How long what is planned will take (N10): by the operations a second of the runs before, kept in the target's
 * file, which the target's rate limit has slowed down as it will again; before the first one by that rate alone.
 */
#include "run_p.h"

#define SPEED     "speed" /* operations in 1,000 seconds */
#define RATE      "rate"  /* requests in 1,000 seconds */
#define OPS_LEAST 20      /* fewer say nothing of speed */

/* The last run counts as much as all before it. */
bool
speed_keep(struct target_run *t, struct err *e)
{
	int64_t before = ledger_number(t->ledger, SPEED), now;

	if (t->conn &&
		!ledger_number_set(t->ledger, RATE,
			t->hello.rate ? (int64_t)t->hello.rate * 1000 / t->hello.rate_seconds : 0,
			e))
		return false;
	if (t->applied < OPS_LEAST || t->apply_ms <= 0)
		return true;
	now = t->applied * 1000000 / t->apply_ms;
	return now < 1 || ledger_number_set(t->ledger, SPEED, before ? (before + now) / 2 : now, e);
}

int64_t
sync_time_left(struct ledger *l)
{
	int64_t left = ledger_op_left(l), speed = ledger_number(l, SPEED),
		rate = ledger_number(l, RATE);

	if (!left)
		return 0;
	if (!speed)
		speed = rate; /* several may travel in one request, some need two: nothing better is known */
	return speed ? left * 1000 / speed + 1 : -1;
}
