/* Settings: the file on disk stays the truth; what is saved here is checked first, kept as a version, and taken over at once. */
#include "web_p.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "conf/describe.h"
#include "conf/edit.h"
#include "reload.h"
#include "store/agent.h"

#define TEXT_MAX          ((size_t)4 * 1024 * 1024)
#define VERSIONS_MOST     200
#define NAMES_PATIENCE_MS 10000 /* for a directory that is slow to say which attributes it has */
#define NAMES_UNASKED                                                                              \
	"did not say in time whether it has every attribute that the rules name; the next run "    \
	"finds out"

/* Where a symbolic link leads: it stays, the file there is replaced. */
static char *
real_file(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : xstrdup(path);
}

bool
web_writable(const char *path)
{
	CLEAN_FREE char *real = real_file(path);
	CLEAN_FREE char *copy = xstrdup(real);

	return access(dirname(copy), W_OK | X_OK) == 0 &&
	       (access(real, F_OK) != 0 || access(real, R_OK) == 0);
}

static void
file_digest(struct str text, char out[65])
{
	sha256_hex(text.p ? text.p : "", text.n, out);
}

static void
versions_json(struct exchange *x, struct jsonw *w)
{
	struct version_row *list = arena_alloc(x->a, VERSIONS_MOST * sizeof(*list));
	struct agent_store *s = x->w->g->store;
	size_t n = s ? agent_versions(s, 0, x->a, list, VERSIONS_MOST) : 0;

	jsonw_arr(w, "versions");
	for (size_t i = 0; i < n; i++) {
		jsonw_obj(w, NULL);
		jsonw_int(w, "version", list[i].version);
		jsonw_int(w, "at", list[i].at);
		jsonw_str(w, "by", list[i].by);
		jsonw_str(w, "note", list[i].note);
		jsonw_end(w);
	}
	jsonw_end(w);
}

void
web_config(struct exchange *x)
{
	struct agent *g = x->w->g;
	CLEAN_BUF struct buf text = { 0 };
	struct jsonw w = jsonw(&x->out);
	struct conf *c = NULL;
	struct err e = { 0 };
	char digest[65];

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "path", g->conf_path);
	jsonw_bool(&w, "writable", web_writable(g->conf_path));
	jsonw_bool(&w, "pending", reload_pending(g));
	if (!file_read(g->conf_path, TEXT_MAX, &text, &e))
		jsonw_str(&w, "unreadable", e.text);
	file_digest(buf_str(&text), digest);
	jsonw_str(&w, "text", buf_cstr(&text));
	jsonw_str(&w, "digest", digest);
	if (g->conf_error.kind != ERR_NONE)
		jsonw_str(&w, "error", g->conf_error.text);
	/* The form is of what stands in the file, where that can be read. */
	if (conf_load(g->conf_path, &c, &e))
		conf_describe(c, &w, "sections");
	else if (text.n)
		jsonw_str(&w, "invalid", e.text);
	conf_free(&c);
	versions_json(x, &w);
	jsonw_end(&w);
	web_json(x, 200);
}

void
web_config_version(struct exchange *x)
{
	const char *number = web_param(x, "version");
	struct jsonw w = jsonw(&x->out);
	struct version_row v;

	if (!number || !x->w->g->store ||
		!agent_version_get(x->w->g->store, strtoll(number, NULL, 10), x->a, &v)) {
		web_fail(x, 404, "no-such-version", "there is no such version");
		return;
	}
	jsonw_obj(&w, NULL);
	jsonw_int(&w, "version", v.version);
	jsonw_int(&w, "at", v.at);
	jsonw_str(&w, "by", v.by);
	jsonw_str(&w, "note", v.note);
	jsonw_str(&w, "text", v.text);
	jsonw_end(&w);
	web_json(x, 200);
}

/* --- changes of single options --- */

static bool
change_read(struct exchange *x, const struct json *j, struct conf_change *c, struct err *e)
{
	const struct json *values = json_get(j, "values");
	const char **words = arena_alloc(x->a, (json_count(values) + 1) * sizeof(*words));

	c->path = json_get_string(j, "path");
	c->remove = json_get_bool(j, "remove", false);
	c->values = words;
	json_for_each(v, values)
		if (json_string(v))
			words[c->count++] = json_string(v);
	if (!c->path || c->count != json_count(values) ||
		(!c->remove && json_type(values) != JSON_ARRAY))
		return err_set(
			e, ERR_CONFIG, "bad-request", "a change has path and values, or remove");
	return true;
}

void
web_config_edit(struct exchange *x)
{
	const struct json *list = json_get(x->in, "changes");
	const char *text = json_get_string(x->in, "text");
	struct conf_change *changes = arena_alloc(x->a, (json_count(list) + 1) * sizeof(*changes));
	CLEAN_BUF struct buf out = { 0 };
	struct err e = { 0 };
	size_t n = 0;

	if (!text || json_count(list) > 500) {
		web_fail(x, 400, "bad-request", "text and changes are expected");
		return;
	}
	json_for_each(it, list)
		if (!change_read(x, it, &changes[n++], &e)) {
			web_err(x, 400, &e);
			return;
		}
	if (!conf_edit(x->w->g->conf_path, str_c(text), changes, n, &out, &e)) {
		web_err(x, 422, &e);
		return;
	}
	struct jsonw w = jsonw(&x->out);
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "text", buf_cstr(&out));
	jsonw_end(&w);
	web_json(x, 200);
}

/* --- drafts: beside the file, so that relative paths mean the same --- */

static const char *
draft_write(struct exchange *x, struct str text, struct err *e)
{
	static unsigned number;
	const char *path = x->w->g->conf_path, *slash = strrchr(path, '/');
	const char *draft = arena_printf(
		x->a, "%.*s/.lockstep-draft-%u.conf", (int)(slash - path), path, number++ % 1000);

	if (file_write_atomic(draft, 0600, text, NULL))
		return draft;
	draft = arena_printf(x->a, "%s/draft-%u.conf", agent_state(x->w->g), number++ % 1000);
	return file_write_atomic(draft, 0600, text, e) ? draft : NULL;
}

/* What is said of the draft is meant of the file that it would become. */
static void
draft_rename(struct str in, const char *draft, const char *file, struct buf *out)
{
	size_t n = strlen(draft);
	const char *at;

	while (in.n && (at = memmem(in.p, in.n, draft, n))) {
		buf_add(out, in.p, (size_t)(at - in.p));
		buf_adds(out, file);
		in.n -= (size_t)(at - in.p) + n;
		in.p = at + n;
	}
	buf_add(out, in.p, in.n);
}

static void
fail_renamed(struct exchange *x, const char *draft, const struct err *e)
{
	CLEAN_BUF struct buf text = { 0 };

	draft_rename(str_c(e->text), draft, x->w->g->conf_path, &text);
	web_fail(x, 422, e->code, "%s", buf_cstr(&text));
}

static void
preview_over(struct web_job *j)
{
	CLEAN_BUF struct buf text = { 0 };
	struct buf out = { 0 };

	draft_rename(buf_str(&j->output), j->ctx, j->w->g->conf_path, &out);
	buf_free(&j->output);
	j->output = out;
	draft_rename(str_c(j->error.text), j->ctx, j->w->g->conf_path, &text);
	if (j->error.kind != ERR_NONE)
		err_set(&j->error, j->error.kind, j->error.code, "%s", buf_cstr(&text));
	unlink(j->ctx);
	free(j->ctx);
	j->ctx = NULL;
}

void
web_config_preview(struct exchange *x)
{
	static const char *const words[] = { "plan", "--offline", "--most", "25", NULL };
	const char *text = json_get_string(x->in, "text"), *draft;
	struct web_job *j = NULL;
	struct conf *c = NULL;
	struct err e = { 0 };
	struct str s = str_c(text);

	if (!text || !conf_load_text(x->w->g->conf_path, &s, &c, &e)) {
		if (!text)
			err_set(&e, ERR_CONFIG, "bad-request", "text is expected");
		web_err(x, 422, &e);
		return;
	}
	conf_free(&c);
	draft = draft_write(x, s, &e);
	if (draft)
		j = web_job_start(x->w,
			&(struct job_spec){ .argv = words,
				.writes = true,
				.json = true,
				.events = true,
				.conf = draft },
			x->by, &e);
	if (!j) {
		if (draft)
			unlink(draft);
		web_err(x, 503, &e);
		return;
	}
	j->over = preview_over;
	j->ctx = xstrdup(draft);
	struct jsonw w = jsonw(&x->out);
	jsonw_obj(&w, NULL);
	jsonw_int(&w, "job", (int64_t)j->id);
	jsonw_end(&w);
	web_json(x, 200);
}

/* --- saving --- */

static void
saved(void *ctx, const struct err *e)
{
	struct exchange *x = ctx;

	x->reloading = false;
	if (e->kind != ERR_NONE) {
		web_err(x, 422, e);
		return;
	}
	struct jsonw w = jsonw(&x->out);
	jsonw_obj(&w, NULL);
	jsonw_bool(&w, "ok", true);
	if (x->caveat)
		jsonw_str(&w, "caveat", x->caveat);
	jsonw_end(&w);
	web_json(x, 200);
}

static bool
version_keep(struct exchange *x, struct str text, const char *by, const char *note, struct err *e)
{
	struct agent_store *s = x->w->g->store;
	CLEAN_FREE char *copy = xstrndup(text.p ? text.p : "", text.n);
	int64_t version;

	return !s || !text.n || agent_version_add(s, by, note, copy, agent_now(), &version, e);
}

/* First the way back is kept: without it nothing is replaced. Once the file is, it is taken over in any case. */
void
web_config_put(struct exchange *x, struct str text, const char *note)
{
	struct agent *g = x->w->g;
	CLEAN_FREE char *file = real_file(g->conf_path);
	CLEAN_BUF struct buf old = { 0 };
	struct err e = { 0 };

	if (!file_read(g->conf_path, TEXT_MAX, &old, &e))
		err_clear(&e);
	if (!version_keep(x, buf_str(&old), "", "as it was in the file", &e) ||
		!file_replace(file, 0640, text, &e)) {
		web_err(x, 500, &e);
		return;
	}
	if (!version_keep(x, text, x->by, note ? note : "", &e))
		agent_log(LOG_WARN, "version-lost", "text",
			"the configuration was saved, but not kept as a version", "why", e.text,
			NULL);
	agent_log(LOG_INFO, "configuration-saved", "text", note && *note ? note : "by the console",
		"by", x->by, NULL);
	x->reloading = true;
	reload_ask(g, saved, x);
}

static const char *
draft_drop(struct exchange *x)
{
	const char *path = x->draft;

	unlink(path);
	x->draft = NULL;
	return path;
}

static const struct json *
finding_of(const struct json *findings, const char *level)
{
	json_for_each(f, findings)
		if (json_get_string(f, "level") && strcmp(json_get_string(f, "level"), level) == 0)
			return f;
	return NULL;
}

/* What a source said of the names: refused is refused, as the next run would; where it could not be asked, that is told,
 * and the file saved all the same. */
static void
save_named(struct exchange *x, const struct job *j)
{
	const char *text = json_get_string(x->in, "text"), *draft = draft_drop(x);
	const struct json *list = json_get(job_result(j), "findings"),
			  *bad = finding_of(list, "fail"), *open = finding_of(list, "warn");
	struct err e;

	x->patience = sd_event_source_disable_unref(x->patience);
	if (x->w->g->stopping) {
		web_fail(x, 503, "stopping", "the service stops; nothing was saved");
		return;
	}
	if (bad) {
		err_set(&e, ERR_CONFIG, "unknown-attribute", "%s", json_get_string(bad, "text"));
		fail_renamed(x, draft, &e);
		return;
	}
	if (open || !job_result(j))
		x->caveat = arena_printf(x->a, "%s %s",
			open ? json_get_string(open, "where") : "the directory",
			open ? json_get_string(open, "text") : NAMES_UNASKED);
	web_config_put(x, str_c(text), json_get_string(x->in, "note"));
}

static int
on_patience(sd_event_source *s, uint64_t us, void *ctx)
{
	struct exchange *x = ctx;

	(void)s;
	(void)us;
	if (x->job)
		job_cancel(x->w->g, x->job);
	return 0;
}

/* A child has looked at the draft: expressions, options of connectors. What is left only the directory knows. */
static void
save_checked(struct exchange *x, const struct job *j)
{
	static const char *const words[] = { "check", "--names", NULL };
	struct err e = { 0 };

	if (job_exit(j) == 0) {
		agent_timer(x->w->g, &x->patience, NAMES_PATIENCE_MS, on_patience, x);
		web_run(x, &(struct job_spec){ .argv = words, .json = true, .conf = x->draft },
			save_named);
		return;
	}
	if (job_error(j))
		e = *job_error(j);
	if (e.kind == ERR_NONE)
		err_set(&e, ERR_CONFIG, "bad-config", "the configuration was refused");
	fail_renamed(x, draft_drop(x), &e);
}

void
web_config_save(struct exchange *x)
{
	static const char *const words[] = { "config", "show", NULL };
	struct agent *g = x->w->g;
	const char *text = json_get_string(x->in, "text"), *was = json_get_string(x->in, "digest");
	CLEAN_BUF struct buf old = { 0 };
	struct str s = str_c(text);
	struct conf *c = NULL;
	struct err e = { 0 };
	char digest[65];

	if (!text || !was) {
		web_fail(x, 400, "bad-request", "text and digest are expected");
		return;
	}
	if (!file_read(g->conf_path, TEXT_MAX, &old, &e))
		buf_reset(&old);
	file_digest(buf_str(&old), digest);
	if (strcmp(digest, was) != 0) {
		web_fail(x, 409, "changed-meanwhile",
			"the file was changed meanwhile; load it again and repeat the change");
		return;
	}
	if (!web_writable(g->conf_path)) {
		web_fail(x, 403, "not-writable",
			"the service may not write %s: put the text there yourself, then "
			"`systemctl reload lockstepd`",
			g->conf_path);
		return;
	}
	if (!conf_load_text(g->conf_path, &s, &c, &e)) {
		web_err(x, 422, &e);
		return;
	}
	conf_free(&c);
	x->draft = draft_write(x, s, &e);
	if (x->draft)
		web_run(x, &(struct job_spec){ .argv = words, .json = true, .conf = x->draft },
			save_checked);
	else
		web_err(x, 500, &e);
}
