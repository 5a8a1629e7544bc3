/*
 * lockstep watch SOURCE: a line whenever the directory says that something changed. It reads nothing and takes
 * no lock: the service runs it all the time.
 */
#include "cli_p.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define CANNOT_WATCH 6

static void
on_end(int number)
{
	(void)number;
	_exit(0); /* its connector dies with it */
}

static bool
greet(struct cli *c, const struct conf_source *s, struct arena *a, struct conn **conn_r,
	struct wire_hello *h_r, struct err *e)
{
	static const char *const none[] = { NULL };
	struct wire_greeting g = { .role = "source", .classes = none, .attributes = none };
	struct wire_option *o = arena_alloc(a, (s->option_count + 1) * sizeof(*o));

	for (size_t i = 0; i < s->option_count; i++)
		o[i] = (struct wire_option){ s->options[i].name, s->options[i].values,
			s->options[i].count };
	g.options = o;
	g.option_count = s->option_count;
	if (!sync_may_sign_on(c->conf, s, &c->env, false, e) ||
		!cli_open_source(c, s, -1, conn_r, e))
		return false;
	if (wire_hello(*conn_r, &g, a, h_r, e))
		return true;
	sync_signed_on(c->conf, s, &c->env, e);
	return false;
}

/* false: nobody listens any more. */
static bool
say(const struct cli *c, const struct conf_source *s, bool change)
{
	const struct clock *k = c->env.store.clock;
	char when[24];
	int64_t now = k->now(k->ctx);

	if (c->json && change)
		printf("{\"changed\":true,\"at\":%lld}\n", (long long)now);
	else if (c->json)
		puts("{\"watching\":true}");
	else
		printf("%s  %s: %s\n", cli_time(now, when), s->name,
			change ? "changed" : "watching");
	return fflush(stdout) == 0;
}

static bool
listen_changes(struct cli *c, const struct conf_source *s, struct conn *conn, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct wire_source_msg m;
	bool stands = false;

	if (!wire_watch(conn, e))
		return false;
	for (;;) {
		arena_reset(a);
		if (!wire_source_next(conn, a, &m, e))
			return false;
		if (m.type == SRC_END)
			return err_set(e, ERR_SIDE, "watch-ended", "it watches no more");
		if (!stands && !say(c, s, false))
			return true;
		stands = true;
		if (m.type == SRC_CHANGED && !say(c, s, true))
			return true;
	}
}

int
cmd_watch(struct cli *c, int argc, char **argv)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_CONN struct conn *conn = NULL;
	const struct conf_source *s = argc == 2 ? conf_source(c->conf, argv[1]) : NULL;
	struct wire_hello h;
	struct err e = { 0 };

	if (argc != 2)
		return cli_usage(command_named("watch"), "watch takes the name of a source");
	if (!s) {
		err_set(&e, ERR_CONFIG, "bad-usage", "%s has no source \"%s\"", c->conf_path,
			argv[1]);
		return cli_error(c, &e, 2);
	}
	signal(SIGTERM, on_end);
	signal(SIGINT, on_end);
	if (!greet(c, s, a, &conn, &h, &e)) {
		err_wrap(&e, "source %s", s->name);
		return cli_error(c, &e, e.kind == ERR_CONFIG ? 2 : 3);
	}
	if (!h.watch) {
		err_set(&e, ERR_CONFIG, "cannot-watch",
			"source %s (%s) does not tell of changes: it is read every so often",
			s->name, s->type);
		return cli_error(c, &e, CANNOT_WATCH);
	}
	if (listen_changes(c, s, conn, &e))
		return 0;
	err_wrap(&e, "source %s", s->name);
	return cli_error(c, &e, strcmp(e.code, "cannot-watch") == 0 ? CANNOT_WATCH : 3);
}
