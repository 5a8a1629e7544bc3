/* `lockstep config`: shows the configuration in force, or makes a first one out of another tool's. */
#include "cli_p.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "import.h"

static int
config_show(struct cli *c)
{
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);
	struct err e = { 0 };

	if (!cli_load(c, &e))
		return cli_error(c, &e, 2);
	conf_print(c->conf, &out);
	if (!c->json) {
		fputs(buf_cstr(&out), stdout);
		return 0;
	}
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "file", c->conf_path);
	jsonw_str(&w, "text", buf_cstr(&out));
	jsonw_end(&w);
	puts(buf_cstr(&line));
	return 0;
}

/* --- what connectors have to set --- */

static bool
options_of(struct cli *c, const char *role, const char *type, const char *command, const char *name,
	struct jsonw *w, struct err *e)
{
	CLEAN_JSON struct json *d = NULL;
	const struct json *options;

	if (!cli_describe(c, role, type, command, &d, e))
		return false;
	options = json_get(d, "options");
	jsonw_obj(w, NULL);
	jsonw_str(w, "section", role);
	jsonw_str(w, "name", name);
	jsonw_json(w, "options", options);
	jsonw_end(w);
	if (c->json)
		return true;
	printf("%s \"%s\" (type %s):\n", role, name, type);
	json_for_each(o, options) {
		const char *n = json_get_string(o, "name"), *help = json_get_string(o, "help");

		printf("  %-20s ", n ? n : "");
		cli_text(stdout, help ? help : "");
		putchar('\n');
	}
	return true;
}

static int
config_options(struct cli *c)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);
	struct err e = { 0 };
	bool ok = conf_load(c->conf_path, &c->conf, &e);

	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "connectors");
	for (size_t i = 0; ok && i < c->conf->source_count; i++) {
		const struct conf_source *s = &c->conf->sources[i];

		ok = options_of(c, "source", s->type, s->command, s->name, &w, &e);
	}
	for (size_t i = 0; ok && i < c->conf->target_count; i++) {
		const struct conf_target *t = &c->conf->targets[i];

		ok = options_of(c, "target", t->type, t->command, t->name, &w, &e);
	}
	if (!ok)
		return cli_error(c, &e, 2);
	jsonw_end(&w);
	jsonw_end(&w);
	if (c->json)
		puts(buf_cstr(&line));
	return 0;
}

/* --- import --- */

/* Never over a file that is there; one that could not be written whole does not stay. */
static bool
new_file_write(const char *path, struct str text, struct err *e)
{
	CLEAN_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t done = 0;
	ssize_t n = 0;

	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_CONFIG, "file-exists",
			"%s is there already, and stays as it is; name another file", path);
	if (fd < 0)
		return err_errno(e, ERR_CONFIG, "cannot make %s", path);
	while (done < text.n &&
		((n = write(fd, text.p + done, text.n - done)) > 0 || errno == EINTR))
		done += n > 0 ? (size_t)n : 0;
	if (done == text.n && fsync(fd) == 0)
		return true;
	err_errno(e, ERR_CONFIG, "cannot write %s", path);
	unlink(path);
	return false;
}

static void
notes_json(const struct import_notes *notes, const char *name, struct jsonw *w)
{
	jsonw_arr(w, name);
	for (size_t i = 0; i < notes->count; i++) {
		const struct import_note *n = &notes->list[i];

		jsonw_obj(w, NULL);
		jsonw_int(w, "line", n->line);
		jsonw_str(w, "what", n->what);
		if (n->as)
			jsonw_str(w, "as", n->as);
		if (n->why)
			jsonw_str(w, "why", n->why);
		if (n->todo)
			jsonw_str(w, "remedy", n->todo);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void
import_json(const struct import *im, const char *text, const char *out)
{
	CLEAN_BUF struct buf line = { 0 };
	struct jsonw w = jsonw(&line);

	jsonw_obj(&w, NULL);
	jsonw_str(&w, "format", im->format);
	jsonw_str(&w, "file", im->file);
	jsonw_str(&w, "out", out);
	jsonw_str(&w, "config", text);
	notes_json(&im->taken, "imported", &w);
	notes_json(&im->missed, "not_imported", &w);
	jsonw_end(&w);
	puts(buf_cstr(&line));
}

/* The configuration goes to standard output, so all that is for a person goes to standard error. */
static void
import_text_print(const struct import *im, const char *text, const char *out)
{
	if (!out)
		fputs(text, stdout);
	for (size_t i = 0; i < im->missed.count; i++) {
		const struct import_note *n = &im->missed.list[i];

		cli_text(stderr, im->file);
		fprintf(stderr, ":%d: ", n->line);
		cli_text(stderr, n->what);
		fputs(": ", stderr);
		cli_text(stderr, n->why);
		fputs("; ", stderr);
		cli_text(stderr, n->todo);
		fputc('\n', stderr);
	}
	fprintf(stderr, "%s%zu of it imported (%s), %zu without a counterpart%s\n",
		im->missed.count ? "\n" : "", im->taken.count, im->format, im->missed.count,
		im->missed.count ? ", named above" : "");
	if (out)
		fprintf(stderr, "Written: %s. Fill in what it marks, then: lockstep -c %s check\n",
			out, out);
}

static int
config_import(struct cli *c, const char *file, const char *out)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf xml = { 0 };
	CLEAN_BUF struct buf text = { 0 };
	struct import im;
	struct err e = { 0 };

	if (!file_read(file, IMPORT_SIZE_MAX, &xml, &e) ||
		!import_read(buf_str(&xml), file, a, &im, &text, &e) ||
		(out && !new_file_write(out, buf_str(&text), &e)))
		return cli_error(c, &e, 2);
	if (c->json)
		import_json(&im, buf_cstr(&text), out);
	else
		import_text_print(&im, buf_cstr(&text), out);
	return 0;
}

int
cmd_config(struct cli *c, int argc, char **argv)
{
	const char *file = NULL, *out = NULL;

	if (argc == 2 && strcmp(argv[1], "show") == 0)
		return config_show(c);
	if (argc == 2 && strcmp(argv[1], "options") == 0)
		return config_options(c);
	if (argc < 2 || strcmp(argv[1], "import") != 0)
		return cli_usage(command_named("config"),
			"config takes: show, options, or import FILE [--out FILE]");
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--out") == 0 && i + 1 < argc && !out)
			out = argv[++i];
		else if (argv[i][0] != '-' && !file)
			file = argv[i];
		else
			file = out = "";
	}
	if (!file || !file[0])
		return cli_usage(command_named("config"), "config import takes FILE [--out FILE]");
	return config_import(c, file, out);
}
