/*
 * When a sync runs. Pure: clock and chance come in, nothing goes out but answers; timer.h lets the daemon run by it.
 *
 * Syncs with the same target run as one (`lockstep sync NAME` does all lanes of the target): one item. An item is due
 * at the earliest of: at once at start; every so often (jitter: up to a tenth sooner); a change at its source (200 ms
 * after the last one, at most 2 s after the first); when its last run said that something falls due; the time of day of
 * a full compare; after a failure of source or target sooner, 15 s doubling to 10 min. A refused sign-in is not tried
 * sooner than `every` (7.4). An item that runs is not due; what comes meanwhile is due once, after it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"
#include "conf/conf.h"

struct schedule;
struct schedule_env {
	const struct clock *clock;
	uint32_t (*chance)(void *ctx, uint32_t below); /* 0 .. below - 1 */
	void *ctx;
};
enum schedule_why { DUE_START, DUE_CHANGE, DUE_WAKE, DUE_EVERY, DUE_RETRY, DUE_FULL };
const char *schedule_why_name(
	enum schedule_why w); /* "start", "change", "due", "every", "retry", "full" */

struct schedule_due {
	const char *sync; /* name to give to `lockstep sync` */
	enum schedule_why why;
	bool full;
};
enum schedule_outcome {
	OUTCOME_DONE,    /* whatever it found, source and target answered: exit 0, 1, 4 */
	OUTCOME_FAILED,  /* exit 3, 5, killed, not started: sooner, with back-off */
	OUTCOME_REFUSED, /* a person must act: not before `every` */
	OUTCOME_LOCKED,  /* somebody else has the state: soon again */
};

struct schedule *schedule_new(const struct schedule_env *env);
void schedule_free(struct schedule *s);
/* Takes over what it should know of c (NULL: nothing), copied. All are due at once: another configuration may want
 * something else; what was refused is tried again. */
void schedule_load(struct schedule *s, const struct conf *c);
/* When the last full run that went well began, as far as is remembered (seconds): one whose time of day has passed since
 * then is owed, and done within ten minutes. After schedule_load. */
void schedule_full_was(struct schedule *s, const char *sync, int64_t last);
/* Milliseconds until one is due; 0: now; -1: never. Asking again after the clock was set is right. */
int64_t schedule_wait_ms(struct schedule *s);
/* One that is due now, marked as running; false: none. Strings live until schedule_load. */
bool schedule_take(struct schedule *s, struct schedule_due *d_r);
/* What was taken is over, or will never run: it may be due again. */
void schedule_returned(struct schedule *s, const char *sync);
void schedule_changed(struct schedule *s, const char *source);
/* A run of the sync began or ended, whoever asked for it; sync "": all of them. full: of everything. */
void schedule_began(struct schedule *s, const char *sync);
/* next_wake: seconds, 0 = none was said */
void schedule_ended(struct schedule *s, const char *sync, bool full, enum schedule_outcome o,
	int64_t next_wake);
/* Seconds (wall clock) of the next run as it looks now; 0 = none; why_r may be NULL. False: no such sync. */
bool schedule_next(struct schedule *s, const char *sync, int64_t *at_r, enum schedule_why *why_r);
/* A run of the sync goes on, and since its beginning one of its sources changed. */
bool schedule_has_news(const struct schedule *s, const char *sync);
/* No source and no target in common, so that runs of both may go on at once; "" is all. */
bool schedule_apart(const struct schedule *s, const char *sync, const char *other);
