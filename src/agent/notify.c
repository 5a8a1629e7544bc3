#include "notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "child.h"
#include "digest.h"
#include "notify_gather.h"
#include "notify_text.h"
#include "notify_way.h"

#define GATHER_MS  2000 /* what one run brings comes together */
#define RETRY      30   /* doubling, to: */
#define RETRY_MOST 3600

struct way {
	struct notify *n;
	const char *name;
	sd_event_source *timer;
	struct child *child;
	struct news_row upto; /* what is on its way: news up to this one; id 0 = a summary */
	bool well;            /* and it says that all is well */
	int64_t newest;       /* news there were when it was tried last */
	char *said;
};
struct notify {
	struct agent *g;
	struct way ways[NOTIFY_WAYS];
};

static bool
is_on(const struct way *w)
{
	return w->n->g->conf && notify_way_on(w->n->g->conf, w->name);
}

static void
not_kept(const struct err *e)
{
	agent_log(LOG_ERROR, "message-not-kept", "text", e->text, NULL);
}

/* What lies ahead of a clock that was set back would wait until then. */
static void
row_get(const struct way *w, int64_t now, struct arena *a, struct way_row *r_r)
{
	agent_way_get(w->n->g->store, w->name, a, r_r);
	if (r_r->told_at > now)
		r_r->told_at = 0;
	if (r_r->next_at > now + RETRY_MOST)
		r_r->next_at = now;
}

/* --- how it went --- */

static int64_t
back_off(int64_t attempts)
{
	int64_t wait = RETRY;

	while (--attempts > 0 && wait < RETRY_MOST)
		wait *= 2;
	return wait < RETRY_MOST ? wait : RETRY_MOST;
}

static void
failed(const struct way *w, struct way_row *r, int64_t now)
{
	r->error = w->said ? w->said : "lockstep-notify ended without a word";
	r->next_at = now + back_off(++r->attempts);
	agent_log(LOG_WARN, "message-failed", "way", w->name, "text", r->error, NULL);
}

/* The memory may have been lost meanwhile, and its numbers begin anew. */
static bool
is_kept(struct agent_store *s, const struct news_row *n)
{
	struct news_row now;

	return agent_news(s, n->id - 1, &now, 1) && now.id == n->id && now.at == n->at;
}

/* It may say that not everybody got it: then that is the error, of no attempt that failed. */
static void
sent(const struct way *w, struct way_row *r, int64_t now)
{
	r->error = w->said ? w->said : "";
	agent_log(*r->error ? LOG_WARN : LOG_INFO, "message-sent", "way", w->name, "text", r->error,
		NULL);
	r->attempts = r->next_at = 0;
	if (!w->upto.id) {
		r->daily = now;
		return;
	}
	r->told_at = now;
	r->unwell = !w->well;
	if (is_kept(w->n->g->store, &w->upto))
		r->told = w->upto.id;
}

/* News that every way has got are done with. */
static bool
forget_news(struct notify *n, struct arena *a, struct err *e)
{
	int64_t told = agent_news_newest(n->g->store);

	for (size_t i = 0; i < NOTIFY_WAYS; i++) {
		struct way_row r;

		if (!is_on(&n->ways[i]))
			continue;
		agent_way_get(n->g->store, n->ways[i].name, a, &r);
		told = r.told < told ? r.told : told;
	}
	return agent_news_done(n->g->store, told, e);
}

static bool
keep(struct way *w, const struct way_row *r, struct arena *a, struct err *e)
{
	struct agent_store *s = w->n->g->store;

	if (!agent_begin(s, e))
		return false;
	if (agent_way_put(s, r, e) && forget_news(w->n, a, e))
		return agent_commit(s, e);
	agent_rollback(s);
	return false;
}

static void
went(struct way *w, bool well)
{
	CLEAN_ARENA struct arena *a = arena_new();
	int64_t now = agent_now();
	struct way_row r;
	struct err e = { 0 };

	row_get(w, now, a, &r);
	(well ? sent : failed)(w, &r, now);
	if (!keep(w, &r, a, &e))
		not_kept(&e);
}

/* --- sending --- */

static void go_on(struct way *w);

static int
on_timer(sd_event_source *t, uint64_t usec, void *ctx)
{
	(void)t;
	(void)usec;
	go_on(ctx);
	return 0;
}

static void
on_line(void *ctx, struct str line)
{
	struct way *w = ctx;

	free(w->said);
	w->said = xstrndup(line.p, line.n < 900 ? line.n : 900);
}

static void
on_ended(void *ctx, int status)
{
	struct way *w = ctx;

	w->child = NULL;
	if (!w->n->g->store || !is_on(w))
		return;
	went(w, WIFEXITED(status) && WEXITSTATUS(status) == 0);
	go_on(w);
}

static void
start(struct way *w, const char *input)
{
	CLEAN_FREE char *program = xasprintf("%s/lockstep-notify", w->n->g->bin);
	const char *const argv[] = { program, NULL };
	struct child_spec s = {
		.argv = argv, .input = str_c(input), .line = on_line, .ended = on_ended, .ctx = w
	};
	struct err e = { 0 };

	free(w->said);
	w->said = NULL;
	if (child_start(w->n->g, &s, &w->child, &e))
		return;
	w->said = xstrdup(e.text);
	went(w, false);
}

/* News that say nothing to this way are done with. */
static bool
pass_over(struct way *w, struct way_row *r, struct arena *a)
{
	struct err e = { 0 };

	r->told = w->upto.id;
	if (!keep(w, r, a, &e))
		not_kept(&e);
	return false;
}

/* News before a summary, which says what is open in any case. false: there is nothing to be sent. */
static bool
make(struct way *w, struct way_row *r, int64_t now, struct arena *a, struct buf *input)
{
	struct agent *g = w->n->g;
	CLEAN_BUF struct buf body = { 0 };
	struct notify_batch b;
	char host[256];

	notify_host(host, sizeof(host));
	notify_gather(g->store, r, host, now, a, &b, &w->upto);
	w->well = b.well;
	if (w->upto.id && notify_gather_empty(&b, r))
		return pass_over(w, r, a);
	if (w->upto.id)
		notify_text(&b, &body);
	else
		digest_make(g, r->daily, now, &body);
	return notify_way_message(g->conf, w->name, buf_cstr(&body), input);
}

/* When it may be tried: fresh news do not wait for what is older to be tried again. INT64_MAX: there is nothing. */
static int64_t
due_at(const struct way *w, const struct way_row *r, int64_t now)
{
	struct agent *g = w->n->g;
	int64_t newest = agent_news_newest(g->store), after = 0;

	if (newest > r->told)
		after = r->told_at ? r->told_at + g->conf->alerts.pause : 0;
	else if (!r->daily || !digest_due(g, r->daily, now))
		return INT64_MAX;
	if (r->attempts && newest <= w->newest && after < r->next_at)
		after = r->next_at;
	return after > now ? after : now;
}

/* Sends what is due, else comes back when something is. */
static void
go_on(struct way *w)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf input = { 0 };
	struct agent *g = w->n->g;
	int64_t now = agent_now(), at;
	struct way_row r;

	if (w->child || !g->store || g->stopping || !is_on(w))
		return;
	row_get(w, now, a, &r);
	at = due_at(w, &r, now);
	w->newest = at == now ? agent_news_newest(g->store) : w->newest;
	if (at == now && make(w, &r, now, a, &input))
		start(w, buf_cstr(&input));
	if (at != INT64_MAX && !w->child)
		agent_timer(g, &w->timer, (at > now ? at - now : RETRY) * 1000, on_timer, w);
}

/* --- what others want --- */

void
notify_soon(struct agent *g)
{
	CLEAN_ARENA struct arena *a = arena_new();

	for (size_t i = 0; g->notify && i < NOTIFY_WAYS; i++) {
		struct way *w = &g->notify->ways[i];

		agent_timer(g, &w->timer, GATHER_MS, on_timer, w);
	}
	if (g->notify && g->store && g->conf)
		forget_news(g->notify, a, NULL); /* where nobody is to be told */
}

const struct way_row *
notify_list(struct agent *g, struct arena *a, size_t *count_r)
{
	struct way_row *list = arena_alloc(a, NOTIFY_WAYS * sizeof(*list));

	*count_r = 0;
	for (size_t i = 0; g->notify && g->store && i < NOTIFY_WAYS; i++)
		if (is_on(&g->notify->ways[i]))
			agent_way_get(g->store, notify_ways[i], a, &list[(*count_r)++]);
	return list;
}

/* --- the part --- */

/* false: nothing changed. */
static bool
daily_begins(const struct way *w, struct way_row *r, int64_t now)
{
	int64_t last = digest_last(w->n->g, r->daily, now);

	if (r->daily == last)
		return false;
	r->daily = last;
	return true;
}

static void
minute(struct way *w)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct way_row r;
	struct err e = { 0 };

	if (!w->n->g->store || !is_on(w))
		return;
	row_get(w, agent_now(), a, &r);
	if (daily_begins(w, &r, agent_now()) && !keep(w, &r, a, &e))
		not_kept(&e);
	go_on(w);
}

static void
hear(void *ctx, const struct agent_news *news)
{
	struct notify *n = ctx;

	for (size_t i = 0; news->what == AGENT_MINUTE && i < NOTIFY_WAYS; i++)
		minute(&n->ways[i]);
}

/* What was wrong with a way may be right now; one that is no more is owed nothing. */
static bool
begin(struct way *w, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct way_row r;

	w->newest = 0;
	if (!is_on(w))
		return agent_way_drop(w->n->g->store, w->name, e);
	row_get(w, agent_now(), a, &r);
	r.next_at = 0;
	if (!r.attempts)
		r.error = "";
	daily_begins(w, &r, agent_now());
	return keep(w, &r, a, e);
}

void
notify_reloaded(struct agent *g)
{
	struct err e = { 0 };

	for (size_t i = 0; g->store && i < NOTIFY_WAYS; i++)
		if (!begin(&g->notify->ways[i], &e))
			not_kept(&e);
	notify_soon(g);
}

bool
notify_start(struct agent *g, struct err *e)
{
	(void)e;
	g->notify = xcalloc(1, sizeof(*g->notify));
	g->notify->g = g;
	for (size_t i = 0; i < NOTIFY_WAYS; i++)
		g->notify->ways[i] = (struct way){ .n = g->notify, .name = notify_ways[i] };
	agent_hear(g, hear, g->notify);
	if (g->conf)
		notify_reloaded(g);
	return true;
}

void
notify_stop(struct agent *g)
{
	struct notify *n = g->notify;

	if (!n)
		return;
	for (size_t i = 0; i < NOTIFY_WAYS; i++) {
		struct way *w = &n->ways[i];

		if (w->child)
			child_forget(w->child);
		sd_event_source_disable_unref(w->timer);
		free(w->said);
	}
	free(n);
	g->notify = NULL;
}
