/* Private to the command line program. */
#pragma once
#include <stdio.h>

#include "base/json.h"
#include "sync/sync.h"
#include "wire/msg.h"

struct cli {
	const char *program;
	int64_t most; /* plan --json: operations of one class and kind; 0 = all */
	const char *conf_path;
	const char *control; /* --control: socket of lockstepd; NULL = the configuration's */
	bool json, quiet, verbose;
	bool direct;    /* not through lockstepd */
	const char *by; /* --by: lockstepd performs this for somebody; NULL = the caller's own */
	bool events;    /* what happens goes to standard error as JSON lines */
	int shown;      /* events, as text, so far */
	struct conf *conf;
	struct sync_env env;
	struct progress *progress;
	const char *bin; /* folder of our programs */
};

enum command_turn {
	TURN_NONE, /* performed here */
	TURN_READS, /* here; by lockstepd where the caller may not see the state, or the file is refused */
	TURN_CHECK, /* the same, but for a file that is refused: to say so is its task */
	TURN_THERE, /* writes the state: by lockstepd, where it runs */
};

struct plan_draft { /* a plan that comes to be a file: beside path, which it gets when it is whole */
	const char *path;
	bool force; /* in the place of what is there */
	char *temp;
	FILE *f;
};
/* What lockstepd is asked for. Files of the caller's are the caller's to open: what is in them comes and goes in lines. */
struct asked {
	struct arena *a;
	const char **words; /* as they were given, NULL-ended */
	size_t count;
	struct plan_draft draft; /* path: what is streamed goes there */
};

/* A command: gets its own arguments (argv[0] is its name); answers the exit code. */
struct command {
	const char *name, *synopsis, *help;
	int (*run)(struct cli *c, int argc, char **argv);
	bool needs_conf;
	enum command_turn turn;
	/* Changes the words where they name files; NULL: none do. */
	bool (*ask)(struct asked *q, struct err *e);
};
extern const struct command commands[];
const struct command *command_named(const char *name); /* NULL = none */

int cmd_adopt(struct cli *c, int argc, char **argv);
int cmd_alerts(struct cli *c, int argc, char **argv);
int cmd_apply(struct cli *c, int argc, char **argv);
int cmd_browse(struct cli *c, int argc, char **argv);
int cmd_check(struct cli *c, int argc, char **argv);
int cmd_config(struct cli *c, int argc, char **argv);
int cmd_console(struct cli *c, int argc, char **argv);
int cmd_drift(struct cli *c, int argc, char **argv);
int cmd_explain(struct cli *c, int argc, char **argv);
int cmd_history(struct cli *c, int argc, char **argv);
int cmd_plan(struct cli *c, int argc, char **argv);
int cmd_release(struct cli *c, int argc, char **argv);
int cmd_register(struct cli *c, int argc, char **argv);
int cmd_reload(struct cli *c, int argc, char **argv);

int cmd_search(struct cli *c, int argc, char **argv);
int cmd_state(struct cli *c, int argc, char **argv);
int cmd_status(struct cli *c, int argc, char **argv);
int cmd_sync(struct cli *c, int argc, char **argv);
int cmd_undo(struct cli *c, int argc, char **argv);
int cmd_unpin(struct cli *c, int argc, char **argv);
int cmd_watch(struct cli *c, int argc, char **argv);

/* The configuration, checked, into c->conf; for commands that do not always need one. */
bool cli_load(struct cli *c, struct err *e);
/* Says the error on standard error (or as JSON on standard output) and answers `code`. */
int cli_error(const struct cli *c, const struct err *e, int code);
int cli_usage(const struct command *cmd, const char *wrong);
/* Handles --help and --json in a command's arguments; false: *exit_r says the end. Leaves the rest. */
bool cli_options(struct cli *c, const struct command *cmd, int *argc, char **argv, int *exit_r);
bool cli_number(const char *s, int64_t *n_r); /* of a run: above 0 */
void cli_text(FILE *f, const char *s);        /* untrusted text, escaped for a terminal */
void cli_change(const struct change *ch); /* cmd_history.c: the end of its line, and its values */
const char *cli_time(int64_t t, char out[24]); /* "2026-11-21T17:00:00Z", "-" for 0 */

/* What a run tells on its way; ctx: struct cli. */
void cli_event(void *ctx, const char *event, const char *object, const char *text);

bool ask_apply(struct asked *q, struct err *e);
bool ask_plan(struct asked *q, struct err *e);
bool ask_register(struct asked *q, struct err *e);

/* remote.c. False: it is to be performed here. */
bool remote_command(struct cli *c, const struct command *cmd, int argc, char **argv, int *code_r);
/* The configuration cannot be used, bad says why: a command that only reads is performed by a lockstepd that goes on with
 * the one before. False: not done, bad stands. */
bool remote_despite(struct cli *c, const struct command *cmd, int argc, char **argv,
	const struct err *bad, int *code_r);
/* A question with one answer: 1 and the answer, 0 nobody listens, -1 error or refused. */
int remote_ask(struct cli *c, const char *what, struct json **j_r, struct err *e);
/* The socket; without a valid configuration (e says why) where the package's daemon listens. */
const char *remote_path(struct cli *c, struct err *e);

/* cmd_console.c. What lockstepd says, where it runs: "service": {...}, and as text. */
void remote_status(struct cli *c, struct jsonw *w);
/* Says so where alerts of a running lockstepd are not in agent.db. */
void remote_memory(struct cli *c, struct jsonw *w);

/* connect.c: connectors as programs beside ours; options checked against --describe. */
bool cli_open_source(
	void *ctx, const struct conf_source *s, int lock_fd, struct conn **c_r, struct err *e);
bool cli_open_target(
	void *ctx, const struct conf_target *t, int lock_fd, struct conn **c_r, struct err *e);
/* As a greeting has them. */
struct wire_option *cli_wire_options(
	const struct conf_value *values, size_t count, struct arena *a);
bool cli_resolve_options(struct cli *c, struct err *e);
/* What a connector says of its own options (--describe); role: "source", "target". */
bool cli_describe(struct cli *c, const char *role, const char *type, const char *command,
	struct json **j_r, struct err *e);

/* signals.c: a run ends when it is asked to, and hears of changes; sets env.stop and env.changed. */
void signals_catch(struct cli *c);

/* events.c: lines of --events. left: seconds, -1 = not known. */
void events_progress(
	const char *phase, const char *what, int64_t done, int64_t total, int64_t left);
void events_event(const char *event, const char *object, const char *text);
void events_log(struct str said);
void events_result(struct str json); /* what --json prints */

/* progress.c */
void progress_show(void *ctx, const char *phase, const char *what, int64_t done, int64_t total);
void progress_clear(struct cli *c);
struct progress *progress_new(void);

/* status_source.c: what a person should know of the sources, as text or into the object of `status --json`. */
bool status_sources(struct cli *c, struct jsonw *w, struct err *e);
/* "failing_codes": how many objects of a target fail, by cause. */
void status_codes(struct ledger *l, struct jsonw *w);

/* cmd_drift.c: into a target's status; f: also as text, or NULL */
void drift_status(struct ledger *l, FILE *f, struct jsonw *w);

/* plan_text.c */
struct paper { /* where a plan is printed */
	FILE *f;
	bool all;   /* every operation, not the first of each class */
	bool whole; /* the values of what is created, too */
	bool colour;
};
bool plan_text(const struct paper *p, struct ledger *l, const char *target, struct err *e);
void attrs_print_changes(FILE *f, const struct attrs *before, const struct attrs *after,
	const char *indent, size_t most); /* bytes of a value; 0 = all */
bool cli_colour(FILE *f);                 /* a terminal that wants it (NO_COLOR) */

/* plan_file.c: `plan --out`, `apply`. The plan is kept in the state under the digest of the file. */
struct plan_file {
	const char *path;
	bool streamed; /* to standard output, between two form feeds: whoever asked lockstepd has a file of that name */
	char digest[65], configuration[65];
};
bool plan_file_write(struct cli *c, struct plan_file *p, bool force, struct err *e);
/* Nothing may be there that it would replace, unless forced. */
bool plan_file_free(const char *path, bool force, struct err *e);
/* Whole as it was written; fills the digests. */
bool plan_file_read(struct plan_file *p, struct err *e);
/* It is for the configuration in force. */
bool plan_file_fits(struct cli *c, const struct plan_file *p, struct err *e);
/* CLEAN_PLAN removes what was not kept. */
bool plan_draft_open(struct plan_draft *d, struct err *e);
bool plan_draft_keep(struct plan_draft *d, struct err *e);
void plan_draft_drop(struct plan_draft *d);
#define CLEAN_PLAN __attribute__((cleanup(plan_draft_drop)))

/* plan_print.c; file: NULL = none was written */
bool plan_print(struct cli *c, const struct conf_target *t, bool all, const struct plan_file *file,
	struct err *e);
/* cmd_status.c: a target's state; code "no-state": there is none yet */
bool cli_ledger(struct cli *c, const struct conf_target *t, bool read_only, struct ledger **l_r,
	struct err *e);
/* cmd_sync.c */
void cli_notes(const struct sync_notes *notes);
int cli_outcome(struct cli *c, const struct sync_result *r, const struct sync_notes *notes);
