#include "reload.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "jobs.h"

#define SETTLE_MS 300 /* an editor writes more than once */

struct waiter {
	struct waiter *next;
	void (*fn)(void *ctx, const struct err *e);
	void *ctx;
};
struct reload {
	struct agent *g;
	struct waiter *now, *then; /* of the one at work, of the one after it */
	bool busy, up;             /* up: the daemon's parts run */
	struct conf *next;
	char *accepted; /* path of the copy */
	char *uncopied; /* what is in force, as long as there is no copy of it */
	sd_event_source *folder, *soon;
	int64_t looked; /* ms; when pending was found */
	bool pending;
};

static void begin(struct reload *r);

static void
tell(struct reload *r, const struct err *e)
{
	struct waiter *list = r->now;

	r->now = NULL;
	while (list) {
		struct waiter *w = list;

		list = w->next;
		if (w->fn)
			w->fn(w->ctx, e);
		free(w);
	}
}

static void
finish(struct reload *r, const struct err *e)
{
	struct agent *g = r->g;

	r->busy = false;
	conf_free(&r->next);
	if (g->stopping) { /* what was stopped with us says nothing about the file */
		tell(r, e);
		return;
	}
	if (e->kind != ERR_NONE) {
		g->conf_error = *e;
		agent_log(LOG_ERROR, "config-refused", "code", e->code, "text", e->text, NULL);
		if (r->up)
			agent_tell(g, AGENT_CONF_REFUSED, NULL);
	}
	if (r->up)
		sd_notify(0, "READY=1");
	tell(r, e);
	if (r->then)
		begin(r);
}

static bool
same(const struct conf *a, const struct conf *b)
{
	CLEAN_BUF struct buf x = { 0 };
	CLEAN_BUF struct buf y = { 0 };

	conf_print(a, &x);
	conf_print(b, &y);
	return str_eq(buf_str(&x), buf_str(&y));
}

/* Every minute. */
static void
copy_again(struct reload *r)
{
	CLEAN_FREE char *copy = r->uncopied ? xasprintf("%s/agent.conf", r->g->conf->state) : NULL;

	if (!copy || !file_write_atomic(copy, 0600, str_c(r->uncopied), NULL))
		return;
	free(r->accepted);
	r->accepted = xstrdup(copy);
	free(r->uncopied);
	r->uncopied = NULL;
}

static bool
accept_conf(struct reload *r, const char *text, struct err *e)
{
	struct agent *g = r->g;
	struct conf *old = g->conf;
	CLEAN_FREE char *copy = xasprintf("%s/agent.conf", r->next->state);
	bool copied;

	if (!agent_lock(g, r->next->state, e))
		return false;
	copied = file_write_atomic(copy, 0600, str_c(text), e);
	if (!copied && old) {
		agent_lock(g, old->state, NULL); /* that goes on */
		return false;
	}
	free(r->uncopied);
	r->uncopied = copied ? NULL : xstrdup(text);
	if (!copied) { /* a full disk makes a right file no wrong one */
		agent_log(LOG_WARN, "config-not-copied", "text", e->text, NULL);
		err_clear(e);
	}
	g->conf = r->next;
	r->next = NULL;
	err_clear(&g->conf_error);
	free(r->accepted);
	r->accepted = copied ? xstrdup(copy) : NULL;
	r->folder = sd_event_source_disable_unref(r->folder);
	r->looked = 0;
	agent_log(LOG_INFO, "config-loaded", "file", g->conf_path, NULL);
	if (r->up) {
		parts_reloaded(g);
		agent_tell(g, AGENT_CONF_CHANGED, NULL);
	}
	conf_free(&old);
	return true;
}

static void
on_examined(void *ctx, const struct job *j)
{
	struct reload *r = ctx;
	const char *text = json_get_string(job_result(j), "text");
	struct err e = *job_error(j);

	if (r->g->stopping) {
		err_set(&e, ERR_RETRY, "stopping", "lockstepd stops");
	} else if (job_exit(j) != 0 || !text) {
		if (e.kind == ERR_NONE)
			err_set(&e, ERR_CONFIG, "bad-config", "%s could not be examined",
				r->g->conf_path);
		e.kind = ERR_CONFIG;
	} else {
		err_clear(&e);
		accept_conf(r, text, &e);
	}
	finish(r, &e);
}

static void
begin(struct reload *r)
{
	static const char *const show[] = { "config", "show", NULL };
	struct agent *g = r->g;
	struct err e = { 0 };

	r->busy = true;
	r->looked = 0;
	r->now = r->then;
	r->then = NULL;
	if (!conf_load(g->conf_path, &r->next, &e)) {
		finish(r, &e);
		return;
	}
	if (g->conf && same(g->conf, r->next)) {
		bool was_refused = g->conf_error.kind != ERR_NONE;

		err_clear(&g->conf_error);
		if (was_refused && r->up)
			agent_tell(g, AGENT_CONF_CHANGED, NULL);
		finish(r, &e);
		return;
	}
	if (r->up) {
		struct timespec t;

		clock_gettime(CLOCK_MONOTONIC, &t);
		sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
			(long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
	}
	if (!job_add(g, &(struct job_spec){ .argv = show,
				.json = true,
				.conf = g->conf_path,
				.why = "reload",
				.done = on_examined,
				.ctx = r })) {
		err_set(&e, ERR_RETRY, "busy", "lockstepd stops, or has too much to do");
		finish(r, &e);
	}
}

void
reload_ask(struct agent *g, void (*fn)(void *ctx, const struct err *e), void *ctx)
{
	struct waiter *w = xcalloc(1, sizeof(*w)), **end = &g->reload->then;

	*w = (struct waiter){ NULL, fn, ctx };
	while (*end)
		end = &(*end)->next;
	*end = w;
	if (!g->reload->busy)
		begin(g->reload);
}

void
reload_forget(struct agent *g, const void *ctx)
{
	if (!g->reload)
		return;
	for (struct waiter *w = g->reload->now; w; w = w->next)
		w->fn = w->ctx == ctx ? NULL : w->fn;
	for (struct waiter *w = g->reload->then; w; w = w->next)
		w->fn = w->ctx == ctx ? NULL : w->fn;
}

bool
reload_pending(struct agent *g)
{
	struct conf *c = NULL;
	struct err e;
	bool pending;

	if (!g->conf)
		return false;
	pending = !conf_load(g->conf_path, &c, &e) || !same(c, g->conf);
	conf_free(&c);
	return pending;
}

bool
reload_pending_lately(struct agent *g)
{
	struct reload *r = g->reload;
	int64_t now = clock_system.mono_ms(clock_system.ctx);

	if (!r->looked || now - r->looked > 1000) {
		r->pending = reload_pending(g);
		r->looked = now;
	}
	return r->pending;
}

const char *
reload_conf_file(struct agent *g)
{
	return g->conf && g->reload->accepted && reload_pending(g) ? g->reload->accepted
								   : g->conf_path;
}

/* --- set-up mode: the file may appear, or come right --- */

static int
on_soon(sd_event_source *src, uint64_t us, void *ctx)
{
	struct reload *r = ctx;

	(void)src;
	(void)us;
	if (!r->g->conf && !r->g->stopping && access(r->g->conf_path, F_OK) == 0)
		reload_ask(r->g, NULL, NULL);
	return 0;
}

static int
on_folder(sd_event_source *src, const struct inotify_event *ev, void *ctx)
{
	struct reload *r = ctx;

	(void)src;
	/* What we write beside it ourselves - a state folder, a socket - is no reason. */
	if (ev->len && !strncmp(ev->name, "agent.", 6))
		return 0;
	agent_timer(r->g, &r->soon, SETTLE_MS, on_soon, r);
	return 0;
}

static void
watch_folder(struct reload *r)
{
	CLEAN_FREE char *copy = xstrdup(r->g->conf_path);

	if (r->g->conf || r->folder)
		return;
	if (sd_event_add_inotify(r->g->loop, &r->folder, dirname(copy),
		    IN_CLOSE_WRITE | IN_MOVED_TO, on_folder, r) < 0)
		r->folder = NULL; /* there is none yet: looked for every minute */
	else
		agent_timer(r->g, &r->soon, SETTLE_MS, on_soon, r);
}

static void
hear(void *ctx, const struct agent_news *n)
{
	struct reload *r = ctx;

	if (n->what != AGENT_MINUTE)
		return;
	watch_folder(r);
	copy_again(r);
}

static void
on_first(void *ctx, const struct err *e)
{
	(void)e;
	*(bool *)ctx = true;
}

/* In set-up mode one daemon on one state folder, too, where it can be had. */
static bool
set_up_lock(struct agent *g, struct err *e)
{
	if (agent_lock(g, g->state_path, e))
		return true;
	if (strcmp(e->code, "running") == 0)
		return false;
	agent_log(LOG_WARN, "no-state", "code", e->code, "text", e->text, NULL);
	return true;
}

/* The first time the loop runs for this alone; what the others start with is decided then. */
bool
reload_start(struct agent *g, struct err *e)
{
	struct reload *r = xcalloc(1, sizeof(*r));
	bool decided = false;

	r->g = g;
	g->reload = r;
	reload_ask(g, on_first, &decided);
	while (!decided && !g->stopping)
		if (sd_event_run(g->loop, UINT64_MAX) < 0)
			return err_set(e, ERR_CONFIG, "os", "the loop failed");
	if (!decided)
		return err_set(e, ERR_NONE, "stopping", "asked to stop");
	if (strcmp(g->conf_error.code, "running") == 0) {
		*e = g->conf_error;
		return false;
	}
	r->up = true;
	agent_hear(g, hear, r);
	if (g->conf)
		return true;
	watch_folder(r);
	return set_up_lock(g, e);
}

void
reload_stop(struct agent *g)
{
	struct reload *r = g->reload;

	if (!r)
		return;
	sd_event_source_disable_unref(r->folder);
	sd_event_source_disable_unref(r->soon);
	for (int i = 0; i < 2; i++)
		for (struct waiter *w = i ? r->then : r->now, *next; w; w = next) {
			next = w->next;
			free(w);
		}
	conf_free(&r->next);
	free(r->accepted);
	free(r->uncopied);
	mem_clean_free(&g->reload);
}
