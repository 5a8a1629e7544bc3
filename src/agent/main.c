/* lockstepd: supervises. What it consists of stands in parts.c, in order. */
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>
#include "agent.h"
#include "base/file.h"
#include "base/mem.h"
#include "jobs.h"
#include "reload.h"

#define MINUTE_MS 60000
#define EXTEND_MS 15000 /* how often systemd is asked for more time while runs stop */

struct daemon {
	struct agent g;
	sd_event_source *minute, *extend;
};

/* --- stopping --- */

static void
on_drained(void *ctx)
{
	struct daemon *d = ctx;

	sd_event_exit(d->g.loop, 0);
}

static int
on_extend(sd_event_source *src, uint64_t us, void *ctx)
{
	struct daemon *d = ctx;

	(void)src;
	(void)us;
	sd_notify(0, "EXTEND_TIMEOUT_USEC=30000000");
	agent_timer(&d->g, &d->extend, EXTEND_MS, on_extend, d);
	return 0;
}

/* Runs come to a safe point (S3.5); nothing new begins. */
static int
on_stop(sd_event_source *src, const struct signalfd_siginfo *si, void *ctx)
{
	struct daemon *d = ctx;
	struct agent *g = &d->g;

	(void)src;
	if (g->stopping)
		return 0;
	g->stopping = true;
	agent_log(LOG_INFO, "stopping", "signal", strsignal((int)si->ssi_signo), NULL);
	sd_notify(0, "STOPPING=1\nSTATUS=Stopping: runs in progress come to a safe point");
	agent_tell(g, AGENT_STOPPING, NULL);
	if (!g->jobs) {
		sd_event_exit(g->loop, 0);
		return 0;
	}
	on_extend(NULL, 0, d);
	jobs_drain(g, on_drained, d);
	return 0;
}

/* --- other causes to wake up --- */

static int
on_reload(sd_event_source *src, const struct signalfd_siginfo *si, void *ctx)
{
	struct daemon *d = ctx;

	(void)src;
	(void)si;
	if (d->g.reload && !d->g.stopping)
		reload_ask(&d->g, NULL, NULL);
	return 0;
}

static int
on_minute(sd_event_source *src, uint64_t us, void *ctx)
{
	struct daemon *d = ctx;

	(void)src;
	(void)us;
	agent_tell(&d->g, AGENT_MINUTE, NULL);
	agent_timer(&d->g, &d->minute, MINUTE_MS, on_minute, d);
	return 0;
}

/* What `systemctl status` shows. */
static void
on_news(void *ctx, const struct agent_news *n)
{
	struct agent *g = ctx;

	if (n->what == AGENT_MINUTE || g->stopping)
		return;
	if (n->what == AGENT_JOB_STARTED && job_writes(n->job))
		sd_notifyf(0, "STATUS=Running: lockstep %s", job_command(n->job));
	else if (n->what == AGENT_JOB_ENDED && job_writes(n->job))
		sd_notifyf(
			0, "STATUS=Idle; the last run ended with exit code %d", job_exit(n->job));
	else if (n->what == AGENT_CONF_REFUSED)
		sd_notifyf(0, "STATUS=%s: %s",
			g->conf ? "The configuration was refused, the old one goes on"
				: "Set-up mode",
			g->conf_error.text);
}

static void
log_jobs(void *ctx, const struct agent_news *n)
{
	char exit_code[16], id[24];

	(void)ctx;
	if (n->what != AGENT_JOB_STARTED && n->what != AGENT_JOB_ENDED)
		return;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)job_id(n->job));
	if (n->what == AGENT_JOB_STARTED) {
		agent_log(job_writes(n->job) ? LOG_INFO : LOG_DEBUG, "job-started", "job", id,
			"command", job_command(n->job), "why", job_why(n->job), "by",
			job_by(n->job), NULL);
		return;
	}
	snprintf(exit_code, sizeof(exit_code), "%d", job_exit(n->job));
	agent_log(job_exit(n->job) > 1 ? LOG_WARN : LOG_INFO, "job-ended", "job", id, "command",
		job_command(n->job), "exit", exit_code, "code", job_error(n->job)->code, "text",
		job_error(n->job)->text, NULL);
}

/* --- starting --- */

static bool
open_loop(struct daemon *d, struct err *e)
{
	static const int blocked[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(blocked); i++)
		sigaddset(&set, blocked[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (sd_event_new(&d->g.loop) < 0 ||
		sd_event_add_signal(d->g.loop, NULL, SIGTERM, on_stop, d) < 0 ||
		sd_event_add_signal(d->g.loop, NULL, SIGINT, on_stop, d) < 0 ||
		sd_event_add_signal(d->g.loop, NULL, SIGHUP, on_reload, d) < 0 ||
		sd_event_set_watchdog(d->g.loop, true) < 0)
		return err_set(e, ERR_CONFIG, "os", "there is no loop to be had");
	return true;
}

/* The folder of this program: `lockstep` stands beside it. */
static char *
own_folder(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return xstrdup("/usr/bin");
	path[n] = '\0';
	dirname(path);
	if (strcmp(path, "/usr/sbin") == 0 || strcmp(path, "/usr/lib/lockstep") == 0)
		return xstrdup("/usr/bin");
	return xstrdup(path);
}

static char *
absolute(const char *path)
{
	CLEAN_FREE char *here = getcwd(NULL, 0);

	return path[0] == '/' || !here ? xstrdup(path) : xasprintf("%s/%s", here, path);
}

static int
serve(struct daemon *d)
{
	struct agent *g = &d->g;
	struct err e = { 0 };
	int code = 1;

	if (!open_loop(d, &e)) {
		agent_log(LOG_ERROR, "not-started", "code", e.code, "text", e.text, NULL);
		return 1;
	}
	agent_hear(g, log_jobs, g);
	agent_hear(g, on_news, g);
	if (parts_start(g, &e)) {
		sd_notifyf(0, "READY=1\nSTATUS=%s%s",
			g->conf ? "Started" : "Set-up mode: ", g->conf ? "" : g->conf_error.text);
		agent_log(LOG_INFO, "started", "version", LOCKSTEP_VERSION, "mode",
			g->conf ? "service" : "setup", NULL);
		on_minute(NULL, 0, d);
		code = sd_event_loop(g->loop) < 0;
		parts_stop(g);
		agent_log(LOG_INFO, "stopped", NULL);
	} else if (g->stopping) {
		code = 0;
	} else {
		agent_log(LOG_ERROR, "not-started", "code", e.code, "text", e.text, NULL);
	}
	sd_event_source_disable_unref(d->minute);
	sd_event_source_disable_unref(d->extend);
	agent_hearers_free(g);
	conf_free(&g->conf);
	free(g->locked);
	mem_clean_fd(&g->lock);
	sd_event_unref(g->loop);
	return code;
}

static int
usage(FILE *f, int code)
{
	fputs("usage: lockstepd [-c FILE] [--control SOCKET] [--state FOLDER] "
	      "[--port N]\n\n"
	      "Runs `lockstep sync` whenever it is time, and serves `lockstep` and the console.\n\n"
	      "  -c, --config FILE     configuration (/etc/lockstep/lockstep.conf)\n"
	      "      --foreground      as always; accepted for convenience\n"
	      "      --control SOCKET  while there is no valid configuration: "
	      "/run/lockstep/control\n"
	      "      --state FOLDER    while there is no valid configuration: "
	      "/var/lib/lockstep\n"
	      "      --port N          of the console, while there is no valid configuration: "
	      "8080\n"
	      "      --version\n\n"
	      "See lockstepd(8).\n",
		f);
	return code;
}

/* What systemd made for us, else where the package has it. */
static char *
default_path(const char *variable, const char *otherwise, const char *file)
{
	const char *folder = getenv(variable);

	if (!folder || folder[0] != '/' || strchr(folder, ':'))
		folder = otherwise;
	return xasprintf("%s%s", folder, file);
}

static bool
port_of(const char *text, int *port_r)
{
	char *end;
	long n = strtol(text, &end, 10);

	*port_r = (int)n;
	return *text && !*end && n > 0 && n < 65536;
}

/* False: *code_r says the end. */
static bool
options(int argc, char **argv, struct agent *g, int *code_r)
{
	enum { O_VERSION = 256, O_FOREGROUND, O_CONTROL, O_STATE, O_PORT };
	static const struct option longs[] = { { "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, O_VERSION },
		{ "foreground", no_argument, NULL, O_FOREGROUND },
		{ "control", required_argument, NULL, O_CONTROL },
		{ "state", required_argument, NULL, O_STATE },
		{ "port", required_argument, NULL, O_PORT }, { 0 } };
	int opt;

	*code_r = 0;
	while ((opt = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		if (opt == 'c') {
			g->conf_path = optarg;
		} else if (opt == O_CONTROL) {
			g->control_path = optarg;
		} else if (opt == O_STATE) {
			g->state_path = optarg;
		} else if (opt == O_PORT && port_of(optarg, &g->port)) {
			continue;
		} else if (opt == O_VERSION) {
			puts("lockstepd " LOCKSTEP_VERSION);
			return false;
		} else if (opt == 'h') {
			usage(stdout, 0);
			return false;
		} else if (opt != O_FOREGROUND) {
			*code_r = usage(stderr, 2);
			return false;
		}
	}
	if (optind < argc)
		*code_r = usage(stderr, 2);
	return optind == argc;
}

int
main(int argc, char **argv)
{
	CLEAN_FREE char *control = default_path("RUNTIME_DIRECTORY", "/run/lockstep", "/control");
	CLEAN_FREE char *state = default_path("STATE_DIRECTORY", CONF_STATE, "");
	CLEAN_FREE char *bin = own_folder();
	CLEAN_FREE char *conf = NULL;
	struct daemon d = { .g = { .conf_path = "/etc/lockstep/lockstep.conf",
				    .control_path = control,
				    .state_path = state,
				    .bin = bin,
				    .lock = -1 } };
	int code;

	if (!options(argc, argv, &d.g, &code))
		return code;
	setlocale(LC_ALL, "C.UTF-8");
	tzset();
	umask(077);
	process_harden();
	agent_log_init();
	conf = absolute(d.g.conf_path);
	d.g.conf_path = conf;
	d.g.started = agent_now();
	return serve(&d);
}
