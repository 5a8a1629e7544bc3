#include "notify_gather.h"

#include <stdlib.h>
#include <string.h>

#include "alert_life.h"
#include "base/mem.h"

#define NEWS_MOST 5000

struct gathered {
	struct agent_store *s;
	const struct way_row *way;
	struct arena *a;
	const struct news_row *news;
	size_t news_count;
	struct alert_row *raised, *cleared, *passed;
	struct notify_batch *b;
};

static bool
has(const struct alert_row *list, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].id == id)
			return true;
	return false;
}

static bool
known(const struct notify_batch *b, int64_t id)
{
	return has(b->raised, b->raised_count, id) || has(b->cleared, b->cleared_count, id) ||
	       has(b->passed, b->passed_count, id);
}

/* Told by the way that did not work, when it does again, it would be out of date at once. */
static bool
is_of_way(const struct alert_row *r, const struct way_row *w)
{
	return strcmp(r->code, "notify-failed") == 0 && strcmp(r->object, w->way) == 0;
}

/* The first word about it says whether it was told before. */
static void
gather_one(struct gathered *k, const struct news_row *w)
{
	struct notify_batch *b = k->b;
	struct alert_row r;

	if (w->what == NEWS_WELL || known(b, w->alert) ||
		!agent_alert_get(k->s, w->alert, k->a, &r) || is_of_way(&r, k->way))
		return;
	if (r.state == ALERT_OPEN)
		k->raised[b->raised_count++] = r;
	else if (w->what == NEWS_RAISED)
		k->passed[b->passed_count++] = r;
	else
		k->cleared[b->cleared_count++] = r;
}

static int
graver_first(const void *a, const void *b)
{
	const struct alert_row *x = a, *y = b;

	if (x->severity != y->severity)
		return x->severity < y->severity ? 1 : -1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void
gather_open(struct gathered *k)
{
	struct alert_row *list = arena_alloc(k->a, NEWS_MOST * sizeof(*list));
	size_t n = agent_alerts_open(k->s, k->a, list, NEWS_MOST), kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!has(k->raised, k->b->raised_count, list[i].id) && !is_of_way(&list[i], k->way))
			list[kept++] = list[i];
	k->b->open = list;
	k->b->open_count = kept;
}

static bool
all_well(const struct gathered *k)
{
	struct alert_row *list = arena_alloc(k->a, NEWS_MOST * sizeof(*list));
	size_t n = agent_alerts_live(k->s, NULL, k->a, list, NEWS_MOST);

	for (size_t i = 0; i < n; i++)
		if (alert_life_counts(&list[i]) && !is_of_way(&list[i], k->way))
			return false;
	return true;
}

static void
gather_all(struct gathered *k)
{
	size_t bytes = k->news_count * sizeof(*k->raised);

	k->b->raised = k->raised = arena_alloc(k->a, bytes);
	k->b->cleared = k->cleared = arena_alloc(k->a, bytes);
	k->b->passed = k->passed = arena_alloc(k->a, bytes);
	for (size_t i = 0; i < k->news_count; i++)
		gather_one(k, &k->news[i]);
	gather_open(k);
	qsort(k->raised, k->b->raised_count, sizeof(*k->raised), graver_first);
}

void
notify_gather(struct agent_store *s, const struct way_row *w, const char *host, int64_t now,
	struct arena *a, struct notify_batch *b_r, struct news_row *last_r)
{
	int64_t waiting = agent_news_newest(s) - w->told;
	size_t max = waiting < 0 ? 0 : waiting < NEWS_MOST ? (size_t)waiting : NEWS_MOST;
	struct news_row *news = arena_alloc(a, (max + 1) * sizeof(*news));
	struct gathered k = { .s = s, .way = w, .a = a, .news = news, .b = b_r };

	*b_r = (struct notify_batch){ .host = host, .now = now };
	*last_r = (struct news_row){ 0 };
	k.news_count = agent_news(s, w->told, news, max);
	if (!k.news_count)
		return;
	*last_r = news[k.news_count - 1];
	gather_all(&k);
	b_r->well = all_well(&k);
}

bool
notify_gather_empty(const struct notify_batch *b, const struct way_row *w)
{
	return b->raised_count + b->cleared_count + b->passed_count == 0 && !(b->well && w->unwell);
}
