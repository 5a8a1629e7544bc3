/*
 * Ending early (S3.5). Reads and plans are simply abandoned, between two transactions; what was sent to a
 * target is waited for and confirmed (apply.c).
 */
#include "run_p.h"

#define NAP_MS 200

bool
run_stopping(const struct run *r)
{
	return r->env->stop && r->env->stop(r->env->ctx);
}

bool
run_stopped(const struct run *r, struct err *e)
{
	if (!run_stopping(r))
		return false;
	err_set(e, ERR_RETRY, "stopped",
		"stopped as asked, before everything was done; the next run goes on");
	return true;
}

void
run_sleep(const struct run *r, int64_t ms)
{
	const struct clock *c = r->env->store.clock;

	while (ms > 0 && !run_stopping(r)) {
		int64_t part = r->env->stop && ms > NAP_MS ? NAP_MS : ms;

		c->sleep_ms(c->ctx, part);
		ms -= part;
	}
}

static bool
give_up(void *ctx)
{
	return run_stopping(ctx);
}

void
run_conn_set(const struct run *r, struct conn *c)
{
	c->give_up = give_up;
	c->give_up_ctx = (void *)r;
}
