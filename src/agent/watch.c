#include "watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "base/mem.h"
#include "child.h"
#include "reload.h"
#include "timer.h"

#define BACK_OFF_MS     2000
#define BACK_OFF_MAX_MS 300000
#define STOOD_S         60 /* so long a watch, and its end begins a new series of pauses */
#define GRACE_S         10
#define LINE_MAX_BYTES  4096
#define CANNOT          6 /* exit code of a source that cannot watch */

enum state { STARTING, STANDING, WAITING, CANNOT_WATCH };
static const char *const state_names[] = { "starting", "watching", "waiting", "cannot" };

struct watch {
	struct watch *next;
	struct agent *g;
	char *source;
	enum state state;
	struct child *child;
	sd_event_source *again;
	struct buf line, said; /* of its output; the last line of its standard error */
	int64_t since, back_off;
};
struct watches {
	struct watch *list;
};

static void begin(struct watch *w);

static int
on_again(sd_event_source *src, uint64_t us, void *ctx)
{
	(void)src;
	(void)us;
	begin(ctx);
	return 0;
}

static void
enter(struct watch *w, enum state state)
{
	if (w->state != state)
		w->since = agent_now();
	w->state = state;
}

static void
wait_for_better(struct watch *w)
{
	/* Each beginning asks for a run: one that comes and goes must not ask for one after the other. */
	if (w->state == STANDING && agent_now() - w->since >= STOOD_S)
		w->back_off = 0;
	w->back_off = w->back_off ? w->back_off * 2 : BACK_OFF_MS;
	if (w->back_off > BACK_OFF_MAX_MS)
		w->back_off = BACK_OFF_MAX_MS;
	if (w->state != WAITING)
		agent_log(LOG_WARN, "watch-ended", "source", w->source, "text", buf_cstr(&w->said),
			NULL);
	enter(w, WAITING);
	agent_timer(w->g, &w->again, w->back_off, on_again, w);
}

static void
take_line(struct watch *w)
{
	CLEAN_JSON struct json *j = NULL;
	const char *text;

	if (!json_parse(buf_str(&w->line), LINE_MAX_BYTES, &j, NULL))
		return;
	text = json_get_string(json_get(j, "error"), "message");
	if (text) {
		buf_reset(&w->said);
		buf_adds(&w->said, text);
	}
	if (json_get_bool(j, "watching", false)) {
		/* What changed before it stood may have been missed. */
		timer_changed(w->g, w->source);
		buf_reset(&w->said);
		enter(w, STANDING);
	}
	if (json_get_bool(j, "changed", false))
		timer_changed(w->g, w->source);
}

static void
on_out(void *ctx, struct str chunk)
{
	struct watch *w = ctx;

	for (size_t i = 0; i < chunk.n; i++) {
		if (chunk.p[i] != '\n') {
			if (w->line.n <= LINE_MAX_BYTES)
				buf_addc(&w->line, chunk.p[i]);
			continue;
		}
		take_line(w);
		buf_reset(&w->line);
	}
}

static void
on_line(void *ctx, struct str line)
{
	struct watch *w = ctx;

	buf_reset(&w->said);
	text_escape(line.p, line.n, 500, &w->said);
}

static void
on_ended(void *ctx, int status)
{
	struct watch *w = ctx;

	w->child = NULL;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT) {
		agent_log(LOG_INFO, "watch-cannot", "source", w->source, "text", buf_cstr(&w->said),
			NULL);
		enter(w, CANNOT_WATCH);
	} else {
		wait_for_better(w);
	}
}

static void
start(struct watch *w)
{
	CLEAN_FREE char *program = xasprintf("%s/lockstep", w->g->bin);
	const char *argv[] = { program, "-c", reload_conf_file(w->g), "watch", w->source, "--json",
		NULL };
	struct err e = { 0 };

	buf_reset(&w->line);
	if (child_start(w->g,
		    &(struct child_spec){ .argv = argv,
			    .out = on_out,
			    .line = on_line,
			    .ended = on_ended,
			    .ctx = w },
		    &w->child, &e))
		return;
	buf_reset(&w->said);
	buf_adds(&w->said, e.text);
	wait_for_better(w);
}

static void
begin(struct watch *w)
{
	if (!w->g->stopping)
		start(w);
}

static void
watch_free(struct watch *w)
{
	if (w->child) {
		child_forget(w->child);
		child_end(w->child, GRACE_S);
	}
	sd_event_source_disable_unref(w->again);
	free(w->source);
	buf_free(&w->line);
	buf_free(&w->said);
	free(w);
}

static void
free_all(struct watches *ws)
{
	while (ws->list) {
		struct watch *w = ws->list;

		ws->list = w->next;
		watch_free(w);
	}
}

static bool
wanted(const struct conf *c, const char *source)
{
	for (size_t i = 0; i < c->sync_count; i++)
		if (c->syncs[i].schedule.on_change && strcmp(c->syncs[i].from, source) == 0)
			return true;
	return false;
}

/* All anew: the options of any source may be others now. */
void
watch_reloaded(struct agent *g)
{
	free_all(g->watches);
	for (size_t i = 0; g->conf && i < g->conf->source_count; i++) {
		struct watch *w;

		if (!wanted(g->conf, g->conf->sources[i].name))
			continue;
		w = xcalloc(1, sizeof(*w));
		*w = (struct watch){ .next = g->watches->list,
			.g = g,
			.source = xstrdup(g->conf->sources[i].name),
			.since = agent_now() };
		g->watches->list = w;
		begin(w);
	}
}

void
watch_json(struct agent *g, struct jsonw *j)
{
	jsonw_arr(j, "watching");
	for (struct watch *w = g->watches->list; w; w = w->next) {
		jsonw_obj(j, NULL);
		jsonw_str(j, "source", w->source);
		jsonw_str(j, "state", state_names[w->state]);
		jsonw_int(j, "since", w->since);
		if (w->said.n && w->state != STANDING)
			jsonw_str(j, "text", buf_cstr(&w->said));
		jsonw_end(j);
	}
	jsonw_end(j);
}

static void
hear(void *ctx, const struct agent_news *n)
{
	struct agent *g = ctx;

	if (n->what == AGENT_STOPPING && g->watches)
		free_all(g->watches);
}

bool
watch_start(struct agent *g, struct err *e)
{
	(void)e;
	g->watches = xcalloc(1, sizeof(*g->watches));
	agent_hear(g, hear, g);
	watch_reloaded(g);
	return true;
}

void
watch_stop(struct agent *g)
{
	if (!g->watches)
		return;
	free_all(g->watches);
	mem_clean_free(&g->watches);
}
