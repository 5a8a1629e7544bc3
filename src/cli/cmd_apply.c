/* lockstep apply FILE */
#include "cli_p.h"

#include <string.h>

/* The state has the plan: the digests are all of the caller's file that lockstepd needs. */
bool
ask_apply(struct asked *q, struct err *e)
{
	const char **words = arena_alloc(q->a, (q->count + 4) * sizeof(*words));
	struct plan_file file = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < q->count; i++) {
		if (i && q->words[i][0] != '-' && !file.path)
			file.path = q->words[i];
		else
			words[n++] = q->words[i];
	}
	if (!file.path)
		return err_set(e, ERR_CONFIG, "bad-usage", "apply takes the name of a file");
	if (!plan_file_read(&file, e))
		return false;
	words[n++] = "--digest";
	words[n++] = arena_strdup(q->a, file.digest);
	words[n++] = "--configuration";
	words[n++] = arena_strdup(q->a, file.configuration);
	q->words = words;
	q->count = n;
	return true;
}

static bool
is_digest(const char *s, char out[65])
{
	memcpy(out, s, strnlen(s, 64));
	return strlen(s) == 64;
}

/* --digest and --configuration: in the place of a file, by lockstepd. */
static bool
parse(int argc, char **argv, struct sync_options *o, struct plan_file *f)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--release") == 0)
			o->release = true;
		else if (strcmp(argv[i], "--digest") == 0 && i + 1 < argc &&
			 is_digest(argv[i + 1], f->digest))
			i++;
		else if (strcmp(argv[i], "--configuration") == 0 && i + 1 < argc &&
			 is_digest(argv[i + 1], f->configuration))
			i++;
		else if (argv[i][0] != '-' && !f->path)
			f->path = argv[i];
		else
			return false;
	}
	return f->path || *f->digest;
}

int
cmd_apply(struct cli *c, int argc, char **argv)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct sync_notes notes = { .arena = a };
	struct sync_options o = { .notes = &notes };
	struct plan_file file = { 0 };
	CLEAN_RESULT struct sync_result r = { 0 };
	struct err e = { 0 };

	if (!parse(argc, argv, &o, &file))
		return cli_usage(
			command_named("apply"), "apply takes the name of one file, and --release");
	if ((file.path && !plan_file_read(&file, &e)) || !plan_file_fits(c, &file, &e))
		return cli_error(c, &e, 2);
	o.apply = file.digest;
	signals_catch(c);
	if (!sync_run(c->conf, &c->env, &o, &r, &e))
		return cli_error(c, &e, r.exit);
	return cli_outcome(c, &r, &notes);
}
