#include "notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "child.h"
#include "digest.h"
#include "notify_text.h"
#include "notify_way.h"

#define GATHER_MS  2000 /* what one run brings comes together */
#define RETRY      30   /* doubling, to: */
#define RETRY_MOST AGENT_MESSAGE_WAIT
#define GIVE_UP    (3 * (int64_t)86400)
#define GIVE_UP_AT 20 /* attempts: a clock that jumped alone gives nothing up */
#define NEWS_MAX   1000

struct notify {
	struct agent *g;
	sd_event_source *gather, *again;
	struct child *child;
	int64_t sending; /* id of the message on its way */
	int64_t attempts, made;
	char *way, *said;
};

/* --- sending --- */

static void send_next(struct notify *n);

static int
on_again(sd_event_source *t, uint64_t usec, void *ctx)
{
	(void)t;
	(void)usec;
	send_next(ctx);
	return 0;
}

static void
on_line(void *ctx, struct str line)
{
	struct notify *n = ctx;

	free(n->said);
	n->said = xstrndup(line.p, line.n < 900 ? line.n : 900);
}

static int64_t
back_off(int64_t attempts)
{
	int64_t wait = RETRY;

	while (attempts-- > 0 && wait < RETRY_MOST)
		wait *= 2;
	return wait < RETRY_MOST ? wait : RETRY_MOST;
}

static void
failed(struct notify *n)
{
	const char *why = n->said ? n->said : "lockstep-notify ended without a word";
	int64_t now = agent_now(), next = now + back_off(n->attempts);
	bool over = now - n->made > GIVE_UP && n->attempts >= GIVE_UP_AT;

	agent_log(LOG_WARN, over ? "message-given-up" : "message-failed", "way", n->way, "text",
		why, NULL);
	if (over)
		agent_message_done(n->g->store, n->sending, NULL);
	else
		agent_message_failed(n->g->store, n->sending, next, why, NULL);
}

static void
on_ended(void *ctx, int status)
{
	struct notify *n = ctx;

	n->child = NULL;
	if (!n->g->store)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		agent_log(LOG_INFO, "message-sent", "way", n->way, NULL);
		agent_message_done(n->g->store, n->sending, NULL);
	} else {
		failed(n);
	}
	send_next(n);
}

static bool
start(struct notify *n, const struct message_row *m, const char *input)
{
	CLEAN_FREE char *program = xasprintf("%s/lockstep-notify", n->g->bin);
	const char *const argv[] = { program, NULL };
	struct child_spec s = {
		.argv = argv, .input = str_c(input), .line = on_line, .ended = on_ended, .ctx = n
	};
	struct err e = { 0 };

	free(n->way);
	free(n->said);
	n->said = NULL;
	n->way = xstrdup(m->way);
	n->sending = m->id;
	n->attempts = m->attempts;
	n->made = m->at;
	if (child_start(n->g, &s, &n->child, &e))
		return true;
	n->said = xstrdup(e.text);
	failed(n);
	return false;
}

/* One at a time, the oldest that is due; else a timer for the next. */
static void
send_next(struct notify *n)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct message_row m;
	int64_t now = agent_now(), next;

	if (n->child || !n->g->store || !n->g->conf || n->g->stopping)
		return;
	while (agent_message_due(n->g->store, now, a, &m)) {
		CLEAN_BUF struct buf input = { 0 };

		if (!notify_way_message(n->g->conf, m.way, m.body, &input))
			agent_message_done(n->g->store, m.id, NULL); /* the way is no more */
		else if (start(n, &m, buf_cstr(&input)))
			return;
	}
	next = agent_message_next(n->g->store, now);
	if (next != INT64_MAX)
		agent_timer(n->g, &n->again, (next > now ? next - now : 1) * 1000, on_again, n);
}

void
notify_send(struct agent *g, const char *body)
{
	struct err e = { 0 };

	for (const char *const *way = notify_ways; g->conf && g->store && *way; way++)
		if (notify_way_on(g->conf, *way) &&
			!agent_message_add(g->store, *way, body, agent_now(), &e))
			agent_log(LOG_ERROR, "message-not-kept", "text", e.text, NULL);
	send_next(g->notify);
}

/* --- news --- */

struct gathered {
	struct arena *a;
	struct notify_batch b;
	struct alert_row *raised, *cleared, *passed, *open;
	int64_t last;
};

static bool
has(const struct alert_row *list, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].id == id)
			return true;
	return false;
}

/* What an alert is now counts, not each step on the way. */
static void
gather_one(struct gathered *k, const struct news_row *all, size_t n, const struct news_row *w,
	struct agent_store *s)
{
	struct notify_batch *b = &k->b;
	struct alert_row r;
	bool began = false;

	if (w->what == NEWS_WELL || has(k->raised, b->raised_count, w->alert) ||
		has(k->cleared, b->cleared_count, w->alert) ||
		has(k->passed, b->passed_count, w->alert) ||
		!agent_alert_get(s, w->alert, k->a, &r))
		return;
	for (size_t i = 0; i < n && !began; i++) /* the first word about it: was it told before? */
		if (all[i].alert == w->alert) {
			began = all[i].what == NEWS_RAISED;
			break;
		}
	if (r.state == ALERT_OPEN)
		k->raised[b->raised_count++] = r;
	else if (began)
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
gather_open(struct gathered *k, struct agent_store *s)
{
	struct alert_row *list = arena_alloc(k->a, NEWS_MAX * sizeof(*list));
	size_t n = agent_alerts_open(s, k->a, list, NEWS_MAX);

	for (size_t i = 0; i < n; i++)
		if (!has(k->raised, k->b.raised_count, list[i].id))
			k->open[k->b.open_count++] = list[i];
}

static void
gather(struct gathered *k, struct agent_store *s, const char *host)
{
	struct news_row *news = arena_alloc(k->a, NEWS_MAX * sizeof(*news));
	size_t n = agent_news(s, 0, news, NEWS_MAX);

	k->raised = arena_alloc(k->a, NEWS_MAX * sizeof(*k->raised));
	k->cleared = arena_alloc(k->a, NEWS_MAX * sizeof(*k->cleared));
	k->passed = arena_alloc(k->a, NEWS_MAX * sizeof(*k->passed));
	k->open = arena_alloc(k->a, NEWS_MAX * sizeof(*k->open));
	for (size_t i = 0; i < n; i++)
		gather_one(k, news, n, &news[i], s);
	gather_open(k, s);
	qsort(k->raised, k->b.raised_count, sizeof(*k->raised), graver_first);
	k->last = n ? news[n - 1].id : 0;
	k->b.raised = k->raised;
	k->b.cleared = k->cleared;
	k->b.passed = k->passed;
	k->b.open = k->open;
	k->b.host = host;
	k->b.now = agent_now();
	k->b.well = n && k->b.raised_count + k->b.open_count == 0;
}

/* The message and the end of its news are one step, or a kill would lose or double it. */
static bool
put_message(struct agent *g, const struct gathered *k, const char *body, struct err *e)
{
	bool ok = agent_begin(g->store, e);

	for (const char *const *way = notify_ways; ok && body && *way; way++)
		ok = !notify_way_on(g->conf, *way) ||
		     agent_message_add(g->store, *way, body, k->b.now, e);
	ok = ok && agent_news_done(g->store, k->last, e) &&
	     agent_fact_set(g->store, "told", k->b.now, e);
	if (ok)
		return agent_commit(g->store, e);
	agent_rollback(g->store);
	return false;
}

static void
tell(struct notify *n)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf body = { 0 };
	struct gathered k = { .a = a };
	struct err e = { 0 };
	char host[256];

	notify_host(host, sizeof(host));
	gather(&k, n->g->store, host);
	if (!k.last)
		return;
	notify_text(&k.b, &body);
	if (put_message(n->g, &k, buf_cstr(&body), &e))
		send_next(n);
	else
		agent_log(LOG_ERROR, "message-not-kept", "text", e.text, NULL);
}

static int
on_gather(sd_event_source *t, uint64_t usec, void *ctx)
{
	struct notify *n = ctx;
	struct news_row one;
	int64_t now = agent_now(), told;

	(void)t;
	(void)usec;
	if (!n->g->store || !n->g->conf || n->g->stopping || !agent_news(n->g->store, 0, &one, 1))
		return 0;
	told = agent_fact(n->g->store, "told");
	if (now < told || now - told >= n->g->conf->alerts.pause)
		tell(n);
	else
		agent_timer(n->g, &n->gather, (told + n->g->conf->alerts.pause - now) * 1000,
			on_gather, n);
	return 0;
}

void
notify_soon(struct agent *g)
{
	struct notify *n = g->notify;

	if (n)
		agent_timer(g, &n->gather, GATHER_MS, on_gather, n);
}

void
notify_worst(struct agent *g, struct arena *a, struct message_row *m_r)
{
	*m_r = (struct message_row){ .way = "", .error = "" };
	if (g->store)
		agent_message_worst(g->store, a, m_r);
}

/* --- the part --- */

static void
hear(void *ctx, const struct agent_news *news)
{
	struct notify *n = ctx;

	if (news->what == AGENT_MINUTE)
		digest_when_due(n->g);
}

void
notify_reloaded(struct agent *g)
{
	if (!g->store)
		return;
	agent_messages_retry(g->store, agent_now(), NULL); /* what was wrong may be right now */
	send_next(g->notify);
	notify_soon(g);
}

bool
notify_start(struct agent *g, struct err *e)
{
	(void)e;
	g->notify = xcalloc(1, sizeof(*g->notify));
	g->notify->g = g;
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
	if (n->child)
		child_forget(n->child);
	sd_event_source_disable_unref(n->gather);
	sd_event_source_disable_unref(n->again);
	free(n->way);
	free(n->said);
	free(n);
	g->notify = NULL;
}
