#include "alert_life.h"

#include <string.h>

#define FLAP_WINDOW 3600 /* back so soon: it comes and goes */
#define FLAP_CALM   300  /* then it must look well for so long, and twice as long each time */
#define CALM_MOST   3600

static int64_t
calm_of(const struct alert_row *r)
{
	const struct alert_rule *rule = alert_rule(r->code);
	int64_t calm = rule ? rule->calm : 0, flap = r->flaps ? FLAP_CALM : 0;

	for (int64_t i = 1; i < r->flaps && flap < CALM_MOST; i++)
		flap *= 2;
	if (calm < flap)
		calm = flap;
	return calm < CALM_MOST ? calm : CALM_MOST;
}

static void
begin_life(struct alert_row *r, const struct alert_find *f, int64_t now)
{
	bool flaps = r->id && now - r->cleared < FLAP_WINDOW;
	int64_t id = flaps ? r->id : 0, before = flaps ? r->flaps + 1 : 0,
		raised = flaps ? r->raised : 0;

	*r = (struct alert_row){ .id = id, .flaps = before, .raised = raised, .seen_by = "" };
	r->state = ALERT_PENDING;
	r->found = now;
	r->domain = f->domain;
	r->severity = f->severity;
}

/* A clock that was set back: what lies ahead of it began now, or it would last until then. */
static void
not_ahead(struct alert_row *r, int64_t now)
{
	int64_t *const times[] = { &r->found, &r->raised, &r->last, &r->good, &r->cleared };

	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (*times[i] > now)
			*times[i] = now;
}

enum life_step
alert_life_found(struct alert_row *r, const struct alert_find *f, int64_t now)
{
	bool graver;

	not_ahead(r, now);
	if (!r->id || r->state == ALERT_CLEARED)
		begin_life(r, f, now);
	graver = r->state == ALERT_OPEN && f->severity > r->severity;
	r->key = f->key;
	r->code = f->rule->code;
	r->severity = f->severity;
	r->object = f->object;
	r->cause = f->cause;
	r->remedy = f->remedy;
	r->look = f->look;
	r->examples = f->examples;
	r->count = f->count;
	r->last = now;
	r->good = 0;
	if (r->state == ALERT_PENDING && now - r->found >= f->after) {
		r->state = ALERT_OPEN;
		r->raised = now;
		return LIFE_RAISED;
	}
	if (graver)
		r->seen_at = 0;
	return graver ? LIFE_RAISED : LIFE_KEPT;
}

enum life_step
alert_life_tick(struct alert_row *r, int64_t now)
{
	not_ahead(r, now);
	if (r->state != ALERT_OPEN || !r->good || now - r->good < calm_of(r))
		return LIFE_KEPT;
	r->state = ALERT_CLEARED;
	r->cleared = now;
	return LIFE_CLEARED;
}

enum life_step
alert_life_missing(struct alert_row *r, int64_t now)
{
	not_ahead(r, now);
	if (r->state == ALERT_PENDING && !r->raised)
		return LIFE_DROPPED;
	if (r->state == ALERT_PENDING) { /* it had been told before, and was cleared */
		r->state = ALERT_CLEARED;
		r->cleared = now;
		return LIFE_KEPT;
	}
	if (!r->good)
		r->good = now;
	return alert_life_tick(r, now);
}

bool
alert_life_counts(const struct alert_row *r)
{
	const struct alert_rule *rule = alert_rule(r->code);

	return r->state == ALERT_OPEN || (r->state == ALERT_PENDING && rule && rule->after);
}

/* --- over the store --- */

struct applying {
	struct agent_store *s;
	int64_t now;
	bool told, raised;
	struct err *e;
};

static bool
keep(struct applying *k, struct alert_row *r, enum life_step step)
{
	if (step == LIFE_DROPPED)
		return agent_alert_drop(k->s, r->id, k->e);
	if (!agent_alert_put(k->s, r, k->e))
		return false;
	if (step == LIFE_KEPT)
		return true;
	k->told = true;
	k->raised |= step == LIFE_RAISED;
	return agent_news_add(
		k->s, step == LIFE_RAISED ? NEWS_RAISED : NEWS_CLEARED, r->id, k->now, k->e);
}

static bool
is_in(const struct alert_finds *f, const struct alert_row *r)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->list[i].key, r->key) == 0)
			return true;
	return false;
}

static bool
looked_at(const struct alert_finds *f, const char *domain)
{
	for (size_t i = 0; i < f->domain_count; i++)
		if (strcmp(f->domains[i], domain) == 0)
			return true;
	return false;
}

static bool
apply_found(struct applying *k, const struct alert_finds *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct alert_row r = { 0 };

		agent_alert_find(k->s, f->list[i].key, f->arena, &r);
		if (!keep(k, &r, alert_life_found(&r, &f->list[i], k->now)))
			return false;
	}
	return true;
}

static bool
apply_missing(struct applying *k, const struct alert_finds *f, bool *well_r)
{
	struct alert_row *live = arena_alloc(f->arena, ALERTS_LIVE_MAX * sizeof(*live));
	size_t n = agent_alerts_live(k->s, NULL, f->arena, live, ALERTS_LIVE_MAX);

	*well_r = true;
	for (size_t i = 0; i < n; i++) {
		struct alert_row *r = &live[i];
		enum life_step step = LIFE_KEPT;

		if (looked_at(f, r->domain) && !is_in(f, r))
			step = alert_life_missing(r, k->now);
		else if (!is_in(f, r))
			step = alert_life_tick(r, k->now);
		if ((step != LIFE_KEPT || r->good == k->now || r->state == ALERT_CLEARED) &&
			!keep(k, r, step))
			return false;
		*well_r &= step == LIFE_DROPPED || !alert_life_counts(r);
	}
	return true;
}

/* Once, when nothing counts any more of what was told. */
static bool
apply_well(struct applying *k, bool well)
{
	bool unwell = k->raised || agent_fact(k->s, "unwell");

	if (k->raised && !agent_fact_set(k->s, "unwell", 1, k->e))
		return false;
	if (!well || !unwell)
		return true;
	k->told = true;
	return agent_fact_set(k->s, "unwell", 0, k->e) &&
	       agent_news_add(k->s, NEWS_WELL, 0, k->now, k->e);
}

bool
alert_life_apply(struct agent_store *s, const struct alert_finds *f, int64_t now, bool *told_r,
	struct err *e)
{
	struct applying k = { .s = s, .now = now, .e = e };
	bool well = false;

	if (!agent_begin(s, e))
		return false;
	if (!apply_found(&k, f) || !apply_missing(&k, f, &well) || !apply_well(&k, well)) {
		agent_rollback(s);
		return false;
	}
	*told_r = k.told;
	return agent_commit(s, e);
}
