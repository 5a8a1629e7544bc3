/* lockstep apply FILE */
#include "cli_p.h"

#include <string.h>

int
cmd_apply(struct cli *c, int argc, char **argv)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct sync_notes notes = { .arena = a };
	struct sync_options o = { .notes = &notes };
	struct plan_file file = { 0 };
	CLEAN_RESULT struct sync_result r = { 0 };
	struct err e = { 0 };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--release") == 0)
			o.release = true;
		else if (argv[i][0] != '-' && !file.path)
			file.path = argv[i];
		else
			return cli_usage(command_named("apply"),
				"apply takes the name of one file, and --release");
	}
	if (!file.path)
		return cli_usage(command_named("apply"), "apply takes the name of a file");
	if (!plan_file_read(c, &file, &e))
		return cli_error(c, &e, 2);
	o.apply = file.digest;
	signals_catch(c);
	if (!sync_run(c->conf, &c->env, &o, &r, &e))
		return cli_error(c, &e, r.exit);
	return cli_outcome(c, &r, &notes);
}
