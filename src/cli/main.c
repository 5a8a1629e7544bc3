/* lockstep: the administrator's commands. */
#include "cli_p.h"

#include "base/file.h"
#include "base/log.h"

#include <getopt.h>
#include <libgen.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct command commands[] = {
	{ "check", "check [--print-setup | --names]",
		"tests configuration, source and target; each finding with its remedy", cmd_check,
		true, TURN_CHECK },
	{ "plan", "plan [--all] [--full|--offline] [--out FILE [--force]]",
		"shows what a sync would do, and does nothing", cmd_plan, true, TURN_THERE,
		ask_plan },
	{ "apply", "apply FILE [--release]", "does what the plan in FILE says, and only that",
		cmd_apply, true, TURN_THERE, ask_apply },
	{ "sync", "sync [--full] [--retry] [NAME]",
		"brings the targets in lockstep with the directory", cmd_sync, true, TURN_THERE },
	{ "adopt", "adopt [--list] | WHO [KEY] | --all-exact | --orphans",
		"what stands at a target in place of ours, and consent to take it over", cmd_adopt,
		true, TURN_THERE },
	{ "release", "release RUN [--target NAME]", "permits what the guard holds back of a run",
		cmd_release, true, TURN_THERE },
	{ "undo", "undo RUN [--dry-run] [--release] [--target NAME]",
		"takes back what a run did, and keeps it so", cmd_undo, true, TURN_THERE },
	{ "unpin", "unpin WHO|--all", "ends what an undo keeps as it was", cmd_unpin, true,
		TURN_THERE },
	{ "status", "status", "in lockstep or not, what fails, what waits", cmd_status, true,
		TURN_READS },
	{ "drift", "drift", "what others changed at the targets, as the last full sync found it",
		cmd_drift, true, TURN_READS },
	{ "alerts", "alerts [--all|seen ID|test]",
		"what the service found wrong, and what to do; test: sends a message", cmd_alerts,
		true, TURN_READS },
	{ "history", "history [RUN|--follow] [--target NAME]",
		"the runs, or every operation of one", cmd_history, true, TURN_READS },
	{ "explain", "explain WHO", "all about one entry, by mail, DN, account name or id",
		cmd_explain, true, TURN_READS },
	{ "search", "search TEXT", "entries of the directory by anything that names them",
		cmd_search, true, TURN_READS },
	{ "browse", "browse containers|groups [--match TEXT]",
		"what the directory has to choose from", cmd_browse, true, TURN_READS },
	{ "config", "config show|options|import FILE",
		"the configuration in force; or a first one out of another tool's", cmd_config,
		false },
	{ "console", "console", "a one-time link to the page of lockstepd", cmd_console, false },
	{ "reload", "reload", "lets lockstepd take over the configuration as it is now", cmd_reload,
		false },
	{ "register", "register [TARGET] [--key-file FILE] [--name NAME]",
		"exchanges the account's key for a credential of this agent, which stays in its "
		"place",
		cmd_register, true, TURN_CHECK, ask_register },
	{ "watch", "watch SOURCE", "says whenever the directory tells of a change", cmd_watch, true,
		TURN_READS },
	{ "state", "state check|backup|rebuild", "examines or copies the state, or drops a mirror",
		cmd_state, true, TURN_THERE },
	{ 0 },
};

#define SYNOPSIS 29 /* wide; a longer one has a line of its own */

static void
help(FILE *f)
{
	fprintf(f, "usage: lockstep [-c FILE] COMMAND [--json] [--help]\n\n"
		   "Keeps hosted services in lockstep with a directory.\n\n"
		   "  -c, --config FILE  configuration (/etc/lockstep/lockstep.conf)\n"
		   "  -j, --json         one JSON object on one line instead of text\n"
		   "  -q, --quiet        no progress\n"
		   "  -v, --verbose      what connectors log, and every operation\n"
		   "      --direct       not through lockstepd, even while it runs\n"
		   "      --control FILE its socket, where there is no valid configuration yet\n"
		   "      --events       what happens, as JSON lines on standard error\n"
		   "      --version\n\n");
	for (const struct command *c = commands; c->name; c++)
		fprintf(f, "  %-*s%s%*s%s\n", SYNOPSIS, c->synopsis,
			strlen(c->synopsis) < SYNOPSIS ? "" : "\n",
			strlen(c->synopsis) < SYNOPSIS ? 0 : SYNOPSIS + 2, "", c->help);
	fprintf(f,
		"\nExit codes: 0 in lockstep, 1 some objects failed, 2 configuration or usage, 3 "
		"the source could\n"
		"not be read completely, 4 held by the guard, 5 the target could not be reached, "
		"or "
		"the run was\n"
		"stopped.\n"
		"See lockstep(1) and lockstep.conf(5).\n");
}

int
cli_usage(const struct command *cmd, const char *wrong)
{
	if (wrong)
		fprintf(stderr, "lockstep: %s\n", wrong);
	fprintf(wrong ? stderr : stdout, "usage: lockstep [-c FILE] %s [--json]\n  %s\n",
		cmd->synopsis, cmd->help);
	return wrong ? 2 : 0;
}

const struct command *
command_named(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static int
unknown_command(const char *name)
{
	const char *names[ARRAY_LEN(commands)];
	const char *near;
	size_t n = 0;

	for (; commands[n].name; n++)
		names[n] = commands[n].name;
	names[n] = NULL;
	near = text_nearest(name, names);
	fprintf(stderr,
		"lockstep: there is no command \"%s\"%s%s%s; `lockstep --help` lists them\n", name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return 2;
}

int
cli_error(const struct cli *c, const struct err *e, int code)
{
	CLEAN_BUF struct buf text = { 0 };

	progress_clear((struct cli *)c);
	if (c->json || c->events) {
		struct jsonw w = jsonw(&text);

		jsonw_obj(&w, NULL);
		jsonw_int(&w, "exit", code);
		jsonw_obj(&w, "error");
		jsonw_str(&w, "kind", err_kind_name(e->kind));
		jsonw_str(&w, "code", e->code);
		jsonw_str(&w, "message", e->text);
		jsonw_end(&w);
		jsonw_end(&w);
		if (c->events)
			events_result(buf_str(&text));
		if (c->json) {
			puts(buf_cstr(&text));
			return code;
		}
		buf_reset(&text);
	}
	text_escape(e->text, strlen(e->text), 0, &text);
	fprintf(stderr, "lockstep: %s\n", buf_cstr(&text));
	return code;
}

void
cli_text(FILE *f, const char *s)
{
	CLEAN_BUF struct buf text = { 0 };

	text_escape(s ? s : "", s ? strlen(s) : 0, 0, &text);
	fputs(buf_cstr(&text), f);
}

const char *
cli_time(int64_t t, char out[24])
{
	if (!t)
		return "-";
	time_format(t, out);
	return out;
}

bool
cli_options(struct cli *c, const struct command *cmd, int *argc, char **argv, int *exit_r)
{
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0) {
			c->json = true;
		} else if (strcmp(argv[i], "--quiet") == 0 || strcmp(argv[i], "-q") == 0) {
			c->quiet = true;
		} else if (strcmp(argv[i], "--verbose") == 0 || strcmp(argv[i], "-v") == 0) {
			c->verbose = true;
		} else if (strcmp(argv[i], "--direct") == 0) {
			c->direct = true;
		} else if (strcmp(argv[i], "--events") == 0) {
			c->events = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			*exit_r = cli_usage(cmd, NULL);
			return false;
		} else {
			argv[kept++] = argv[i];
		}
	}
	*argc = kept;
	return true;
}

#define EVENTS_SHOWN 20 /* a flood tells nobody anything */

void
cli_event(void *ctx, const char *event, const char *object, const char *text)
{
	struct cli *c = ctx;
	bool quiet = strcmp(event, "done") == 0 || strcmp(event, "settling") == 0;

	if (c->events) {
		events_event(event, object, text);
		return;
	}
	if (!c->verbose && (c->json || quiet || c->shown > EVENTS_SHOWN))
		return;
	progress_clear(c);
	if (!c->verbose && c->shown++ == EVENTS_SHOWN) {
		fputs("... and more: `lockstep history` and `lockstep status` name them all\n",
			stderr);
		return;
	}
	fprintf(stderr, "%s: ", event);
	cli_text(stderr, object);
	fputs(": ", stderr);
	cli_text(stderr, text);
	fputc('\n', stderr);
}

/* The folder of this program: its connectors stand beside it. */
static char *
own_folder(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return xstrdup("/usr/bin");
	path[n] = '\0';
	return xstrdup(dirname(path));
}

/* What needs no schema to be found wrong: filters and expressions, of every sync, before anything is done. What only the
 * directory knows, a name that it has not, a run finds. */
static bool
check_rules(const struct conf *conf, struct err *e)
{
	for (size_t i = 0; i < conf->sync_count; i++) {
		struct rules *r = NULL;
		bool ok = rules_compile(conf, &conf->syncs[i], NULL, &r, e);

		rules_free(&r);
		if (!ok)
			return false;
	}
	return true;
}

bool
cli_load(struct cli *c, struct err *e)
{
	return conf_load(c->conf_path, &c->conf, e) && check_rules(c->conf, e) &&
	       cli_resolve_options(c, e);
}

static int
run(struct cli *c, const struct command *cmd, int argc, char **argv)
{
	struct err e = { 0 };
	int code = 0;

	if (!cli_options(c, cmd, &argc, argv, &code))
		return code;
	if (cmd->needs_conf &&
		(!conf_load(c->conf_path, &c->conf, &e) || !check_rules(c->conf, &e)))
		return remote_despite(c, cmd, argc, argv, &e, &code) ? code : cli_error(c, &e, 2);
	if (remote_command(c, cmd, argc, argv, &code))
		return code;
	if (cmd->needs_conf && !cli_resolve_options(c, &e))
		return remote_despite(c, cmd, argc, argv, &e, &code) ? code : cli_error(c, &e, 2);
	code = cmd->run(c, argc, argv);
	progress_clear(c);
	return code;
}

/* What stands before the command. false: *exit_r says the end. */
static bool
own_options(struct cli *c, int argc, char **argv, int *exit_r)
{
	static const struct option longs[] = { { "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' }, { "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' }, { "direct", no_argument, NULL, 'D' },
		{ "control", required_argument, NULL, 'C' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' }, { "events", no_argument, NULL, 'E' },
		{ "by", required_argument, NULL, 'B' }, { 0 } };
	int opt;

	*exit_r = 0;
	while ((opt = getopt_long(argc, argv, "+c:jqvh", longs, NULL)) != -1) {
		switch (opt) {
		case 'c':
			c->conf_path = optarg;
			break;
		case 'j':
			c->json = true;
			break;
		case 'q':
			c->quiet = true;
			break;
		case 'v':
			c->verbose = true;
			break;
		case 'D':
			c->direct = true;
			break;
		case 'C':
			c->control = optarg;
			break;
		case 'E':
			c->events = true;
			break;
		case 'B':
			c->by = optarg;
			break;
		case 'V':
			puts("lockstep " LOCKSTEP_VERSION);
			return false;
		case 'h':
			help(stdout);
			return false;
		default:
			*exit_r = 2;
			return false;
		}
	}
	if (optind < argc)
		return true;
	help(stderr);
	*exit_r = 2;
	return false;
}

int
main(int argc, char **argv)
{
	struct cli c = { .program = "lockstep", .conf_path = "/etc/lockstep/lockstep.conf" };
	CLEAN_FREE char *folder = own_folder();
	const struct command *cmd;
	int code;

	setlocale(LC_ALL, "C.UTF-8");
	signal(SIGUSR1, SIG_IGN); /* news for a run that has not begun yet */
	log_init("lockstep", false, LOG_INFO);
	process_harden();
	if (!own_options(&c, argc, argv, &code))
		return code;
	cmd = command_named(argv[optind]);
	if (!cmd)
		return unknown_command(argv[optind]);
	c.bin = folder;
	c.progress = progress_new();
	c.env = (struct sync_env){ .store = { .clock = &clock_system },
		.open_source = cli_open_source,
		.open_target = cli_open_target,
		.progress = progress_show,
		.event = cli_event,
		.ctx = &c };
	code = run(&c, cmd, argc - optind, argv + optind);
	conf_free(&c.conf);
	free(c.progress);
	return code;
}
