/*
 * Connectors as programs: `lockstep-source-TYPE` and `lockstep-target-TYPE` beside our own program or in
 * the system's folder; type "exec" names its own. Options are checked against what the program itself
 * describes, and its paths are taken from the configuration file's folder.
 */
#include "cli_p.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
log_line(void *ctx, struct str line)
{
	struct cli *c = ctx;
	CLEAN_BUF struct buf text = { 0 };

	if (c->events) {
		events_log(line);
		return;
	}
	if (!c->verbose)
		return;
	text_escape(line.p, line.n, 1000, &text);
	progress_clear(c);
	fprintf(stderr, "%s\n", buf_cstr(&text));
}

static bool
program_of(const struct cli *c, const char *role, const char *type, const char *command,
	struct arena *a, char **path_r, struct err *e)
{
	const char *const folders[] = { c->bin, arena_printf(a, "%s/../lib/lockstep", c->bin),
		"/usr/lib/lockstep", "/usr/bin" };

	if (strcmp(type, "exec") == 0) {
		*path_r = arena_strdup(a, command);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		*path_r = arena_printf(a, "%s/lockstep-%s-%s", folders[i], role, type);
		if (access(*path_r, X_OK) == 0)
			return true;
	}
	return err_set(e, ERR_CONFIG, "bad-config",
		"no connector for %s type \"%s\": there is no program lockstep-%s-%s", role, type,
		role, type);
}

static bool
open_program(struct cli *c, const char *path, const char *argument, int lock_fd, struct conn **c_r,
	struct err *e)
{
	const char *argv[] = { path, argument, NULL };
	struct conn_process p = {
		.argv = argv, .lock_fd = lock_fd, .log_line = log_line, .ctx = c
	};
	struct stat state;

	/* Root only helps: connectors run as the service does, and can do what it can. */
	if (geteuid() == 0 && c->conf && stat(c->conf->state, &state) == 0) {
		p.uid = state.st_uid;
		p.gid = state.st_gid;
	}
	return conn_open_process(&p, c_r, e);
}

bool
cli_open_source(
	void *ctx, const struct conf_source *s, int lock_fd, struct conn **c_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	char *path;

	return program_of(ctx, "source", s->type, s->command, a, &path, e) &&
	       open_program(ctx, path, NULL, lock_fd, c_r, e);
}

bool
cli_open_target(
	void *ctx, const struct conf_target *t, int lock_fd, struct conn **c_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	char *path;

	return program_of(ctx, "target", t->type, t->command, a, &path, e) &&
	       open_program(ctx, path, NULL, lock_fd, c_r, e);
}

struct wire_option *
cli_wire_options(const struct conf_value *values, size_t count, struct arena *a)
{
	struct wire_option *o = arena_alloc(a, (count + 1) * sizeof(*o));

	for (size_t i = 0; i < count; i++)
		o[i] = (struct wire_option){ values[i].name, values[i].values, values[i].count };
	return o;
}

/* --- options against --describe --- */

static bool
describe(struct cli *c, const char *path, struct json **j_r, struct err *e)
{
	CLEAN_CONN struct conn *conn = NULL;
	struct str line;

	if (!open_program(c, path, "--describe", -1, &conn, e))
		return false;
	if (conn_recv(conn, -1, &line, e) != 1)
		return err_wrap(e, "%s --describe", path);
	return json_parse(line, 0, j_r, e) || err_wrap(e, "%s --describe", path);
}

/* Each program is asked once, however many sources and targets are of its type. */
static const struct json *
described(struct cli *c, const char *path, struct json *known, struct err *e)
{
	struct json *d = NULL;

	if (!json_get(known, path) && describe(c, path, &d, e))
		json_set(known, path, d);
	return json_get(known, path);
}

static const struct json *
option_named(const struct json *options, const char *name)
{
	json_for_each(it, options) {
		const char *n = json_get_string(it, "name");

		if (n && strcmp(n, name) == 0)
			return it;
	}
	return NULL;
}

static bool
unknown_option(struct cli *c, const char *what, int line, const char *name,
	const struct json *options, struct err *e)
{
	const char *names[64];
	const char *near;
	size_t count = 0;

	json_for_each(it, options)
		if (count < ARRAY_LEN(names) - 1 && json_get_string(it, "name"))
			names[count++] = json_get_string(it, "name");
	names[count] = NULL;
	near = text_nearest(name, names);
	return err_set(e, ERR_CONFIG, "bad-config", "%s:%d: %s has no option \"%s\"%s%s%s",
		c->conf_path, line, what, name, near ? "; did you mean \"" : "", near ? near : "",
		near ? "\"?" : "");
}

static void
resolve_paths(struct cli *c, struct conf_value *v, const struct json *option)
{
	const char *type = json_get_string(option, "type");

	if (!type || (strcmp(type, "path") != 0 && strcmp(type, "secret-path") != 0))
		return;
	for (size_t i = 0; i < v->count; i++) {
		CLEAN_FREE char *here = getcwd(NULL, 0);

		v->values[i] = conf_path(c->conf, v->values[i], c->conf->arena);
		if (v->values[i][0] != '/' && here)
			v->values[i] = arena_printf(c->conf->arena, "%s/%s", here, v->values[i]);

		/* However the configuration file was named: a cursor may be bound to the name. */
		CLEAN_FREE char *real = realpath(v->values[i], NULL);

		if (real)
			v->values[i] = arena_strdup(c->conf->arena, real);
	}
}

static bool
check_options(struct cli *c, const char *role, const char *type, const char *command,
	const char *name, int line, struct conf_value *values, size_t count, struct json *known,
	struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const struct json *d;
	char *what = arena_printf(a, "%s \"%s\" (type %s)", role, name, type);
	const struct json *options;
	char *path;

	if (!program_of(c, role, type, command, a, &path, e))
		return err_wrap(e, "%s:%d", c->conf_path, line);
	d = described(c, path, known, e);
	if (!d)
		return false;
	options = json_get(d, "options");
	for (size_t i = 0; i < count; i++) {
		const struct json *o = option_named(options, values[i].name);

		if (!o)
			return unknown_option(c, what, values[i].line, values[i].name, options, e);
		resolve_paths(c, &values[i], o);
	}
	json_for_each(o, options) {
		const char *n = json_get_string(o, "name");
		bool given = false;

		for (size_t i = 0; n && i < count; i++)
			given |= strcmp(values[i].name, n) == 0;
		if (n && !given && json_get_bool(o, "required", false))
			return err_set(e, ERR_CONFIG, "bad-config",
				"%s:%d: %s needs the option \"%s\" (%s)", c->conf_path, line, what,
				n, json_get_string(o, "help") ? json_get_string(o, "help") : "");
	}
	return true;
}

bool
cli_describe(struct cli *c, const char *role, const char *type, const char *command,
	struct json **j_r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	char *path;

	return program_of(c, role, type, command, a, &path, e) && describe(c, path, j_r, e);
}

bool
cli_resolve_options(struct cli *c, struct err *e)
{
	CLEAN_JSON struct json *known = json_new_object();

	for (size_t i = 0; i < c->conf->source_count; i++) {
		struct conf_source *s = &c->conf->sources[i];

		if (!check_options(c, "source", s->type, s->command, s->name, s->line, s->options,
			    s->option_count, known, e))
			return false;
	}
	for (size_t i = 0; i < c->conf->target_count; i++) {
		struct conf_target *t = &c->conf->targets[i];

		if (!check_options(c, "target", t->type, t->command, t->name, t->line, t->options,
			    t->option_count, known, e))
			return false;
	}
	return true;
}
