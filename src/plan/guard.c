/* Counts against limits (SEMANTICS 8). */
#include "plan/plan.h"

const struct conf_limit *
plan_limit(const struct conf_guard *g, enum op_class c)
{
	static const signed char row[CLASS_COUNT] = {
		[CLASS_CREATE] = GUARD_CREATE,
		[CLASS_RECREATE] = GUARD_CREATE,
		[CLASS_ADOPT] = GUARD_ADOPT,
		[CLASS_UPDATE] = GUARD_UPDATE,
		[CLASS_ENABLE] = GUARD_UPDATE,
		[CLASS_DISABLE] = GUARD_DISABLE,
		[CLASS_SEEN_DISABLE] = GUARD_CLASS_COUNT,
		[CLASS_DELETE] = GUARD_DELETE,
		[CLASS_MEMBER_REMOVAL] = GUARD_MEMBER_REMOVAL,
		[CLASS_MEMBER_ADD] = -1,
		[CLASS_FOLLOWING] = -1,
		[CLASS_PARK] = -1,
	};

	if (row[c] < 0)
		return NULL;
	return row[c] == GUARD_CLASS_COUNT ? &g->seen_disable : &g->limit[row[c]];
}

void
plan_guard(const struct guard_input *in, struct guard_verdict *v_r)
{
	int64_t allowed = INT64_MAX;

	if (in->limit && in->limit->percent >= 0) {
		allowed = (int64_t)((double)in->held_before * in->limit->percent / 100.0);
		if (allowed < in->floor)
			allowed = in->floor;
	}
	if (in->limit && in->limit->absolute >= 0 && in->limit->absolute < allowed)
		allowed = in->limit->absolute;
	v_r->allowed = allowed;
	v_r->hold = in->count > 0 && (in->done_24h > allowed || in->count > allowed - in->done_24h);
}
