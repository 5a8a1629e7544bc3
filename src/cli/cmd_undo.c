/* lockstep undo RUN, lockstep unpin WHO */
#include "cli_p.h"

#include <string.h>

/* The target in whose history the run is; run numbers are each target's own. */
static bool
choose_target(struct cli *c, struct sync_options *o, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	size_t found = 0;

	if (o->undo_target) {
		if (!conf_target(c->conf, o->undo_target))
			return err_set(e, ERR_CONFIG, "bad-usage", "%s has no target \"%s\"",
				c->conf_path, o->undo_target);
		return true;
	}
	for (size_t i = 0; i < c->conf->target_count; i++) {
		struct ledger *l = NULL;
		struct change one;

		if (!ledger_open(sync_target_path(c->conf, c->conf->targets[i].name, a),
			    &c->env.store, true, &l, e)) {
			if (strcmp(e->code, "no-state") != 0)
				return false;
			err_clear(e);
			continue;
		}
		if (ledger_changes(l, o->undo, 0, 0, a, &one, 1)) {
			found++;
			o->undo_target = c->conf->targets[i].name;
		}
		ledger_close(&l);
	}
	if (found > 1)
		return err_set(e, ERR_CONFIG, "bad-usage",
			"several targets have a run %lld: say --target NAME", (long long)o->undo);
	if (!found)
		return err_set(e, ERR_CONFIG, "nothing-to-undo",
			"there is no run %lld, or it changed nothing; `lockstep history` lists "
			"them",
			(long long)o->undo);
	return true;
}

static int
look(struct cli *c, const struct sync_options *o)
{
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);
	struct err e = { 0 };

	if (!sync_undo_look(c->conf, &c->env, o, &e))
		return cli_error(c, &e, 2);
	jsonw_obj(&w, NULL);
	jsonw_int(&w, "run", o->undo);
	jsonw_str(&w, "target", o->undo_target);
	sync_notes_json(o->notes, &w);
	jsonw_end(&w);
	if (c->json) {
		puts(buf_cstr(&out));
		return 0;
	}
	printf("To take back run %lld at %s:\n", (long long)o->undo, o->undo_target);
	cli_notes(o->notes);
	puts("Nothing was done; the guard counts all of it.");
	return 0;
}

int
cmd_undo(struct cli *c, int argc, char **argv)
{
	const struct command *cmd = command_named("undo");
	CLEAN_ARENA struct arena *a = arena_new();
	struct sync_notes notes = { .arena = a };
	struct sync_options o = { .notes = &notes };
	CLEAN_RESULT struct sync_result r = { 0 };
	struct err e = { 0 };
	bool dry = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--dry-run") == 0)
			dry = true;
		else if (strcmp(argv[i], "--release") == 0)
			o.release = true;
		else if (strcmp(argv[i], "--target") == 0 && i + 1 < argc)
			o.undo_target = argv[++i];
		else if (o.undo || !cli_number(argv[i], &o.undo))
			return cli_usage(cmd, "undo takes the number of a run, --dry-run, "
					      "--release and --target NAME");
	}
	if (!o.undo)
		return cli_usage(cmd, "undo takes the number of a run");
	if (!choose_target(c, &o, &e))
		return cli_error(c, &e, 2);
	if (dry)
		return look(c, &o);
	signals_catch(c);
	if (!sync_run(c->conf, &c->env, &o, &r, &e))
		return cli_error(c, &e, r.exit);
	return cli_outcome(c, &r, &notes);
}

int
cmd_unpin(struct cli *c, int argc, char **argv)
{
	struct err e = { 0 };
	int64_t count = 0;
	bool all = argc == 2 && strcmp(argv[1], "--all") == 0;

	if (argc != 2 || (!all && argv[1][0] == '-'))
		return cli_usage(command_named("unpin"),
			"unpin takes one mail address, DN, account name or id, or --all");
	if (!sync_unpin(c->conf, &c->env, all ? NULL : argv[1], &count, &e))
		return cli_error(c, &e, e.kind == ERR_OBJECT ? 1 : 2);
	if (c->json)
		printf("{\"unpinned\":%lld}\n", (long long)count);
	else if (count)
		printf("Unpinned %lld objects: the next sync brings what is wanted for them.\n",
			(long long)count);
	else
		puts("Nothing was pinned.");
	return 0;
}
