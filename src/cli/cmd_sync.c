/* lockstep sync, lockstep plan */
#include "cli_p.h"

#include <string.h>

struct count_row {
	const char *label;
	int64_t value;
};

static void
print_result(const struct cli *c, const struct sync_result *r)
{
	const struct count_row rows[] = { { "created", r->created }, { "adopted", r->adopted },
		{ "recreated", r->recreated }, { "updated", r->updated }, { "enabled", r->enabled },
		{ "disabled", r->disabled }, { "deleted", r->deleted },
		{ "members added", r->members_added }, { "members removed", r->members_removed },
		{ "held", r->held }, { "failed", r->failed } };
	CLEAN_BUF struct buf line = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].value)
			buf_addf(&line, "%s%s %lld", line.n ? ", " : "", rows[i].label,
				(long long)rows[i].value);
	printf("Run %lld (%s): read %lld, %s%s%lld unchanged; %.1f s\n", (long long)r->run, r->kind,
		(long long)r->read, buf_cstr(&line), line.n ? ", " : "", (long long)r->unchanged,
		r->seconds);
	if (r->exit == SYNC_OK && !r->waiting)
		puts(strcmp(r->kind, "undo") == 0 ? "Undone." : "In lockstep.");
	if (r->waiting)
		printf("%lld other operations wait for the next run.\n", (long long)r->waiting);
	if (r->drifted || r->missing || r->orphans)
		printf("At the target %lld objects were changed by others in what is ours, %lld "
		       "are missing, %lld are orphans: `lockstep drift` shows them.\n",
			(long long)r->drifted, (long long)r->missing, (long long)r->orphans);
	if (r->held)
		printf("Held back: %lld operations. `lockstep history %lld` shows them, "
		       "`lockstep release %lld` permits them.\n",
			(long long)r->held, (long long)r->run, (long long)r->run);
	if (r->failed)
		puts("Some objects fail: `lockstep status` names them, `lockstep explain WHO` "
		     "tells why.");
	if (r->error.kind != ERR_NONE)
		cli_error(c, &r->error, r->exit);
}

void
cli_notes(const struct sync_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++) {
		const struct sync_note *n = &notes->list[i];

		printf("%s ", n->what);
		cli_text(stdout, n->object);
		fputs(": ", stdout);
		cli_text(stdout, n->text);
		putchar('\n');
	}
}

int
cli_outcome(struct cli *c, const struct sync_result *r, const struct sync_notes *notes)
{
	CLEAN_BUF struct buf line = { 0 };

	progress_clear(c);
	if (!c->json) {
		if (notes)
			cli_notes(notes);
		print_result(c, r);
	}
	sync_result_json(r, notes, &line);
	if (c->json)
		puts(buf_cstr(&line));
	if (c->events)
		events_result(buf_str(&line));
	return r->exit;
}

int
cmd_sync(struct cli *c, int argc, char **argv)
{
	struct sync_options o = { 0 };
	CLEAN_RESULT struct sync_result r = { 0 };
	struct err e = { 0 };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--full") == 0)
			o.full = true;
		else if (strcmp(argv[i], "--retry") == 0)
			o.insist = true;
		else if (argv[i][0] == '-' || o.only)
			return cli_usage(command_named("sync"),
				"sync takes --full, --retry and the name of one sync");
		else
			o.only = argv[i];
	}
	if (o.only) {
		bool known = false;

		for (size_t i = 0; i < c->conf->sync_count; i++)
			known |= strcmp(c->conf->syncs[i].name, o.only) == 0;
		if (!known) {
			err_set(&e, ERR_CONFIG, "bad-usage", "%s has no sync \"%s\"", c->conf_path,
				o.only);
			return cli_error(c, &e, 2);
		}
	}
	signals_catch(c);
	if (!sync_run(c->conf, &c->env, &o, &r, &e))
		return cli_error(c, &e, r.exit);
	return cli_outcome(c, &r, NULL);
}

/* A plan file is of a plan that is whole. */
static bool
write_plan(struct cli *c, struct plan_file *file, bool force, const struct sync_result *r,
	struct err *e)
{
	if (r->exit == SYNC_SOURCE || r->exit == SYNC_TARGET)
		return err_set(e, ERR_SIDE, "no-plan", "no plan was written: %s", r->error.text);
	return plan_file_write(c, file, force, e);
}

static int
plan(struct cli *c, const struct sync_options *o, bool all, struct plan_file *file, bool force)
{
	CLEAN_RESULT struct sync_result r = { 0 };
	struct err e = { 0 };

	if (file && !file->streamed && !plan_file_free(file->path, force, &e))
		return cli_error(c, &e, 2);
	signals_catch(c);
	if (!sync_run(c->conf, &c->env, o, &r, &e))
		return cli_error(c, &e, r.exit);
	progress_clear(c);
	/* Half a plan is none. */
	if (strcmp(r.error.code, "stopped") == 0)
		return cli_error(c, &r.error, r.exit);
	if (r.exit == SYNC_CONFIG || (r.exit == SYNC_SOURCE && c->json))
		return cli_error(c, &r.error, r.exit);
	if (r.exit == SYNC_SOURCE)
		cli_error(c, &r.error, r.exit);
	if (file && !write_plan(c, file, force, &r, &e))
		return cli_error(c, &e, r.exit == SYNC_OK ? 2 : r.exit);
	for (size_t i = 0; i < c->conf->target_count; i++)
		if (!plan_print(c, &c->conf->targets[i], all, file, &e))
			return cli_error(c, &e, 1);
	if (file && !c->json)
		printf("\nWritten to %s: look at it, then `lockstep apply %s`.\n", file->path,
			file->path);
	return r.exit;
}

/* The file is the caller's: it comes in what lockstepd hands on. */
bool
ask_plan(struct asked *q, struct err *e)
{
	for (size_t i = 1; i < q->count; i++) {
		if (strcmp(q->words[i], "--force") == 0)
			q->draft.force = true;
		if (strcmp(q->words[i], "--out") != 0)
			continue;
		if (i + 1 == q->count)
			return err_set(
				e, ERR_CONFIG, "bad-usage", "--out needs the name of a file");
		q->words[i++] = "--stream";
		q->draft.path = q->words[i];
	}
	return !q->draft.path || plan_file_free(q->draft.path, q->draft.force, e);
}

int
cmd_plan(struct cli *c, int argc, char **argv)
{
	struct sync_options o = { .plan_only = true };
	struct plan_file file = { 0 };
	bool all = false, force = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--all") == 0)
			all = true;
		else if (strcmp(argv[i], "--full") == 0)
			o.full = true;
		else if (strcmp(argv[i], "--offline") == 0)
			o.offline = true;
		else if (strcmp(argv[i], "--force") == 0)
			force = true;
		else if (strcmp(argv[i], "--out") == 0 && i + 1 < argc)
			file.path = argv[++i];
		else if (strcmp(argv[i], "--stream") == 0 && i + 1 < argc)
			file = (struct plan_file){ .path = argv[++i], .streamed = true };
		else if (strcmp(argv[i], "--most") == 0 && i + 1 < argc &&
			 cli_number(argv[i + 1], &c->most))
			i++;
		else
			return cli_usage(command_named("plan"),
				"plan takes --all, --full, --offline, "
				"--most N, --out FILE and --force");
	}
	if (o.offline && o.full)
		return cli_usage(command_named("plan"),
			"plan reads everything (--full) or nothing (--offline)");
	return plan(c, &o, all, file.path ? &file : NULL, force);
}
