/* lockstep console, lockstep reload; what status says of the service. */
#include "cli_p.h"

#include <string.h>

static int
no_daemon(struct cli *c, int there, struct err *e)
{
	struct err bad = { 0 };
	const char *path = remote_path(c, &bad);

	if (there == 0 && bad.kind != ERR_NONE)
		*e = bad;
	else if (there == 0)
		err_set(e, ERR_CONFIG, "no-daemon", "lockstepd does not run (nobody listens at %s)",
			path);
	return cli_error(c, e, 2);
}

int
cmd_console(struct cli *c, int argc, char **argv)
{
	CLEAN_JSON struct json *j = NULL;
	struct err e = { 0 };
	const char *url;
	int there;

	(void)argv;
	if (argc > 1)
		return cli_usage(command_named("console"), "console takes no arguments");
	there = remote_ask(c, "console", &j, &e);
	if (there <= 0)
		return no_daemon(c, there, &e);
	url = json_get_string(j, "url");
	if (c->json) {
		CLEAN_BUF struct buf line = { 0 };
		struct jsonw w = jsonw(&line);

		jsonw_obj(&w, NULL);
		jsonw_str(&w, "url", url ? url : "");
		jsonw_end(&w);
		puts(buf_cstr(&line));
		return 0;
	}
	puts("Open this in a browser on this machine; it works once, and soon no more:");
	cli_text(stdout, url);
	putchar('\n');
	return 0;
}

int
cmd_reload(struct cli *c, int argc, char **argv)
{
	CLEAN_JSON struct json *j = NULL;
	struct err e = { 0 };
	int there;

	(void)argv;
	if (argc > 1)
		return cli_usage(command_named("reload"), "reload takes no arguments");
	there = remote_ask(c, "reload", &j, &e);
	if (there <= 0)
		return no_daemon(c, there, &e);
	puts(c->json ? "{\"ok\":true}" : "The configuration is in force.");
	return 0;
}

/* How the last run went, where that is not known from the target: it may never have got so far. */
static void
service_sync(const struct json *y)
{
	const struct json *last = json_get(y, "last");
	int64_t code = json_get_int(last, "exit", 0);
	char when[24];

	printf("  sync %s: %s, next run %s\n", json_get_string(y, "name"),
		json_get_string(y, "state"), cli_time(json_get_int(y, "next", 0), when));
	if (code == 0 || code == 1 || code == 4)
		return;
	printf("    the run of %s failed: ", cli_time(json_get_int(last, "started", 0), when));
	cli_text(stdout, json_get(last, "message") ? json_get_string(last, "message")
						   : "lockstep history tells more");
	putchar('\n');
}

#define JOBS_SHOWN 20

static void
service_text(const struct json *j)
{
	int jobs = 0;

	printf("lockstepd: %s\n", json_get_bool(j, "setup", false)
					  ? "in set-up mode: no valid configuration yet"
				  : json_get_bool(j, "stopping", false) ? "is being stopped"
									: "runs");
	if (json_get(j, "conf_error")) {
		fputs("  configuration refused: ", stdout);
		cli_text(stdout, json_get_string(json_get(j, "conf_error"), "message"));
		putchar('\n');
	} else if (json_get_bool(j, "conf_changed", false)) {
		puts("  the configuration file was changed since: `lockstep reload` takes it over");
	}
	if (json_get(j, "memory_error")) {
		fputs("  what it remembers for people cannot be kept: ", stdout);
		cli_text(stdout, json_get_string(json_get(j, "memory_error"), "message"));
		puts("\n  alerts go on, by message and in the console, and are forgotten when "
		     "lockstepd ends; within a minute of it being mended all is as before");
	}
	json_for_each(y, json_get(j, "syncs"))
		service_sync(y);
	json_for_each(b, json_get(j, "jobs")) {
		if (++jobs > JOBS_SHOWN)
			continue;
		printf("  %s: lockstep ", json_get_string(b, "state"));
		cli_text(stdout, json_get_string(b, "command"));
		printf(" (%s)\n", json_get_string(b, "why"));
	}
	if (jobs > JOBS_SHOWN)
		printf("  ... and %d more wait\n", jobs - JOBS_SHOWN);
	json_for_each(s, json_get(j, "watching")) {
		printf("  source %s: %s", json_get_string(s, "source"),
			json_get_string(s, "state"));
		if (json_get(s, "text"))
			fputs(": ", stdout);
		cli_text(stdout, json_get_string(s, "text"));
		putchar('\n');
	}
}

void
remote_memory(struct cli *c, struct jsonw *w)
{
	CLEAN_JSON struct json *j = NULL;
	const struct json *why;
	struct err e = { 0 };

	if ((c->direct && !c->by) || remote_ask(c, "status", &j, &e) <= 0 ||
		!(why = json_get(j, "memory_error")))
		return;
	jsonw_json(w, "memory_error", why);
	if (c->json)
		return;
	fputs("lockstepd cannot keep alerts here: ", stdout);
	cli_text(stdout, json_get_string(why, "message"));
	puts("\nThose since then are in its messages, its journal and the console.");
}

void
remote_status(struct cli *c, struct jsonw *w)
{
	CLEAN_JSON struct json *j = NULL;
	struct err e = { 0 };
	int there = c->direct && !c->by ? 0 : remote_ask(c, "status", &j, &e);

	if (there == 0)
		return;
	if (there < 0) {
		jsonw_obj(w, "service");
		jsonw_str(w, "message", e.text);
		jsonw_end(w);
		if (!c->json) {
			fputs("lockstepd: ", stdout);
			cli_text(stdout, e.text);
			putchar('\n');
		}
		return;
	}
	jsonw_json(w, "service", j);
	if (!c->json)
		service_text(j);
}
