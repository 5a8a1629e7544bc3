#include "scim_cost.h"

#define EVERY_MS 1000

static void
keep(struct cost_list *l, double ms)
{
	if (l->count < COST_KEEP)
		l->ms[l->count++] = ms;
	else
		l->ms[COST_KEEP - 1] +=
			ms; /* nobody has asked for long: the sum at least is right */
}

void
cost_answer(struct cost *c, const struct http_slot *slot)
{
	if (slot->outcome == HTTP_ANSWERED)
		keep(&c->answers, slot->ms);
}

void
cost_waits(struct cost *c, int cause, int64_t now_ms)
{
	if (c->waiting && c->cause == cause)
		return;
	if (c->waiting && now_ms > c->since_ms)
		keep(&c->waits[c->cause], (double)(now_ms - c->since_ms));
	c->waiting = cause != COST_NO_WAIT;
	c->cause = cause;
	c->since_ms = now_ms;
}

static void
write_list(struct jsonw *w, const char *name, struct cost_list *l)
{
	if (!l->count)
		return;
	jsonw_arr(w, name);
	for (size_t i = 0; i < l->count; i++)
		jsonw_num(w, NULL, l->ms[i]);
	jsonw_end(w);
	l->count = 0;
}

void
cost_say(struct cost *c, struct serve *serve, bool now, int64_t now_ms)
{
	size_t most = c->answers.count;
	struct jsonw *w;

	for (int k = 0; k < WAIT_COUNT; k++)
		if (c->waits[k].count > most)
			most = c->waits[k].count;
	if (!most || (!now && most < COST_KEEP / 2 && now_ms - c->said_ms < EVERY_MS))
		return;
	c->said_ms = now_ms;
	w = serve_line(serve, "progress");
	jsonw_obj(w, "cost");
	write_list(w, "answers", &c->answers);
	for (int k = 0; k < WAIT_COUNT; k++)
		write_list(w, wire_wait_names[k], &c->waits[k]);
	jsonw_end(w);
	serve_send(serve, NULL);
}
