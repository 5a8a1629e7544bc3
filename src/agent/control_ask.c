/* What is asked for over the control socket. */
#include "control_p.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "commands.h"
#include "live.h"
#include "reload.h"

#define FOLLOWERS_MAX 8

/* --- a job's output to its asker --- */

static void
say_text(struct line_conn *c, const char *name, const char *p, size_t n)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	jsonw_obj(&w, NULL);
	jsonw_strn(&w, name, p, n);
	jsonw_end(&w);
	control_say(c, &line);
}

static void
say_state(struct line_conn *c, const struct job *j, const char *state)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	jsonw_obj(&w, NULL);
	jsonw_int(&w, "job", (int64_t)job_id(j));
	jsonw_str(&w, "state", state);
	jsonw_end(&w);
	control_say(c, &line);
}

static void
say_ok(struct line_conn *c)
{
	CLEAN_BUF struct buf line = { 0 };

	buf_adds(&line, "{\"ok\":true}");
	control_say(c, &line);
}

/* So many bytes at the end are the beginning of a character. */
static size_t
unfinished(const char *p, size_t n)
{
	for (size_t back = 1; back <= 3 && back <= n; back++) {
		unsigned char ch = (unsigned char)p[n - back];
		size_t length = ch >= 0xf0 ? 4 : ch >= 0xe0 ? 3 : ch >= 0xc0 ? 2 : 1;

		if (ch >= 0x80 && ch < 0xc0)
			continue;
		return length > back ? back : 0;
	}
	return 0;
}

static void
on_out(void *ctx, struct str chunk)
{
	struct line_conn *c = ctx;
	size_t cut, n;

	buf_add(&c->tail, chunk.p, chunk.n);
	cut = unfinished(c->tail.p, c->tail.n);
	n = c->tail.n - cut;
	if (n)
		say_text(c, "out", c->tail.p, n);
	buf_take(&c->tail, n);
}

static void
on_line(void *ctx, struct str line)
{
	struct line_conn *c = ctx;

	/* Of what tells of progress a slow reader misses some. */
	if (c->out.n - c->written < CONTROL_OUT_PAUSE)
		say_text(c, "err", line.p ? line.p : "", line.n);
}

static void
on_begun(void *ctx, struct job *j)
{
	struct line_conn *c = ctx;

	say_state(c, j, "running");
	control_rest(c);
}

static void
on_done(void *ctx, const struct job *j)
{
	struct line_conn *c = ctx;
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	if (c->tail.n)
		say_text(c, "out", c->tail.p, c->tail.n);
	buf_reset(&c->tail);
	c->job = NULL;
	c->follows = false;
	c->paused = false;
	jsonw_obj(&w, NULL);
	jsonw_int(&w, "exit", job_exit(j));
	if (job_exit(j) < 0) {
		const struct err *e = job_error(j);
		bool told = *e->code && !job_cancelled(j);

		jsonw_obj(&w, "error");
		jsonw_str(&w, "code", told ? e->code : "cancelled");
		jsonw_str(&w, "message",
			told             ? e->text
			: c->g->stopping ? "lockstepd is being stopped"
					 : "it was cancelled");
		jsonw_end(&w);
	}
	jsonw_end(&w);
	control_say(c, &line);
	control_rest(c);
}

/* --- commands --- */

static void
add_job(struct line_conn *c, const struct job_spec *s)
{
	struct job_spec mine = *s;
	struct err e = { 0 };

	mine.why = "cli";
	mine.by = c->by;
	mine.begun = on_begun;
	mine.done = on_done;
	mine.ctx = c;
	mine.order = JOB_DEMAND;
	c->job = job_add(c->g, &mine);
	if (c->job) {
		say_state(c, c->job, "waiting");
		return;
	}
	c->follows = false;
	err_set(&e, ERR_RETRY, "busy", "lockstepd %s",
		c->g->stopping ? "is being stopped" : "has too much to do");
	control_refuse(c, &e, false);
}

static void
start_command(struct line_conn *c, const struct json *words, bool json, bool events)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct command_asked asked;
	struct err e = { 0 };

	if (!command_allow_json(words, a, &asked, &e)) {
		control_refuse(c, &e, false);
		return;
	}
	if (asked.turn == COMMAND_FOLLOWS && control_followers(c->g) >= FOLLOWERS_MAX) {
		err_set(&e, ERR_RETRY, "busy",
			"%d follow already: try again when one of them has ended", FOLLOWERS_MAX);
		control_refuse(c, &e, false);
		return;
	}
	c->follows = asked.turn == COMMAND_FOLLOWS;
	add_job(c, &(struct job_spec){ .argv = (const char *const *)asked.words,
			   .writes = asked.turn == COMMAND_WRITES,
			   .json = json,
			   .events = events && asked.run,
			   .out = on_out,
			   .line = on_line });
}

/* What the one who asks reads before the answer. */
static void
say_note(struct line_conn *c, const char *text)
{
	say_text(c, "err", text, strlen(text));
}

/* A file that is refused keeps nobody from looking at what goes on. */
static bool
can_do_without(struct line_conn *c, const struct json *words)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct command_asked asked;

	return c->g->conf && command_allow_json(words, a, &asked, NULL) &&
	       asked.turn != COMMAND_WRITES && !asked.file;
}

/* The file was edited: who asks for something now wants it as it is now. */
static void
on_reloaded_first(void *ctx, const struct err *e)
{
	struct line_conn *c = ctx;
	CLEAN_JSON struct json *words = c->wish;

	c->wish = NULL;
	if (e->kind != ERR_NONE && !can_do_without(c, words)) {
		control_refuse(c, e, false);
	} else {
		if (e->kind != ERR_NONE)
			say_note(c, "lockstepd goes on with the configuration that was in force "
				    "before");
		start_command(c, words, c->wish_json, c->wish_events);
	}
	control_rest(c);
}

static void
ask_command(struct line_conn *c, const struct control_request *r)
{
	bool events = json_get_bool(r->tree, "events", false);

	if (c->g->conf && !reload_pending(c->g)) {
		start_command(c, r->command, r->json, events);
		return;
	}
	c->wish = json_dup(r->command);
	c->wish_json = r->json;
	c->wish_events = events;
	reload_ask(c->g, on_reloaded_first, c);
}

/* --- other requests --- */

static void
ask_status(struct line_conn *c)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	jsonw_obj(&w, NULL);
	live_status(c->g, &w);
	jsonw_end(&w);
	control_say(c, &line);
}

static void
on_reloaded(void *ctx, const struct err *e)
{
	if (e->kind == ERR_NONE)
		say_ok(ctx);
	else
		control_refuse(ctx, e, false);
}

static void
ask_console(struct line_conn *c)
{
	CLEAN_BUF struct buf line = { 0 };
	CLEAN_BUF struct buf url = { 0 };
	struct jsonw w = jsonw(&line);
	struct err e = { 0 };

	if (!c->g->link_new)
		err_set(&e, ERR_CONFIG, "no-console",
			"the console is switched off: console { enabled = \"yes\" }");
	if (!c->g->link_new || !c->g->link_new(c->g, c->by, &url, &e)) {
		control_refuse(c, &e, false);
		return;
	}
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "url", buf_cstr(&url));
	jsonw_end(&w);
	control_say(c, &line);
}

static void
ask_cancel(struct line_conn *c, uint64_t id)
{
	struct job *j = job_by_id(c->g, id);
	struct err e = { 0 };

	if (j) {
		agent_log(LOG_INFO, "job-cancelled", "command", job_command(j), "by", c->by, NULL);
		job_cancel(c->g, j);
		say_ok(c);
		return;
	}
	err_set(&e, ERR_OBJECT, "no-job",
		"there is no job %llu any more: it has ended, or lockstepd was started anew since; "
		"`lockstep history` tells what was done",
		(unsigned long long)id);
	control_refuse(c, &e, false);
}

void
control_line(struct line_conn *c, struct str line)
{
	struct control_request r;
	struct err e = { 0 };

	if (!control_parse(line, &r, &e)) {
		control_refuse(c, &e, true);
		return;
	}
	if (r.ask == ASK_COMMAND && (c->job || c->wish)) {
		err_set(&e, ERR_RETRY, "busy", "one command at a time on one connection");
		control_refuse(c, &e, false);
	} else if (r.ask == ASK_COMMAND) {
		ask_command(c, &r);
	} else if (r.ask == ASK_STATUS) {
		ask_status(c);
	} else if (r.ask == ASK_RELOAD) {
		reload_ask(c->g, on_reloaded, c);
	} else if (r.ask == ASK_CONSOLE) {
		ask_console(c);
	} else {
		ask_cancel(c, r.job);
	}
	json_free(r.tree);
}

void
control_drop(struct line_conn *c)
{
	struct job *j = c->job;

	c->job = NULL;
	reload_forget(c->g, c);
	json_free(c->wish);
	c->wish = NULL;
	if (!j)
		return;
	job_forget(j);
	if (c->follows)
		job_cancel(c->g, j);
}
