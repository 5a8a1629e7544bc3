/* lockstep state check | backup FOLDER | rebuild SOURCE */
#include "cli_p.h"

#include "base/file.h"
#include "store/state.h"

#include <string.h>
#include <unistd.h>

struct stating {
	struct cli *c;
	struct jsonw *w;
	const char *folder; /* backup: where to */
	const char *file;   /* the one at work */
	int64_t findings, files;
};

static void
say(void *ctx, const char *text)
{
	struct stating *s = ctx;

	if (s->c->json) {
		jsonw_obj(s->w, NULL);
		jsonw_str(s->w, "file", s->file);
		jsonw_str(s->w, "finding", text);
		jsonw_end(s->w);
		return;
	}
	printf("%s: ", s->file);
	cli_text(stdout, text);
	putchar('\n');
}

static bool
do_mirror(struct stating *s, const char *path, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct mirror *m = NULL;
	int64_t found = 0;
	bool ok;

	if (!mirror_open(path, &s->c->env.store, true, &m, e))
		return strcmp(e->code, "no-state") == 0;
	ok = s->folder ? mirror_backup(
				 m, arena_printf(a, "%s/%s", s->folder, strrchr(path, '/') + 1), e)
		       : mirror_check(m, say, s, &found, e);
	s->findings += found;
	s->files++;
	mirror_close(&m);
	return ok;
}

static bool
do_ledger(struct stating *s, const char *path, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct ledger *l = NULL;
	int64_t found = 0;
	bool ok;

	if (!ledger_open(path, &s->c->env.store, true, &l, e))
		return strcmp(e->code, "no-state") == 0;
	ok = s->folder ? ledger_backup(
				 l, arena_printf(a, "%s/%s", s->folder, strrchr(path, '/') + 1), e)
		       : ledger_check(l, say, s, &found, e);
	s->findings += found;
	s->files++;
	ledger_close(&l);
	return ok;
}

static bool
each_file(struct stating *s, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const struct conf *c = s->c->conf;

	for (size_t i = 0; i < c->source_count; i++) {
		s->file = sync_source_path(c, c->sources[i].name, a);
		if (!do_mirror(s, s->file, e))
			return false;
		err_clear(e);
	}
	for (size_t i = 0; i < c->target_count; i++) {
		s->file = sync_target_path(c, c->targets[i].name, a);
		if (!do_ledger(s, s->file, e))
			return false;
		err_clear(e);
	}
	return true;
}

/* The mirror is made anew by the next sync; what is ours at the target stays known. */
static bool
rebuild(struct cli *c, const char *source, struct err *e)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_FD int lock = -1;
	char *path;

	if (!conf_source(c->conf, source))
		return err_set(e, ERR_CONFIG, "bad-usage", "%s has no source \"%s\"", c->conf_path,
			source);
	path = sync_source_path(c->conf, source, a);
	if (!sync_lock(path, &lock, e))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		unlink(arena_printf(a, "%s%s", path, ends[i]));
	return true;
}

int
cmd_state(struct cli *c, int argc, char **argv)
{
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);
	struct stating s = { .c = c, .w = &w };
	struct err e = { 0 };
	bool check = argc == 2 && strcmp(argv[1], "check") == 0;
	bool backup = argc == 3 && strcmp(argv[1], "backup") == 0;

	jsonw_obj(&w, NULL);
	if (argc == 3 && strcmp(argv[1], "rebuild") == 0) {
		if (!rebuild(c, argv[2], &e))
			return cli_error(c, &e, 2);
		jsonw_str(&w, "rebuild", argv[2]);
		if (!c->json)
			printf("The next sync reads source %s whole and makes its mirror anew.\n",
				argv[2]);
	} else if (check || backup) {
		s.folder = backup ? argv[2] : NULL;
		if (backup && !dir_make(s.folder, 0700, &e))
			return cli_error(c, &e, 2);
		jsonw_arr(&w, "findings");
		if (!each_file(&s, &e))
			return cli_error(c, &e, 1);
		if (backup && !s.files) {
			err_set(&e, ERR_SIDE, "no-state",
				"%s holds no state yet: nothing was copied", c->conf->state);
			return cli_error(c, &e, 1);
		}
		jsonw_end(&w);
		if (!c->json)
			puts(backup ? "Copied."
				: s.findings
					? "Damaged: restore a backup, or rebuild a source's mirror."
					: "Sound.");
	} else {
		return cli_usage(command_named("state"),
			"state takes check, backup FOLDER, or rebuild SOURCE");
	}
	jsonw_end(&w);
	if (c->json)
		puts(buf_cstr(&out));
	return s.findings ? 1 : 0;
}
