/* Attributes wanted against attributes sent. */
#include "plan/plan.h"

static bool
held_back(const struct mapped *m, const char *name)
{
	for (size_t i = 0; i < m->step_count; i++)
		if (m->steps[i].error && ascii_ieq(m->steps[i].name, name))
			return true;
	return false;
}

void
plan_diff(const struct mapped *m, const struct attrs *sent, struct attrs *diff_r)
{
	for (size_t i = 0; i < m->wanted.count; i++) {
		const struct attr *w = &m->wanted.list[i];

		if (!attr_same_set(w, attrs_get(sent, w->name)))
			attrs_set(diff_r, w->name, w->values, w->count);
	}
	for (size_t i = 0; i < sent->count; i++) {
		const struct attr *s = &sent->list[i];

		if (s->count && !attrs_get(&m->wanted, s->name) && !held_back(m, s->name))
			attrs_set(diff_r, s->name, NULL, 0);
	}
}
