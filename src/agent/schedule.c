#include "schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/mem.h"

#define QUIET_MS     200  /* after the last change */
#define GATHER_MS    2000 /* after the first one, at most */
#define RETRY_MS     2000
#define RETRY_MAX_MS 600000
#define LOCKED_MS    3000
#define PAUSE_MS     10000 /* between runs that nothing new asked for */
#define MISSED_S     600   /* a full compare that was missed is done within so long */
#define FULL_MAX     16    /* times of day of one item */
#define NEVER        INT64_MAX

struct full_time {
	int minute;    /* of the day */
	unsigned days; /* bits, Sunday = 1, as struct tm counts */
};
struct item {
	const char *name, *target;
	const char **syncs, **sources;
	size_t count;        /* of both */
	const char **before; /* what its syncs were called when the run that goes on began */
	size_t before_count;
	bool on_change;
	int64_t every; /* ms */
	struct full_time full[FULL_MAX];
	size_t full_count;

	bool start, taken, refused;
	int busy;
	int64_t began, next_every, change_first, change_last, retry, back_off,
		not_before;     /* ms, monotonic; -1 = none */
	int64_t wake, full_due; /* seconds; 0 = none */
};
struct schedule {
	struct schedule_env env;
	struct arena *arena;
	struct item *items;
	size_t count;
};

const char *
schedule_why_name(enum schedule_why w)
{
	static const char *const names[] = { "start", "change", "due", "every", "retry", "full" };

	return names[w];
}

static int64_t
mono(const struct schedule *s)
{
	return s->env.clock->mono_ms(s->env.clock->ctx);
}

static int64_t
wall(const struct schedule *s)
{
	return s->env.clock->now(s->env.clock->ctx);
}

static int64_t
with_jitter(const struct schedule *s, int64_t ms)
{
	uint32_t tenth = ms / 10 < UINT32_MAX ? (uint32_t)(ms / 10) : UINT32_MAX;

	return tenth ? ms - s->env.chance(s->env.ctx, tenth) : ms;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool
item_has(const struct item *it, const char *sync)
{
	for (size_t i = 0; *sync && i < it->count; i++)
		if (strcmp(it->syncs[i], sync) == 0)
			return true;
	return !*sync;
}

/* Also one that a run goes by which began before the configuration changed. */
static bool
item_ran(const struct item *it, const char *sync)
{
	for (size_t i = 0; i < it->before_count; i++)
		if (strcmp(it->before[i], sync) == 0)
			return true;
	return item_has(it, sync);
}

/* --- time of day --- */

/* The next such moment after t. */
static int64_t
full_after(const struct full_time *f, int64_t t)
{
	for (int day = 0; day <= 8; day++) {
		int64_t at = time_of_day(t, day, f->minute);
		time_t when = (time_t)at;
		struct tm tm;

		localtime_r(&when, &tm);
		if (at > t && (f->days >> tm.tm_wday & 1))
			return at;
	}
	return 0;
}

static int64_t
full_next(const struct item *it, int64_t t)
{
	int64_t next = 0;

	for (size_t i = 0; i < it->full_count; i++) {
		int64_t at = full_after(&it->full[i], t);

		if (at && (!next || at < next))
			next = at;
	}
	return next;
}

/* A clock that was ahead and was put right would put it off for as long. */
static void
full_put_right(const struct schedule *s, struct item *it)
{
	int64_t now = wall(s), next;

	if (it->full_due <= now)
		return;
	next = full_next(it, now);
	if (next && next < it->full_due)
		it->full_due = next;
}

void
schedule_full_was(struct schedule *s, const char *sync, int64_t last)
{
	for (size_t i = 0; *sync && i < s->count; i++) {
		struct item *it = &s->items[i];
		int64_t now = wall(s), owed = full_next(it, last);

		if (item_has(it, sync) && it->full_due > now && owed && owed <= now)
			it->full_due = now + 1 + s->env.chance(s->env.ctx, MISSED_S);
	}
}

/* --- from the configuration --- */

static unsigned
days_of(const struct conf_texts *on)
{
	unsigned bits = 0;

	for (size_t i = 0; i < on->count; i++)
		for (int d = 0; conf_days[d]; d++)
			if (strcmp(conf_days[d], on->list[i].text) == 0)
				bits |= 1U << ((d + 1) % 7); /* ours begin with Monday */
	return bits ? bits : 0x7f;
}

static struct item *
item_of_target(struct schedule *s, const char *target)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->items[i].target, target) == 0)
			return &s->items[i];
	return NULL;
}

static void
add_sync(struct schedule *s, const struct conf *c, const struct conf_sync *y)
{
	struct item *it = item_of_target(s, y->to);

	if (!it) {
		it = &s->items[s->count++];
		*it = (struct item){ .name = arena_strdup(s->arena, y->name),
			.target = arena_strdup(s->arena, y->to),
			.syncs = arena_alloc(s->arena, c->sync_count * sizeof(*it->syncs)),
			.sources = arena_alloc(s->arena, c->sync_count * sizeof(*it->sources)),
			.every = INT64_MAX };
	}
	it->syncs[it->count] = arena_strdup(s->arena, y->name);
	it->sources[it->count++] = arena_strdup(s->arena, y->from);
	it->on_change |= y->schedule.on_change;
	if (y->schedule.every * 1000 < it->every)
		it->every = y->schedule.every * 1000;
	if (y->schedule.full_at && it->full_count < FULL_MAX)
		it->full[it->full_count++] = (struct full_time){ time_minute(y->schedule.full_at),
			days_of(&y->schedule.full_on) };
}

/* What goes on, goes on, and ends by the name that it began with. */
static void
carry_over(struct schedule *s, struct item *it, const struct item *old)
{
	size_t most = old->count + old->before_count;

	it->taken = old->taken;
	it->busy = old->busy;
	it->began = old->began;
	if (!old->taken && !old->busy)
		return;
	it->before = arena_alloc(s->arena, most * sizeof(*it->before));
	for (size_t i = 0; i < most; i++) {
		const char *name = i < old->count ? old->syncs[i] : old->before[i - old->count];

		if (!item_ran(it, name))
			it->before[it->before_count++] = arena_strdup(s->arena, name);
	}
}

void
schedule_load(struct schedule *s, const struct conf *c)
{
	struct schedule old = *s;

	s->arena = arena_new();
	s->count = 0;
	s->items = c ? arena_alloc(s->arena, (c->sync_count + 1) * sizeof(*s->items)) : NULL;
	for (size_t i = 0; c && i < c->sync_count; i++)
		add_sync(s, c, &c->syncs[i]);
	for (size_t i = 0; i < s->count; i++) {
		struct item *it = &s->items[i];
		const struct item *was = item_of_target(&old, it->target);

		it->start = true;
		it->change_first = it->change_last = it->retry = -1;
		it->next_every = mono(s) + it->every;
		it->full_due = full_next(it, wall(s));
		if (was)
			carry_over(s, it, was);
		if (was && was->full_due && was->full_due <= wall(s) && it->full_count)
			it->full_due = was->full_due; /* still owed */
	}
	arena_free(old.arena);
}

struct schedule *
schedule_new(const struct schedule_env *env)
{
	struct schedule *s = xcalloc(1, sizeof(*s));

	s->env = *env;
	s->arena = arena_new();
	return s;
}

void
schedule_free(struct schedule *s)
{
	if (s)
		arena_free(s->arena);
	free(s);
}

/* --- what is due --- */

struct due {
	int64_t at; /* ms, monotonic; NEVER */
	enum schedule_why why;
};

static void
sooner(struct due *d, int64_t at, enum schedule_why why)
{
	if (at < d->at)
		*d = (struct due){ at, why };
}

/* A moment of the wall clock on the monotonic one. */
static int64_t
mono_of(const struct schedule *s, int64_t at)
{
	int64_t now = wall(s);

	return at <= now ? mono(s) : mono(s) + (at - now) * 1000;
}

static struct due
item_due(const struct schedule *s, const struct item *it)
{
	struct due d = { NEVER, DUE_EVERY };

	if (it->taken || it->busy)
		return d;
	sooner(&d, it->next_every, DUE_EVERY);
	if (it->refused)
		return d;
	if (it->retry >= 0) {
		sooner(&d, it->retry, DUE_RETRY);
		return d;
	}
	if (it->start)
		sooner(&d, 0, DUE_START);
	if (it->change_first >= 0) {
		int64_t at = it->change_last + QUIET_MS, most = it->change_first + GATHER_MS;

		sooner(&d, at < most ? at : most, DUE_CHANGE);
	}
	if (it->wake)
		sooner(&d, later(mono_of(s, it->wake), it->not_before), DUE_WAKE);
	if (it->full_due)
		sooner(&d, mono_of(s, it->full_due), DUE_FULL);
	return d;
}

int64_t
schedule_wait_ms(struct schedule *s)
{
	int64_t least = NEVER, now = mono(s);

	for (size_t i = 0; i < s->count; i++) {
		int64_t at;

		full_put_right(s, &s->items[i]);
		at = item_due(s, &s->items[i]).at;
		if (at < least)
			least = at;
	}
	return least == NEVER ? -1 : least <= now ? 0 : least - now;
}

bool
schedule_take(struct schedule *s, struct schedule_due *d_r)
{
	for (size_t i = 0; i < s->count; i++) {
		struct item *it = &s->items[i];
		struct due d = item_due(s, it);

		if (d.at > mono(s))
			continue;
		it->taken = true;
		*d_r = (struct schedule_due){ it->name, d.why,
			it->full_due && it->full_due <= wall(s) };
		return true;
	}
	return false;
}

/* --- what happens --- */

void
schedule_returned(struct schedule *s, const char *sync)
{
	for (size_t i = 0; i < s->count; i++)
		if (item_ran(&s->items[i], sync))
			s->items[i].taken = false;
}

void
schedule_changed(struct schedule *s, const char *source)
{
	for (size_t i = 0; i < s->count; i++) {
		struct item *it = &s->items[i];

		for (size_t k = 0; it->on_change && k < it->count; k++) {
			if (strcmp(it->sources[k], source) != 0)
				continue;
			it->change_last = mono(s);
			if (it->change_first < 0)
				it->change_first = it->change_last;
		}
	}
}

void
schedule_began(struct schedule *s, const char *sync)
{
	for (size_t i = 0; i < s->count; i++) {
		struct item *it = &s->items[i];

		if (!item_has(it, sync))
			continue;
		it->busy++;
		it->began = mono(s);
		it->start = false;
		it->change_first = it->change_last = -1;
	}
}

static void
failed(struct schedule *s, struct item *it)
{
	it->back_off = it->back_off ? it->back_off * 2 : RETRY_MS;
	if (it->back_off > RETRY_MAX_MS)
		it->back_off = RETRY_MAX_MS;
	it->retry = mono(s) + with_jitter(s, it->back_off);
}

static void
item_ended(struct schedule *s, struct item *it, bool full, enum schedule_outcome o, int64_t wake)
{
	int64_t now = mono(s), pause = it->every < PAUSE_MS ? it->every : PAUSE_MS;

	it->busy -= it->busy > 0;
	it->retry = -1;
	it->refused = o == OUTCOME_REFUSED;
	it->not_before = now + PAUSE_MS;
	it->next_every = later(it->began + with_jitter(s, it->every), now + pause);
	if (o == OUTCOME_LOCKED) {
		it->retry = now + LOCKED_MS;
	} else if (o == OUTCOME_FAILED) {
		failed(s, it);
	} else if (o == OUTCOME_DONE) {
		it->back_off = 0;
		it->wake = wake;
		if (full)
			it->full_due = full_next(it, wall(s));
	}
}

void
schedule_ended(
	struct schedule *s, const char *sync, bool full, enum schedule_outcome o, int64_t next_wake)
{
	for (size_t i = 0; i < s->count; i++)
		if (item_ran(&s->items[i], sync))
			item_ended(s, &s->items[i], full, o, next_wake);
}

/* --- asked --- */

bool
schedule_next(struct schedule *s, const char *sync, int64_t *at_r, enum schedule_why *why_r)
{
	for (size_t i = 0; i < s->count; i++) {
		struct due d;

		if (!*sync || !item_has(&s->items[i], sync))
			continue;
		d = item_due(s, &s->items[i]);
		*at_r = d.at == NEVER ? 0 : wall(s) + later(d.at - mono(s), 0) / 1000;
		if (why_r)
			*why_r = d.why;
		return true;
	}
	return false;
}

bool
schedule_has_news(const struct schedule *s, const char *sync)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct item *it = &s->items[i];

		if (item_ran(it, sync) && it->busy && it->change_first >= 0)
			return true;
	}
	return false;
}

static bool
items_meet(const struct item *a, const struct item *b)
{
	if (a == b)
		return true;
	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++)
			if (strcmp(a->sources[i], b->sources[k]) == 0)
				return true;
	return false;
}

bool
schedule_apart(const struct schedule *s, const char *sync, const char *other)
{
	bool found = false, found_other = false;

	if (!s || !*sync || !*other)
		return false;
	for (size_t i = 0; i < s->count; i++) {
		found |= item_has(&s->items[i], sync);
		found_other |= item_has(&s->items[i], other);
		for (size_t k = 0; k < s->count; k++)
			if (item_has(&s->items[i], sync) && item_has(&s->items[k], other) &&
				items_meet(&s->items[i], &s->items[k]))
				return false;
	}
	return found && found_other;
}
