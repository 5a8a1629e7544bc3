/*
 * While lockstepd runs, commands that write the state are performed by it, in their turn, and what they say comes out
 * here. What is in files of the caller's goes with the words (`apply`), or comes out here, too (`plan --out`).
 * lockstepd(8), CONTROL SOCKET.
 */
#include "cli_p.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MS 15000 /* a daemon that says nothing at all for so long is none */
#define HINT_MS   1500

struct remote {
	int fd;
	struct buf in;
	size_t line; /* bytes of the line that was handed out last */
	int64_t job;
	bool begun, hinted;
	struct asked *asked; /* of perform() */
	bool filing;         /* what comes out goes to asked->draft */
	struct err failed;   /* and could not */
};

static volatile sig_atomic_t interrupted;

static void
on_interrupt(int signo)
{
	interrupted = signo;
}

/* --- the line --- */

const char *
remote_path(struct cli *c, struct err *e)
{
	if (c->control)
		return c->control;
	if (c->conf || conf_load(c->conf_path, &c->conf, e))
		return c->conf->control;
	return CONF_CONTROL;
}

/* 1: it is there. 0: nobody listens. -1: error. */
static int
dial(struct cli *c, struct remote *r, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct err bad;
	const char *path = remote_path(c, &bad);

	*r = (struct remote){ .fd = -1 };
	if (strlen(path) >= sizeof(at.sun_path))
		return 0;
	memcpy(at.sun_path, path, strlen(path) + 1);
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r->fd >= 0 && connect(r->fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return 1;
	if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
		return 0;
	err_errno(e, ERR_CONFIG,
		"lockstepd cannot be asked at %s (its group may; --direct does without it)", path);
	return -1;
}

static void
hang_up(struct remote *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	buf_free(&r->in);
}
#define CLEAN_REMOTE __attribute__((cleanup(hang_up)))

static bool
ask(struct remote *r, struct buf *line, struct err *e)
{
	buf_addc(line, '\n');
	for (size_t done = 0; done < line->n;) {
		ssize_t n = send(r->fd, line->p + done, line->n - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EPIPE)
			return true; /* it has said why, or hear() finds that it is gone */
		if (n < 0 && errno != EINTR)
			return err_errno(e, ERR_CONFIG, "asking lockstepd");
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void
cancel(struct remote *r)
{
	CLEAN_BUF struct buf line = { 0 };

	interrupted = 0;
	signal(SIGINT, SIG_DFL); /* a second one ends us */
	if (r->job) {
		buf_addf(&line, "{\"ask\":\"cancel\",\"job\":%lld}", (long long)r->job);
		ask(r, &line, NULL);
	}
}

/* Ctrl-C comes while we wait here and never elsewhere (perform): none is missed, and no output is cut by it. */
static int
wait_for(struct remote *r, int ms)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
	sigset_t waiting;

	sigprocmask(SIG_SETMASK, NULL, &waiting);
	sigdelset(&waiting, SIGINT);
	return ppoll(&p, 1, ms < 0 ? NULL : &t, &waiting);
}

/* -1: waits as long as it takes. 1: read, 0: nothing in that time, -1: error. */
static int
fill(struct remote *r, int ms, struct err *e)
{
	char block[65536];
	ssize_t n;
	int got = wait_for(r, ms);

	if (interrupted)
		cancel(r);
	if (got <= 0)
		return got < 0 && errno == EINTR ? 1 : got;
	n = recv(r->fd, block, sizeof(block), 0);
	if (n < 0 && errno == EINTR)
		return 1;
	if (n <= 0) {
		err_set(e, ERR_CONFIG, "gone",
			"lockstepd ended before the command did; `lockstep history` tells what was "
			"done");
		return -1;
	}
	buf_add(&r->in, block, (size_t)n);
	return 1;
}

/* One line as JSON; NULL: error, or with e's kind ERR_NONE nothing in that time. */
static struct json *
hear(struct remote *r, int ms, struct err *e)
{
	struct json *j = NULL;

	buf_take(&r->in, r->line);
	r->line = 0;
	for (;;) {
		char *nl = r->in.n ? memchr(r->in.p, '\n', r->in.n) : NULL;
		int got;

		if (nl) {
			r->line = (size_t)(nl - r->in.p) + 1;
			json_parse((struct str){ r->in.p, r->line - 1 }, 0, &j, e);
			return j;
		}
		got = fill(r, ms, e);
		if (got < 0 || (got == 0 && ms >= 0))
			return NULL;
	}
}

static bool
refused(const struct json *j, struct err *e)
{
	const struct json *error = json_get(j, "error");
	const char *code = json_get_string(error, "code");
	const char *text = json_get_string(error, "message");

	if (error)
		err_set(e, ERR_CONFIG, code ? code : "failed", "%s", text ? text : "refused");
	return error != NULL;
}

int
remote_ask(struct cli *c, const char *what, struct json **j_r, struct err *e)
{
	CLEAN_REMOTE struct remote r;
	CLEAN_BUF struct buf line = { 0 };
	int there = dial(c, &r, e);

	*j_r = NULL;
	if (there <= 0)
		return there;
	buf_addf(&line, "{\"ask\":\"%s\"}", what);
	if (!ask(&r, &line, e))
		return -1;
	*j_r = hear(&r, strcmp(what, "reload") == 0 ? -1 : ANSWER_MS, e);
	if (!*j_r)
		return e->kind == ERR_NONE
		       ? err_set(e, ERR_CONFIG, "silent", "lockstepd does not answer"),
		       -1 : -1;
	return refused(*j_r, e) ? -1 : 1;
}

/* --- a command performed there --- */

/* Progress and events of a run, as one here would tell them; else text. */
static void
show_line(struct cli *c, const struct json *line)
{
	const char *text = json_string(line);
	CLEAN_JSON struct json *j = NULL;
	const struct json *p;
	struct err e;

	if (!text)
		return;
	if (text[0] != '{' || !json_parse(str_c(text), 0, &j, &e)) {
		progress_clear(c);
		fprintf(stderr, "%s\n", text);
		return;
	}
	p = json_get(j, "progress");
	if (p) {
		const char *phase = json_get_string(p, "phase"), *what = json_get_string(p, "what");

		progress_show(c, phase ? phase : "", what ? what : "", json_get_int(p, "done", 0),
			json_get_int(p, "total", 0));
	} else if (json_get_string(j, "event")) {
		const char *object = json_get_string(j, "object"),
			   *said = json_get_string(j, "text");

		cli_event(c, json_get_string(j, "event"), object ? object : "", said ? said : "");
	} else if (c->verbose && !json_get(j, "result")) {
		progress_clear(c);
		cli_text(stderr, text);
		fputc('\n', stderr);
	}
}

static bool
send_command(struct cli *c, struct remote *r, struct err *e)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "command");
	for (size_t i = 0; i < r->asked->count; i++)
		jsonw_str(&w, NULL, r->asked->words[i]);
	jsonw_end(&w);
	jsonw_bool(&w, "json", c->json);
	jsonw_bool(&w, "events", true);
	jsonw_end(&w);
	return ask(r, &line, e);
}

/* Between two form feeds: the caller's file. */
static void
take_out(struct cli *c, struct remote *r, const char *out)
{
	struct plan_draft *d = &r->asked->draft;

	progress_clear(c);
	while (*out && r->failed.kind == ERR_NONE) {
		size_t n = d->path ? strcspn(out, "\f") : strlen(out);

		fwrite(out, 1, n, r->filing ? d->f : stdout);
		out += n;
		if (!*out)
			break;
		out++;
		if (!r->filing) {
			r->filing = plan_draft_open(d, &r->failed);
			continue;
		}
		r->filing = false;
		if (plan_draft_keep(d, &r->failed))
			d->path = NULL; /* there is but one */
	}
	fflush(stdout);
}

/* True: it was the last one. */
static bool
take(struct cli *c, struct remote *r, const struct json *j, int *code_r, struct err *e)
{
	const char *out = json_get_string(j, "out"), *state = json_get_string(j, "state");

	if (state) {
		r->job = json_get_int(j, "job", 0);
		r->begun |= strcmp(state, "running") == 0;
	}
	if (out)
		take_out(c, r, out);
	if (json_get(j, "err"))
		show_line(c, json_get(j, "err"));
	if (json_get(j, "exit")) {
		*code_r = (int)json_get_int(j, "exit", 1);
		if (refused(j, e) || *code_r < 0)
			*code_r = cli_error(c, e, 1);
		else if (r->failed.kind != ERR_NONE)
			*code_r = cli_error(c, &r->failed, *code_r ? *code_r : 2);
		return true;
	}
	if (!refused(j, e))
		return false;
	*code_r = cli_error(c, e, 2);
	return true;
}

static void
hint(struct cli *c, struct remote *r)
{
	if (!r->begun && !r->hinted && !c->quiet && !c->json)
		fputs("waiting for its turn: `lockstep status` shows what lockstepd does\n",
			stderr);
	r->hinted = true;
}

static int
follow_through(struct cli *c, struct remote *r)
{
	struct err e = { 0 };
	bool first = true;
	int code = 1;

	if (!send_command(c, r, &e))
		return cli_error(c, &e, 2);
	for (;;) {
		int ms = first ? ANSWER_MS : r->begun || r->hinted ? -1 : HINT_MS;
		CLEAN_JSON struct json *j = hear(r, ms, &e);

		if (!j && e.kind == ERR_NONE && !first) {
			hint(c, r);
			continue;
		}
		if (!j) {
			if (e.kind == ERR_NONE)
				err_set(&e, ERR_CONFIG, "silent",
					"lockstepd does not answer; --direct does without it");
			return cli_error(c, &e, 2);
		}
		first = false;
		if (take(c, r, j, &code, &e))
			return code;
	}
}

static bool
given(int argc, char **argv, const char *option)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], option) == 0)
			return true;
	return false;
}

/* It has no end, and ends with us. */
static bool
endless(const struct command *cmd, int argc, char **argv)
{
	return strcmp(cmd->name, "watch") == 0 || given(argc, argv, "--follow");
}

static int
perform(struct cli *c, struct remote *r, const struct command *cmd, int argc, char **argv)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct asked q = { .a = a, .count = (size_t)argc };
	struct err e = { 0 };
	int code;

	q.words = arena_alloc(a, (q.count + 1) * sizeof(*q.words));
	for (size_t i = 0; i < q.count; i++)
		q.words[i] = argv[i];
	q.words[q.count] = NULL;
	r->asked = &q;
	if (!endless(cmd, argc, argv)) {
		sigset_t stop;

		sigemptyset(&stop);
		sigaddset(&stop, SIGINT);
		sigprocmask(SIG_BLOCK, &stop, NULL);
		sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
	}
	code = cmd->ask && !cmd->ask(&q, &e) ? cli_error(c, &e, 2) : follow_through(c, r);
	plan_draft_drop(&q.draft);
	r->asked = NULL;
	return code;
}

static enum command_turn
turn_of(const struct command *cmd, int argc, char **argv)
{
	if (strcmp(cmd->name, "adopt") == 0 && (argc == 1 || given(argc, argv, "--list")))
		return TURN_READS;
	if (strcmp(cmd->name, "undo") == 0 && given(argc, argv, "--dry-run"))
		return TURN_READS;
	if (strcmp(cmd->name, "state") == 0 && !(argc > 1 && strcmp(argv[1], "rebuild") == 0))
		return argc > 1 && strcmp(argv[1], "check") == 0 ? TURN_READS : TURN_NONE;
	return cmd->turn;
}

/* The state folder is the service's alone; who is in its group asks it. */
static bool
may_look(const struct cli *c)
{
	return access(c->conf->state, R_OK | X_OK) == 0 || errno != EACCES;
}

bool
remote_command(struct cli *c, const struct command *cmd, int argc, char **argv, int *code_r)
{
	enum command_turn turn = turn_of(cmd, argc, argv);
	struct remote r;
	struct err e = { 0 };
	int there;

	if (c->direct || turn == TURN_NONE ||
		((turn == TURN_READS || turn == TURN_CHECK) && may_look(c)))
		return false;
	there = dial(c, &r, &e);
	if (there > 0)
		*code_r = perform(c, &r, cmd, argc, argv);
	else if (there < 0)
		*code_r = cli_error(c, &e, 2);
	hang_up(&r);
	return there != 0;
}

bool
remote_despite(struct cli *c, const struct command *cmd, int argc, char **argv,
	const struct err *bad, int *code_r)
{
	CLEAN_JSON struct json *j = NULL;
	CLEAN_REMOTE struct remote r = { .fd = -1 };
	struct err e = { 0 };

	if (c->direct || turn_of(cmd, argc, argv) != TURN_READS ||
		remote_ask(c, "status", &j, &e) <= 0 || json_get_bool(j, "setup", true) ||
		dial(c, &r, &e) <= 0)
		return false;
	fputs("lockstep: ", stderr);
	cli_text(stderr, bad->text);
	fputs("; lockstepd is asked instead\n", stderr);
	*code_r = perform(c, &r, cmd, argc, argv);
	return true;
}
