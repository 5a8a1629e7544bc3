/*
 * The life of an alert: pending while it has not lasted, open, cleared when it looked well for long enough. What
 * comes and goes is held open longer each time, so that it is told once. Pure, over rows of store/agent.h.
 */
#pragma once
#include "alert_rules.h"

#define ALERTS_LIVE_MAX 2048 /* open and pending at once: a few for each of several hundred syncs */

enum life_step {
	LIFE_KEPT,    /* the row changed, nobody is told */
	LIFE_RAISED,  /* tell; also when it became graver */
	LIFE_CLEARED, /* tell */
	LIFE_DROPPED, /* forget the row: it never was told */
};
/* r: the newest row of the key; id 0 when there was none (then r is zero). Fills the row from f. */
enum life_step alert_life_found(struct alert_row *r, const struct alert_find *f, int64_t now);
/* r: pending or open, and its domain was looked at without finding it. */
enum life_step alert_life_missing(struct alert_row *r, int64_t now);
/* Time alone: an open one that has looked well for long enough. */
enum life_step alert_life_tick(struct alert_row *r, int64_t now);
/* Is not all well for it? Also while what was found has yet to last, and is looked at again soon. */
bool alert_life_counts(const struct alert_row *r);
/* All of f into the store, in one transaction; what nobody finds any more in the domains looked at goes the other way.
 * News of it is added for notify. told_r: there is some. */
bool alert_life_apply(struct agent_store *s, const struct alert_finds *f, int64_t now, bool *told_r,
	struct err *e);
