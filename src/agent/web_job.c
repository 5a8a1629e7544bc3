/* Commands of `lockstep` for the pages: some answered with their end, some that go on and are asked about. */
#include "web_p.h"

#include <stdlib.h>
#include <string.h>
#include "commands.h"
#include "live.h"

/* --- for one request --- */

static void
run_done(void *ctx, const struct job *j)
{
	struct exchange *x = ctx;

	x->job = NULL;
	x->w->reads--;
	x->then(x, j);
}

void
web_run(struct exchange *x, const struct job_spec *spec,
	void (*then)(struct exchange *x, const struct job *j))
{
	struct job_spec s = *spec;

	if (x->w->reads >= WEB_READS) {
		web_fail(x, 503, "busy", "too much is asked for at once; try again");
		return;
	}
	s.by = x->by ? x->by : "";
	s.why = "console";
	s.done = run_done;
	s.ctx = x;
	x->then = then;
	x->job = job_add(x->w->g, &s);
	if (x->job)
		x->w->reads++;
	else
		web_fail(x, 503, "busy", "the service stops, or too many commands wait");
}

/* Lines that are JSON: the last as "output", all of several as "outputs". */
void
web_job_lines(struct str out, struct jsonw *w)
{
	struct json *list[64];
	size_t count = 0;

	while (out.n && count < ARRAY_LEN(list)) {
		const char *nl = memchr(out.p, '\n', out.n);
		struct str line = { out.p, nl ? (size_t)(nl - out.p) : out.n };

		if (line.n && json_parse(line, 0, &list[count], NULL))
			count++;
		out.p += line.n + (nl ? 1 : 0);
		out.n -= line.n + (nl ? 1 : 0);
	}
	if (count)
		jsonw_json(w, "output", list[count - 1]);
	else
		jsonw_null(w, "output");
	if (count > 1) {
		jsonw_arr(w, "outputs");
		for (size_t i = 0; i < count; i++)
			jsonw_json(w, NULL, list[i]);
		jsonw_end(w);
	}
	for (size_t i = 0; i < count; i++)
		json_free(list[i]);
}

static void
error_json(const struct err *e, struct jsonw *w)
{
	if (!e || e->kind == ERR_NONE)
		return;
	jsonw_obj(w, "error");
	jsonw_str(w, "code", e->code);
	jsonw_str(w, "message", e->text);
	jsonw_end(w);
}

void
web_outcome(struct exchange *x, const struct job *j)
{
	struct jsonw w = jsonw(&x->out);

	jsonw_obj(&w, NULL);
	jsonw_int(&w, "exit", job_exit(j));
	web_job_lines(job_out(j), &w);
	error_json(job_error(j), &w);
	jsonw_end(&w);
	web_json(x, 200);
}

static const char **
words_of(struct exchange *x, const char *name)
{
	const char **words = arena_alloc(x->a, 33 * sizeof(*words));

	words[web_params(x, name, words, 32)] = NULL;
	return words;
}

void
web_read(struct exchange *x)
{
	struct command_asked asked;
	struct err e = { 0 };

	if (!command_allow(words_of(x, "c"), x->a, &asked, &e)) {
		web_err(x, 400, &e);
		return;
	}
	if (asked.turn != COMMAND_READS) {
		web_fail(x, 400, "bad-command", "this command changes something: POST it");
		return;
	}
	web_run(x, &(struct job_spec){ .argv = asked.words, .json = true }, web_outcome);
}

/* --- jobs that go on --- */

void
web_job_free(struct web_job *j)
{
	if (!j)
		return;
	if (j->job)
		job_forget(j->job);
	for (size_t i = 0; i < WEB_EVENTS; i++)
		free(j->events[i]);
	buf_free(&j->output);
	free(j->command);
	free(j->by);
	free(j);
}

/* Events and what connectors log; progress has its own place. */
static void
job_line(void *ctx, struct str line)
{
	struct web_job *j = ctx;
	struct json *tree = NULL;
	char **slot;

	if (line.n > 4096 || !json_parse(line, 0, &tree, NULL))
		return;
	if (json_get(tree, "event")) {
		slot = &j->events[(j->first + j->count) % WEB_EVENTS];
		if (j->count == WEB_EVENTS)
			j->first = (j->first + 1) % WEB_EVENTS;
		else
			j->count++;
		free(*slot);
		*slot = xstrndup(line.p, line.n);
	}
	json_free(tree);
}

static void
job_done(void *ctx, const struct job *job)
{
	struct web_job *j = ctx;
	struct str out = job_out(job);

	j->job = NULL;
	j->exit = job_exit(job);
	j->started = job_started(job);
	j->ended = job_ended(job);
	if (job_error(job))
		j->error = *job_error(job);
	buf_add(&j->output, out.p, out.n);
	if (j->over)
		j->over(j);
}

static void
job_drop(struct web *w, size_t i)
{
	if (w->setup_job == w->jobs[i])
		w->setup_job = NULL;
	web_job_free(w->jobs[i]);
	memmove(&w->jobs[i], &w->jobs[i + 1], (WEB_JOBS - 1 - i) * sizeof(*w->jobs));
	w->jobs[WEB_JOBS - 1] = NULL;
}

void
web_job_prune(struct web *w)
{
	size_t i = 0;

	while (i < WEB_JOBS && w->jobs[i])
		if (!w->jobs[i]->job && w->jobs[i]->ended + WEB_JOB_LIFE < agent_now())
			job_drop(w, i);
		else
			i++;
}

/* Room for one more: the oldest that is over goes. What they said may be large: only the last few keep it. */
static bool
job_room(struct web *w)
{
	size_t i = 0, n = 0;

	while (n < WEB_JOBS && w->jobs[n])
		n++;
	for (size_t k = 0; k + WEB_OUTPUTS <= n; k++)
		buf_free(&w->jobs[k]->output);
	if (n < WEB_JOBS)
		return true;
	while (i < n && w->jobs[i]->job)
		i++;
	if (i < n)
		job_drop(w, i);
	return i < n;
}

struct web_job *
web_job_start(struct web *w, const struct job_spec *spec, const char *by, struct err *e)
{
	struct job_spec s = *spec;
	struct web_job *j;
	size_t i = 0;

	if (!job_room(w)) {
		err_set(e, ERR_WAIT, "busy", "too many commands wait; try again later");
		return NULL;
	}
	j = xcalloc(1, sizeof(*j));
	j->w = w;
	s.by = by;
	s.why = "console";
	s.line = job_line;
	s.done = job_done;
	s.ctx = j;
	j->job = job_add(w->g, &s);
	if (!j->job) {
		free(j);
		err_set(e, ERR_WAIT, "busy", "the service stops, or too many commands wait");
		return NULL;
	}
	j->id = job_id(j->job);
	j->command = xstrdup(job_command(j->job));
	j->by = xstrdup(by);
	while (w->jobs[i])
		i++;
	w->jobs[i] = j;
	return j;
}

static void
answer_job(struct exchange *x, const struct web_job *j)
{
	struct jsonw w = jsonw(&x->out);

	jsonw_obj(&w, NULL);
	jsonw_int(&w, "job", (int64_t)j->id);
	jsonw_end(&w);
	web_json(x, 200);
}

void
web_job_command(struct exchange *x)
{
	struct command_asked asked;
	struct web_job *j;
	struct err e = { 0 };

	if (!command_allow_json(json_get(x->in, "command"), x->a, &asked, &e)) {
		web_err(x, 400, &e);
		return;
	}
	if (asked.turn == COMMAND_FOLLOWS) {
		web_fail(x, 400, "bad-command", "this command has no end: use a terminal");
		return;
	}
	j = web_job_start(x->w,
		&(struct job_spec){ .argv = asked.words,
			.writes = asked.turn == COMMAND_WRITES,
			.json = true,
			.events = asked.run,
			.order = JOB_DEMAND },
		x->by, &e);
	if (j)
		answer_job(x, j);
	else
		web_err(x, 503, &e);
}

static struct web_job *
job_named(const struct web *w, const char *number)
{
	uint64_t id = number ? strtoull(number, NULL, 10) : 0;

	for (size_t i = 0; i < WEB_JOBS && w->jobs[i]; i++)
		if (w->jobs[i]->id == id)
			return w->jobs[i];
	return NULL;
}

static void
job_json(const struct web_job *j, struct jsonw *w)
{
	if (j->job) {
		live_job(j->job, w);
	} else {
		jsonw_int(w, "job", (int64_t)j->id);
		jsonw_str(w, "command", j->command);
		jsonw_str(w, "state", "ended");
		jsonw_int(w, "started", j->started);
		jsonw_int(w, "ended", j->ended);
		jsonw_int(w, "exit", j->exit);
		web_job_lines(buf_str(&j->output), w);
		error_json(&j->error, w);
	}
	jsonw_arr(w, "events");
	for (size_t i = 0; i < j->count; i++) {
		const char *text = j->events[(j->first + i) % WEB_EVENTS];

		jsonw_raw(w, NULL, text, strlen(text));
	}
	jsonw_end(w);
}

void
web_job_read(struct exchange *x)
{
	const struct web_job *j = job_named(x->w, web_param(x, "id"));
	struct jsonw w = jsonw(&x->out);

	if (!j) {
		web_fail(x, 404, "no-such-job",
			"this command is not known any more: it ended a while ago, or the service "
			"was "
			"started anew since; the history tells what was done");
		return;
	}
	jsonw_obj(&w, NULL);
	job_json(j, &w);
	jsonw_end(&w);
	web_json(x, 200);
}

/* Any job: also one that the schedule began. */
void
web_job_cancel(struct exchange *x)
{
	struct job *job = job_by_id(x->w->g, (uint64_t)json_get_int(x->in, "job", 0));

	if (!job) {
		web_fail(x, 404, "no-such-job",
			"this command has ended, or the service was started anew since");
		return;
	}
	job_cancel(x->w->g, job);
	web_ok(x);
}
