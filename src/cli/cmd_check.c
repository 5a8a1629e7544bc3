/* lockstep check, config show, state */
#include "check_p.h"

#include "base/file.h"
#include "rules/rules.h"
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void
check_finding(struct checking *k, const char *where, const char *level, const char *topic,
	const char *text, const char *remedy)
{
	bool fails = strcmp(level, "fail") == 0;

	if (fails)
		k->worst = 1;
	jsonw_obj(k->w, NULL);
	jsonw_str(k->w, "where", where);
	jsonw_str(k->w, "level", level);
	jsonw_str(k->w, "topic", topic);
	jsonw_str(k->w, "text", text);
	if (remedy)
		jsonw_str(k->w, "remedy", remedy);
	jsonw_end(k->w);
	if (k->c->json)
		return;
	progress_clear(k->c);
	printf("%-4s  %s, %s: ", fails ? "FAIL" : level, where, topic);
	cli_text(stdout, text);
	putchar('\n');
	if (remedy && *remedy) {
		fputs("      remedy: ", stdout);
		cli_text(stdout, remedy);
		putchar('\n');
	}
}

void
check_fail(struct checking *k, const char *where, const struct err *e)
{
	check_finding(k, where, "fail", e->code, e->text, NULL);
}

/* Findings of one connector, up to its `end`. */
static void
take_findings(struct checking *k, const char *where, struct conn *conn, bool setup)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct wire_source_msg m;
	struct err e = { 0 };

	for (;;) {
		arena_reset(a);
		if (!wire_source_next(conn, a, &m, &e)) {
			check_fail(k, where, &e);
			return;
		}
		if (m.type == SRC_END)
			break;
		if (m.type == SRC_FINDING)
			check_finding(k, where, m.level ? m.level : "info", m.topic ? m.topic : "",
				m.text ? m.text : "", m.remedy);
		if (m.type == SRC_TEXT && setup)
			fputs(m.text, stdout);
	}
	if (!m.sealed && m.error.kind != ERR_NONE)
		check_fail(k, where, &m.error);
}

static const char *const *
bases_of(const struct conf *c, const char *source, struct arena *a)
{
	size_t count = 0, most = 1;
	const char **list;

	for (size_t i = 0; i < c->sync_count; i++)
		most += c->syncs[i].scope.base.count;
	list = arena_alloc(a, most * sizeof(*list));
	for (size_t i = 0; i < c->sync_count; i++)
		for (size_t j = 0;
			strcmp(c->syncs[i].from, source) == 0 && j < c->syncs[i].scope.base.count;
			j++)
			list[count++] = c->syncs[i].scope.base.list[j].text;
	return list;
}

static bool
names_of(const struct checking *k, const char *source, struct names *names, struct err *e)
{
	const struct conf *c = k->c->conf;

	for (size_t i = 0; i < c->sync_count; i++)
		if (strcmp(c->syncs[i].from, source) == 0 &&
			!rules_attributes(&c->syncs[i], names, e))
			return false;
	return true;
}

static const char *const *
names_listed(const struct names *names)
{
	const char **list = arena_alloc(names->arena, (names->count + 1) * sizeof(*list));

	for (size_t i = 0; i < names->count; i++)
		list[i] = names->list[i];
	return list;
}

static void
source_failed(struct checking *k, const struct conf_source *s, const char *where,
	const struct names *names, const struct err *e)
{
	if (strcmp(e->code, "unknown-attribute") == 0)
		check_names_refused(k, where, s->name, names, e);
	else if (k->names)
		check_finding(k, where, "warn", "names-unasked",
			"could not be asked whether it has every attribute that the rules name; "
			"the next "
			"run finds out",
			e->text);
	else
		check_fail(k, where, e);
}

static void
check_source(struct checking *k, const struct conf_source *s, bool setup)
{
	static const char *const classes[] = { "user", "group", "organizationalUnit", NULL },
				 *const none[] = { NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_CONN struct conn *conn = NULL;
	struct names names = { .arena = a };
	struct wire_greeting g = {
		.role = "source", .classes = classes, .option_count = s->option_count
	};
	struct wire_hello h;
	char *where = arena_printf(a, "source %s", s->name);
	struct err e = { 0 };

	if (!names_of(k, s->name, &names, &e)) {
		check_fail(k, where, &e);
		return;
	}
	if (k->names && check_names_asked(k, s->name, &names))
		return;
	g.attributes = names_listed(&names);
	if (setup) /* asked before there is an account: no directory is to be reached for it */
		g.classes = g.attributes = none;
	g.options = cli_wire_options(s->options, s->option_count, a);
	if (!cli_open_source(k->c, s, -1, &conn, &e) || !wire_hello(conn, &g, a, &h, &e) ||
		(!k->names && !wire_check(conn, bases_of(k->c->conf, s->name, a), setup, &e)))
		source_failed(k, s, where, &names, &e);
	else if (!k->names)
		take_findings(k, where, conn, setup);
}

static void
check_target(struct checking *k, const struct conf_target *t)
{
	static const char *const none[] = { NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_CONN struct conn *conn = NULL;
	struct wire_greeting g = { .role = "target", .option_count = t->option_count };
	struct wire_hello h;
	char *where = arena_printf(a, "target %s", t->name);
	struct err e = { 0 };

	g.options = cli_wire_options(t->options, t->option_count, a);
	if (!cli_open_target(k->c, t, -1, &conn, &e) || !wire_hello(conn, &g, a, &h, &e) ||
		!wire_check(conn, none, false, &e)) {
		check_fail(k, where, &e);
		return;
	}
	take_findings(k, where, conn, false);
}

/* A file of no name tells more than modes do: the disk may have failed. Not every file system has them. */
static bool
can_write(const char *folder)
{
	CLEAN_FD int fd = -1;

	if (access(folder, W_OK) != 0)
		return false;
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd >= 0 || errno == EOPNOTSUPP || errno == EISDIR;
}

static void
check_state(struct checking *k)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *folder = k->c->conf->state;
	struct err e = { 0 };

	if (!dir_make(folder, 0700, &e))
		check_fail(k, "state", &e);
	else if (!can_write(folder))
		check_finding(k, "state", "fail", "state-access",
			arena_printf(
				a, "nothing can be written into %s: %s", folder, strerror(errno)),
			"give it to the account that runs lockstep; where its disk has become read "
			"only, see the kernel's log, mend it and mount it anew");
	else
		check_finding(k, "state", "ok", "folder", folder, NULL);
}

static void
check_all(struct checking *k, bool setup)
{
	const struct conf *c = k->c->conf;
	bool all = !setup && !k->names;

	if (all) {
		check_finding(k, "configuration", "ok", "file", k->c->conf_path, NULL);
		check_state(k);
	}
	for (size_t i = 0; i < c->source_count; i++)
		check_source(k, &c->sources[i], setup);
	for (size_t i = 0; i < c->target_count && all; i++)
		check_target(k, &c->targets[i]);
	if (all)
		check_read(k);
}

int
cmd_check(struct cli *c, int argc, char **argv)
{
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);
	struct checking k = { .c = c, .w = &w };
	bool setup = argc == 2 && strcmp(argv[1], "--print-setup") == 0;

	k.names = argc == 2 && strcmp(argv[1], "--names") == 0;
	if (argc > 2 || (argc == 2 && !setup && !k.names))
		return cli_usage(command_named("check"), "check takes --print-setup or --names");
	jsonw_obj(&w, NULL);
	jsonw_arr(&w, "findings");
	check_all(&k, setup);
	jsonw_end(&w);
	jsonw_int(&w, "exit", k.worst);
	jsonw_end(&w);
	if (c->json)
		puts(buf_cstr(&out));
	else if (!setup)
		puts(k.worst ? "\nNot ready: mend what is marked FAIL." : "\nReady.");
	return k.worst;
}
