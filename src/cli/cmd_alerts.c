/* lockstep alerts: what the service has to say (lockstepd-alerts(7)). */
#include "cli_p.h"

#include "store/agent.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_MOST 500

static bool
open_store(struct cli *c, bool read_only, struct agent_store **s_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();

	return agent_store_open(
		agent_store_path(c->conf->state, a), &c->env.store, read_only, s_r, NULL, e);
}

static void
print_field(const char *name, const char *value)
{
	if (!*value)
		return;
	printf("      %-6s ", name);
	cli_text(stdout, value);
	putchar('\n');
}

static void
print_examples(const struct alert_row *r)
{
	CLEAN_JSON struct json *j = NULL;
	int64_t n = 0;

	if (!*r->examples || !json_parse(str_c(r->examples), 0, &j, NULL))
		return;
	fputs("      such as ", stdout);
	json_for_each(name, j) {
		fputs(n++ ? ", " : "", stdout);
		cli_text(stdout, json_string(name));
	}
	if (r->count > n)
		printf(" and %lld more", (long long)(r->count - n));
	putchar('\n');
}

static void
print_alert(const struct alert_row *r)
{
	char since[24], other[24];

	printf("%4lld  %s  ", (long long)r->id, alert_severity_name(r->severity));
	cli_text(stdout, r->object);
	printf("  [%s]  since %s", r->code, cli_time(r->found, since));
	if (r->cleared)
		printf(", cleared %s", cli_time(r->cleared, other));
	if (r->seen_at) {
		fputs(", seen by ", stdout);
		cli_text(stdout, r->seen_by);
	}
	putchar('\n');
	print_field("cause", r->cause);
	print_examples(r);
	if (r->state != ALERT_OPEN)
		return;
	print_field("to do", r->remedy);
	print_field("look", r->look);
}

/* No service has run on this state yet: then there is nothing to tell. */
static int
list(struct cli *c, bool all)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf out = { 0 };
	struct alert_row *rows = arena_alloc(a, SHOWN_MOST * sizeof(*rows));
	struct jsonw w = jsonw(&out);
	struct agent_store *s = NULL;
	struct err e = { 0 };
	size_t n = 0;

	if (open_store(c, true, &s, &e))
		n = all ? agent_alerts_all(s, 0, a, rows, SHOWN_MOST)
			: agent_alerts_open(s, a, rows, SHOWN_MOST);
	else if (strcmp(e.code, "no-state") != 0)
		return cli_error(c, &e, 2);
	agent_store_close(&s);
	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "alerts");
	for (size_t i = 0; i < n; i++) {
		alert_json(&rows[i], &w, NULL);
		if (!c->json)
			print_alert(&rows[i]);
	}
	jsonw_end(&w);
	remote_memory(c, &w);
	jsonw_end(&w);
	if (c->json)
		puts(buf_cstr(&out));
	else if (n == 0)
		puts(all ? "No alerts." : "No alert is open.");
	return 0;
}

/* Who it is, also behind sudo and behind the service. */
static const char *
who(const struct cli *c)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *p = getpwuid(getuid());

	if (c->by)
		return c->by;
	if (getuid() == 0 && sudo && *sudo)
		return sudo;
	return p ? p->pw_name : "somebody";
}

static int
seen(struct cli *c, const char *number)
{
	struct agent_store *s = NULL;
	struct err e = { 0 };
	int64_t id;
	bool ok;

	if (!cli_number(number, &id))
		return cli_usage(
			command_named("alerts"), "`alerts seen` takes the number of an alert");
	/* one that is not there is not to be made by this */
	ok = open_store(c, true, &s, &e);
	agent_store_close(&s);
	ok = ok && open_store(c, false, &s, &e) &&
	     agent_alert_seen(s, id, who(c), clock_system.now(clock_system.ctx), &e);
	agent_store_close(&s);
	if (!ok)
		return cli_error(c, &e, 1);
	if (c->json)
		printf("{\"seen\":%lld}\n", (long long)id);
	return 0;
}

/* Passwords and tokens are lockstep-notify's alone. */
static int
test(struct cli *c)
{
	CLEAN_FREE char *program = xasprintf("%s/lockstep-notify", c->bin);
	CLEAN_FREE char *path = xstrdup(c->conf_path);
	char option[] = "--test";
	char *argv[] = { program, option, path, NULL };
	struct err e = { 0 };

	fflush(stdout);
	execv(program, argv);
	err_errno(&e, ERR_CONFIG, "%s cannot be started", program);
	return cli_error(c, &e, 2);
}

int
cmd_alerts(struct cli *c, int argc, char **argv)
{
	if (argc == 1)
		return list(c, false);
	if (argc == 2 && strcmp(argv[1], "--all") == 0)
		return list(c, true);
	if (argc == 2 && strcmp(argv[1], "test") == 0)
		return test(c);
	if (argc == 3 && strcmp(argv[1], "seen") == 0)
		return seen(c, argv[2]);
	return cli_usage(command_named("alerts"), "alerts takes --all, `seen NUMBER` or `test`");
}
