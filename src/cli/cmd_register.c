/*
 * lockstep register: the account's key is exchanged for a credential of this agent (S1.4). The connector writes that into
 * a file beside token_file, which we make for it and never read; another start of the connector proves it, and only then
 * it takes the place of the key.
 */
#include "cli_p.h"

#include "base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_OPTION "token_file"

struct registering {
	struct cli *c;
	const struct conf_target *t;
	const char *token_file,
		*key_file; /* key_file: of --key-file; NULL = the key stands in token_file */
	const char *asked; /* the agent's name, ours */
	const char *name;  /* and the service's */
	struct arena *a;
};

/* --- what is asked for --- */

/* NULL: refused. */
static const struct conf_target *
find_target(const struct cli *c, const char *name, struct err *e)
{
	const struct conf *conf = c->conf;
	const struct conf_target *t = name                      ? conf_target(conf, name)
				      : conf->target_count == 1 ? conf->targets
								: NULL;

	if (!t && name)
		err_set(e, ERR_CONFIG, "no-target", "there is no target \"%.80s\" in %s", name,
			c->conf_path);
	else if (!t)
		err_set(e, ERR_CONFIG, "no-target",
			"%s has %zu targets: name one, `lockstep register TARGET`", c->conf_path,
			conf->target_count);
	return t;
}

static bool
find_files(struct registering *r, struct err *e)
{
	const struct conf_target *t = r->t;

	for (size_t i = 0; i < t->option_count; i++)
		if (strcmp(t->options[i].name, TOKEN_OPTION) == 0 && t->options[i].count)
			r->token_file = t->options[i].values[0];
	if (!*r->token_file)
		return err_set(e, ERR_CONFIG, "not-offered",
			"target %s (type %s) has no token_file: it has no key to exchange", t->name,
			t->type);
	if (!r->key_file && access(r->token_file, F_OK) != 0)
		return err_set(e, ERR_CONFIG, "no-key",
			"%s is not there: put the account's key into it, or name the file that "
			"holds the key by --key-file",
			r->token_file);
	if (!r->key_file)
		return true;

	CLEAN_FREE char *real = realpath(r->key_file, NULL);

	if (!real)
		return err_errno(e, ERR_CONFIG, "--key-file %s", r->key_file);
	r->key_file = arena_strdup(r->a, real);
	return true;
}

static bool
find_name(struct registering *r, struct err *e)
{
	char host[256] = "";

	if (r->asked)
		return true;
	if (gethostname(host, sizeof(host) - 1) != 0 || !*host)
		return err_set(e, ERR_CONFIG, "no-name",
			"this machine has no host name: name the agent by --name");
	r->asked = arena_strdup(r->a, host);
	return true;
}

/* --- the exchange --- */

/* Who owned and read the file that is replaced does so with the new one; a first one is for the account that runs
 * the connectors. Others than root leave what is theirs. */
static bool
give(struct registering *r, int fd, struct err *e)
{
	struct stat old, mine;
	bool had = stat(r->token_file, &old) == 0;

	if (geteuid() != 0 || (!had && stat(r->c->conf->state, &old) != 0))
		return true;
	if (fstat(fd, &mine) != 0 || ((mine.st_uid != old.st_uid || mine.st_gid != old.st_gid) &&
					     fchown(fd, old.st_uid, old.st_gid) != 0))
		return err_errno(
			e, ERR_CONFIG, "cannot give the new %s to its owner", r->token_file);
	/* root's, for a group to read: secrets may be (base/file.h) */
	if (had && old.st_uid == 0 && (old.st_mode & 077) == 040 && fchmod(fd, 0640) != 0)
		return err_errno(e, ERR_CONFIG, "cannot give the new %s its mode", r->token_file);
	return true;
}

/* A connector that has greeted the service with the token in `token`; fd: what it inherits. */
static bool
greet(struct registering *r, const char *token, int fd, struct conn **c_r, struct wire_hello *h_r,
	struct err *e)
{
	struct wire_greeting g = { .role = "target", .option_count = r->t->option_count };
	struct wire_option *o = cli_wire_options(r->t->options, r->t->option_count, r->a);

	for (size_t i = 0; i < r->t->option_count; i++)
		if (strcmp(o[i].name, TOKEN_OPTION) == 0) {
			const char **values = arena_alloc(r->a, sizeof(*values));

			values[0] = token;
			o[i].values = values;
		}
	g.options = o;
	return cli_open_target(r->c, r->t, fd, c_r, e) && wire_hello(*c_r, &g, r->a, h_r, e);
}

static bool
exchange(struct registering *r, int fd, struct err *e)
{
	CLEAN_CONN struct conn *conn = NULL;
	struct wire_hello h;

	if (!greet(r, r->key_file ? r->key_file : r->token_file, fd, &conn, &h, e))
		return err_wrap(e, "target %s", r->t->name);
	if (!h.registers)
		return err_set(e, ERR_CONFIG, "not-offered",
			"target %s: its connector (%s) does not exchange keys for credentials of "
			"agents; nothing was changed",
			r->t->name, h.connector);
	return wire_register(conn, r->asked, r->a, &r->name, e) ||
	       err_wrap(e, "target %s", r->t->name);
}

/* By the account that will read it, at the service that will be asked. */
static bool
prove(struct registering *r, const char *credential, struct err *e)
{
	CLEAN_CONN struct conn *conn = NULL;
	struct wire_hello h;

	return greet(r, credential, -1, &conn, &h, e) ||
	       err_wrap(e,
		       "target %s made the credential \"%.80s\", but does not work with it, and "
		       "the "
		       "key was kept",
		       r->t->name, r->name);
}

static bool
perform(struct registering *r, struct err *e)
{
	struct file_draft d CLEAN_DRAFT = { 0 };

	return file_draft_open(r->token_file, &d, e) && give(r, d.fd, e) && exchange(r, d.fd, e) &&
	       prove(r, d.temp, e) && file_draft_keep(&d, e);
}

/* --- what is said --- */

static void
say(const struct registering *r)
{
	CLEAN_BUF struct buf out = { 0 };
	struct jsonw w = jsonw(&out);

	if (!r->c->json) {
		printf("%s: this agent is registered as \"", r->t->name);
		cli_text(stdout, r->name);
		printf("\". %s holds its own credential, which can be revoked alone; the account's "
		       "key is not needed here any more.\n",
			r->token_file);
		if (r->key_file && strcmp(r->key_file, r->token_file) != 0)
			printf("Now remove %s.\n", r->key_file);
		return;
	}
	jsonw_obj(&w, NULL);
	jsonw_str(&w, "target", r->t->name);
	jsonw_str(&w, "name", r->name);
	jsonw_str(&w, "token_file", r->token_file);
	jsonw_int(&w, "exit", 0);
	jsonw_end(&w);
	puts(buf_cstr(&out));
}

static int
failed(const struct registering *r, struct err *e)
{
	struct err was = *e;

	if (r->c->by && strcmp(e->code, "os") == 0)
		err_set(e, was.kind, was.code,
			"%s; lockstepd does this as its own account, which has to read the key (as "
			"root: `install -o lockstep -m 0600 KEY /etc/lockstep/`) and to write "
			"beside token_file: where it may not, root runs `lockstep register`, or "
			"token_file names another place",
			was.text);
	return cli_error(r->c, e, e->kind == ERR_CONFIG || e->kind == ERR_OBJECT ? 2 : 5);
}

/* By the name that it has everywhere. */
bool
ask_register(struct asked *q, struct err *e)
{
	for (size_t i = 1; i + 1 < q->count; i++) {
		if (strcmp(q->words[i], "--key-file") != 0)
			continue;

		CLEAN_FREE char *real = realpath(q->words[++i], NULL);

		if (!real)
			return err_errno(e, ERR_CONFIG, "--key-file %s", q->words[i]);
		q->words[i] = arena_strdup(q->a, real);
	}
	return true;
}

int
cmd_register(struct cli *c, int argc, char **argv)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct registering r = { .c = c, .token_file = "", .a = a };
	const char *target = NULL;
	struct err e = { 0 };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--key-file") == 0 && i + 1 < argc)
			r.key_file = argv[++i];
		else if (strcmp(argv[i], "--name") == 0 && i + 1 < argc)
			r.asked = argv[++i];
		else if (argv[i][0] != '-' && !target)
			target = argv[i];
		else
			return cli_usage(command_named("register"),
				"register takes a target, --key-file FILE and --name NAME");
	}
	r.t = find_target(c, target, &e);
	if (!r.t || !find_files(&r, &e) || !find_name(&r, &e) || !perform(&r, &e))
		return failed(&r, &e);
	say(&r);
	return 0;
}
