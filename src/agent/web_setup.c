/*
 * Set up: from nothing to the first sync. What was answered is kept in STATE/setup (draft.json; secrets apart, in files
 * of mode 0600, never given out again), so that it can be gone on with after a restart. A draft configuration there,
 * with a state folder of its own, is what tests, reading and preview work with. Saving exchanges the key for a credential of
 * this agent, where the service does that (S1.4), moves the secrets to STATE/secrets and writes the configuration.
 */
#include "web_p.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "commands.h"
#include "store/agent.h"

#define ANSWERS_MAX ((size_t)256 * 1024)
#define SECRET_MAX  ((size_t)16 * 1024)

static const char *const secret_files[][2] = { { "token", "target.token" },
	{ "password", "source.password" } };

static const char *
in_setup(struct exchange *x, const char *name)
{
	return arena_printf(x->a, "%s/setup/%s", agent_state(x->w->g), name);
}

/*
 * What stands there now, answers and secrets, as a word that changes with each of them: who goes on with what another has
 * changed meanwhile is told so. Of secrets only that there is another file.
 */
static const char *
revision_of(struct exchange *x)
{
	CLEAN_BUF struct buf text = { 0 };
	char *hex = arena_alloc(x->a, 65);
	struct stat st;

	if (!file_read(in_setup(x, "draft.json"), ANSWERS_MAX, &text, NULL))
		buf_reset(&text);
	for (size_t i = 0; i < ARRAY_LEN(secret_files); i++)
		if (stat(in_setup(x, secret_files[i][1]), &st) == 0)
			buf_addf(&text, "\n%s %llu %lld %ld", secret_files[i][0],
				(unsigned long long)st.st_ino, (long long)st.st_mtim.tv_sec,
				st.st_mtim.tv_nsec);
	sha256_hex(text.p ? text.p : "", text.n, hex);
	return hex;
}

/* Only while there is no configuration - later the settings are the place - and, where the page says what it has seen, while
 * that is how it is. */
static bool
setting_up(struct exchange *x)
{
	const char *seen = json_get_string(x->in, "revision");
	struct err e = { 0 };

	if (x->w->g->conf)
		web_fail(x, 409, "set-up", "there is a configuration already: Settings change it");
	else if (!agent_state(x->w->g))
		web_fail(x, 503, "no-state", "there is no folder to keep the answers in");
	else if (!dir_make(in_setup(x, "state"), 0700, &e))
		web_err(x, 500, &e);
	else if (seen && strcmp(seen, revision_of(x)) != 0)
		web_fail(x, 409, "changed-meanwhile",
			"the set-up was gone on with elsewhere, in another window or by somebody "
			"else");
	else
		return true;
	return false;
}

/* NULL: nothing was answered yet. */
static struct json *
answers_read(struct exchange *x)
{
	CLEAN_BUF struct buf text = { 0 };
	struct json *j = NULL;

	if (!file_read(in_setup(x, "draft.json"), ANSWERS_MAX, &text, NULL) ||
		!json_parse(buf_str(&text), ANSWERS_MAX, &j, NULL))
		return NULL;
	return j;
}

void
web_setup(struct exchange *x)
{
	struct agent *g = x->w->g;
	struct jsonw w = jsonw(&x->out);

	jsonw_obj(&w, NULL);
	jsonw_bool(&w, "setup", g->conf == NULL);
	jsonw_str(&w, "path", g->conf_path);
	jsonw_bool(&w, "file", access(g->conf_path, F_OK) == 0);
	jsonw_bool(&w, "writable", web_writable(g->conf_path));
	if (g->conf_error.kind != ERR_NONE && access(g->conf_path, F_OK) == 0)
		jsonw_str(&w, "error", g->conf_error.text);
	if (!g->conf && agent_state(g)) {
		jsonw_str(&w, "revision", revision_of(x));
		CLEAN_JSON struct json *answers = answers_read(x);

		if (answers)
			jsonw_json(&w, "answers", answers);
		for (size_t i = 0; i < ARRAY_LEN(secret_files); i++)
			jsonw_bool(&w, secret_files[i][0],
				access(in_setup(x, secret_files[i][1]), F_OK) == 0);
	}
	if (x->w->setup_job)
		jsonw_int(&w, "job", (int64_t)x->w->setup_job->id);
	jsonw_end(&w);
	web_json(x, 200);
}

static bool
secret_keep(struct exchange *x, size_t i, const char *text, struct err *e)
{
	CLEAN_BUF struct buf line = { 0 };

	if (strlen(text) > SECRET_MAX || strchr(text, '\n'))
		return err_set(e, ERR_CONFIG, "bad-request",
			"the %s is one line of at most %zu bytes", secret_files[i][0], SECRET_MAX);
	buf_adds(&line, text);
	buf_addc(&line, '\n');
	bool ok = file_write_atomic(in_setup(x, secret_files[i][1]), 0600, buf_str(&line), e);
	explicit_bzero(line.p, line.n);
	return ok;
}

/* {"answers": {...}, "secrets": {"token": ..., "password": ...}}, each if it changed. */
void
web_setup_draft(struct exchange *x)
{
	const struct json *answers = json_get(x->in, "answers"),
			  *secrets = json_get(x->in, "secrets");
	CLEAN_BUF struct buf text = { 0 };
	struct err e = { 0 };
	bool ok = true;

	if (!setting_up(x))
		return;
	if (answers) {
		json_print(answers, &text);
		ok = json_type(answers) == JSON_OBJECT && text.n <= ANSWERS_MAX
			     ? file_write_atomic(
				       in_setup(x, "draft.json"), 0600, buf_str(&text), &e)
			     : err_set(&e, ERR_CONFIG, "bad-request", "answers are an object");
	}
	for (size_t i = 0; ok && i < ARRAY_LEN(secret_files); i++) {
		const char *secret = json_get_string(secrets, secret_files[i][0]);

		if (secret && *secret)
			ok = secret_keep(x, i, secret, &e);
	}
	if (!ok) {
		web_err(x, 400, &e);
		return;
	}
	struct jsonw w = jsonw(&x->out);
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "revision", revision_of(x));
	jsonw_end(&w);
	web_json(x, 200);
}

/* The draft's configuration, made anew from the answers; NULL: it was answered with the reason. Alone: of the target,
 * before there is a directory. */
static const char *
draft_make(struct exchange *x, bool alone)
{
	CLEAN_JSON struct json *answers = NULL;
	CLEAN_BUF struct buf text = { 0 };
	struct conf *c = NULL;
	struct err e = { 0 };
	struct str s;
	const char *path = in_setup(x, "lockstep.conf");

	if (!setting_up(x))
		return NULL;
	answers = answers_read(x);
	if (alone)
		json_remove(answers, "source");
	bool ok =
		setup_text(answers, x->by, in_setup(x, "state"), in_setup(x, ""), false, &text, &e);
	s = buf_str(&text);
	ok = ok && conf_load_text(path, &s, &c, &e) && file_write_atomic(path, 0600, s, &e);
	conf_free(&c);
	if (ok)
		return path;
	web_err(x, 422, &e);
	return NULL;
}

void
web_setup_check(struct exchange *x)
{
	static const char *const words[] = { "check", NULL };
	const char *what = json_get_string(x->in, "what");
	const char *draft = draft_make(x, what && strcmp(what, "target") == 0);

	if (draft)
		web_run(x, &(struct job_spec){ .argv = words, .json = true, .conf = draft },
			web_outcome);
}

/* Another directory or another target: what was learned of the former is of no use. */
static void
draft_forget(struct exchange *x)
{
	static const char *const kinds_of[] = { "source", "target" }, *const ends[] = { "", "-wal",
		"-shm" };
	CLEAN_JSON struct json *answers = answers_read(x);

	for (size_t k = 0; k < ARRAY_LEN(kinds_of); k++)
		for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
			const char *name = json_get_string(json_get(answers, kinds_of[k]), "name");

			unlink(arena_printf(x->a, "%s/%s-%s.db%s", in_setup(x, "state"),
				kinds_of[k],
				name ? name
				: k  ? "hosted"
				     : "directory",
				ends[i]));
		}
}

void
web_setup_read(struct exchange *x)
{
	static const char *const words[] = { "plan", "--most", "25", NULL };
	struct web *web = x->w;
	bool busy = web->setup_job && web->setup_job->job;
	const char *draft = NULL;
	struct err e = { 0 };

	if (busy ? !setting_up(x) : !(draft = draft_make(x, false)))
		return;
	if (!busy) {
		if (json_get_bool(x->in, "anew", false))
			draft_forget(x);
		web->setup_job = web_job_start(web,
			&(struct job_spec){ .argv = words,
				.writes = true,
				.json = true,
				.events = true,
				.conf = draft },
			x->by, &e);
	}
	if (!web->setup_job) {
		web_err(x, 503, &e);
		return;
	}
	struct jsonw w = jsonw(&x->out);
	jsonw_obj(&w, NULL);
	jsonw_int(&w, "job", (int64_t)web->setup_job->id);
	jsonw_bool(&w, "running", busy); /* one of before: of answers of before, maybe */
	jsonw_end(&w);
	web_json(x, 200);
}

/* Commands that only read, on the draft. */
void
web_setup_browse(struct exchange *x)
{
	const char *words[33];
	struct command_asked asked;
	struct err e = { 0 };

	if (!setting_up(x))
		return;
	words[web_params(x, "c", words, 32)] = NULL;
	if (!command_allow(words, x->a, &asked, &e) || asked.turn != COMMAND_READS) {
		web_fail(x, 400, "bad-command", "only a command that reads can be asked for here");
		return;
	}
	web_run(x,
		&(struct job_spec){
			.argv = asked.words, .json = true, .conf = in_setup(x, "lockstep.conf") },
		web_outcome);
}

/* --- the end --- */

static bool
secrets_move(struct exchange *x, const char *folder, struct err *e)
{
	if (!dir_make(folder, 0700, e))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(secret_files); i++) {
		const char *from = in_setup(x, secret_files[i][1]);

		if (access(from, F_OK) == 0 &&
			rename(from, arena_printf(x->a, "%s/%s", folder, secret_files[i][1])) != 0)
			return err_errno(e, ERR_CONFIG, "%s", from);
	}
	return true;
}

/* The configuration that is to stay. */
static bool
final_text(struct exchange *x, const char *secrets, struct buf *text, struct err *e)
{
	struct agent *g = x->w->g;
	CLEAN_JSON struct json *answers = answers_read(x);
	struct conf *c = NULL;

	if (!setup_text(answers, x->by, agent_state(g), secrets, true, text, e))
		return false;
	if (x->w->port != WEB_PORT)
		buf_addf(text, "\nconsole {\n\tport = %u\n}\n", x->w->port);

	struct str s = buf_str(text);
	bool ok = conf_load_text(g->conf_path, &s, &c, e);

	conf_free(&c);
	return ok;
}

static const char *
secrets_folder(struct exchange *x)
{
	return arena_printf(x->a, "%s/secrets", agent_state(x->w->g));
}

static void
save(struct exchange *x)
{
	struct agent *g = x->w->g;
	CLEAN_BUF struct buf text = { 0 };
	const char *secrets = secrets_folder(x);
	struct err e = { 0 };

	if (!final_text(x, secrets, &text, &e) || !secrets_move(x, secrets, &e)) {
		web_err(x, 422, &e);
	} else if (!web_writable(g->conf_path)) {
		struct jsonw w = jsonw(&x->out);

		jsonw_obj(&w, NULL);
		jsonw_str(&w, "put", g->conf_path);
		jsonw_str(&w, "text", buf_cstr(&text));
		if (x->caveat)
			jsonw_str(&w, "caveat", x->caveat);
		jsonw_end(&w);
		web_json(x, 200);
	} else {
		web_config_put(x, buf_str(&text), "set up");
	}
}

/* The service has no such thing; it is one already; it went to its place by an earlier saving. */
static const char *const nothing_to_exchange[] = { "not-offered", "registered", "no-key" };

static bool
is_nothing_to_exchange(const char *code)
{
	for (size_t i = 0; code && i < ARRAY_LEN(nothing_to_exchange); i++)
		if (strcmp(code, nothing_to_exchange[i]) == 0)
			return true;
	return false;
}

/* The key is a credential now, or it stays: nothing is held up by that. */
static void
registered(struct exchange *x, const struct job *j)
{
	const struct json *said = job_result(j), *error = json_get(said, "error");
	const char *name = json_get_string(said, "name"), *why = json_get_string(error, "message");

	if (name)
		x->caveat = arena_printf(x->a,
			"The key was exchanged for a credential of this agent, \"%s\", which can "
			"be "
			"revoked alone.",
			name);
	else if (!is_nothing_to_exchange(json_get_string(error, "code")))
		x->caveat = arena_printf(x->a,
			"The key stays on this machine. To exchange it for a credential of this "
			"agent: lockstep register. It was tried: %s",
			why ? why : "without an answer");
	if (x->w->g->conf) /* another window was quicker */
		web_fail(x, 409, "set-up", "there is a configuration already: Settings change it");
	else
		save(x);
}

void
web_setup_save(struct exchange *x)
{
	static const char *const words[] = { "register", NULL };
	CLEAN_BUF struct buf text = { 0 };
	struct err e = { 0 };
	const char *draft;

	if (!setting_up(x))
		return;
	if (!final_text(x, secrets_folder(x), &text, &e))
		web_err(x, 422, &e);
	else if ((draft = draft_make(x, false)))
		web_run(x, &(struct job_spec){ .argv = words, .json = true, .conf = draft },
			registered);
}
