/* lockstep-cloud: the hosted directory, a multi-tenant SCIM 2.0 service. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include "base/file.h"
#include "base/log.h"
#include "http.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct options {
	const char *db, *listen, *url;
	bool json, with_data;
	char **args; /* words that are no options */
	int n_args;
};

static const char help[] =
	"Usage: lockstep-cloud serve --listen ADDRESS:PORT --db FILE [--url URL]\n"
	"       lockstep-cloud tenant add NAME --db FILE\n"
	"       lockstep-cloud tenant token NAME --db FILE\n"
	"       lockstep-cloud tenant list --db FILE\n"
	"       lockstep-cloud tenant remove NAME [--with-data] --db FILE\n"
	"       lockstep-cloud tenant agents NAME --db FILE\n"
	"       lockstep-cloud tenant revoke NAME AGENT --db FILE\n"
	"\n"
	"serve       answer SCIM 2.0 at /scim/v2, in plain HTTP: put a reverse proxy that speaks\n"
	"            TLS (nginx, HAProxy) in front of it, and listen on a loopback address\n"
	"tenant      add NAME and token NAME print the tenant's (new) token, once, alone;\n"
	"            agents NAME lists the agents that exchanged it for a credential of their\n"
	"            own, revoke NAME AGENT ends one's\n"
	"\n"
	"  --listen ADDRESS:PORT  where to listen; port 0 takes any that is free\n"
	"  --db FILE              the database (SQLite); made by serve and tenant add\n"
	"  --url URL              what the locations of resources begin with, such as\n"
	"                         https://directory.example/scim/v2; default: from the Host "
	"header\n"
	"  --with-data            remove a tenant although it has users or groups\n"
	"  --json                 one JSON object on one line instead of text\n"
	"  --help, --version\n";

static int
usage(const char *fmt, const char *word)
{
	fputs("lockstep-cloud: ", stderr);
	fprintf(stderr, "%s%s%s\n", fmt, *word ? ": " : "", word);
	fputs("Try lockstep-cloud --help.\n", stderr);
	return EXIT_USAGE;
}

static int
fail(const struct err *e)
{
	fprintf(stderr, "lockstep-cloud: %s\n", e->text);
	return e->kind == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}

static void
store_close(struct store **s)
{
	if (*s)
		(*s)->ops->close(*s);
}
#define CLEAN_STORE __attribute__((cleanup(store_close)))

static void
print_json(struct buf *b)
{
	printf("%s\n", buf_cstr(b));
	fflush(stdout);
}

/* Signals that end us, as a descriptor. */
static int
stop_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a full disk is an error of the write, not our death */
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
announce(const struct options *o, const struct http *h)
{
	CLEAN_BUF struct buf b = { 0 };
	struct jsonw w = jsonw(&b);
	CLEAN_FREE char *url = xasprintf("http://%s/scim/v2", http_address(h));

	if (!o->json) {
		printf("listening on %s\n", url);
		fflush(stdout);
	} else {
		jsonw_obj(&w, NULL);
		jsonw_str(&w, "listening", url);
		jsonw_end(&w);
		print_json(&b);
	}
	if (!http_loopback(h))
		log_event(LOG_WARN, "plain-http", "listen", http_address(h), "remedy",
			"tokens and personal data cross the network readable: listen on 127.0.0.1 "
			"and "
			"put a reverse proxy with TLS in front",
			NULL);
}

static int
serve(const struct options *o)
{
	CLEAN_STORE struct store *store = NULL;
	struct cloud c = { .clock = &clock_system, .url = o->url };
	struct http_options ho = { o->listen };
	struct rlimit files = { 4096, 4096 };
	struct http *h = NULL;
	struct err e = { 0 };
	CLEAN_FD int stop = stop_signals();
	bool ok;

	if (!o->listen)
		return usage("serve needs --listen ADDRESS:PORT", "");
	if (!store_sqlite_open(o->db, true, &store, &e) || !store->ops->secret(store, c.key, &e))
		return fail(&e);
	setrlimit(RLIMIT_NOFILE, &files);
	mallopt(M_MMAP_THRESHOLD, 4 << 20); /* buffers of requests come again: keep their pages */
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
	c.store = store;
	c.db = store->ops;
	if (!http_new(&c, &ho, &h, &e))
		return fail(&e);
	announce(o, h);
	ok = http_run(h, stop, &e);
	http_free(h);
	buf_free(&c.text);
	sodium_memzero(c.key, sizeof(c.key));
	return ok ? EXIT_OK : fail(&e);
}

static int
print_token(const struct options *o, const char *name, const char *token)
{
	CLEAN_BUF struct buf b = { 0 };
	struct jsonw w = jsonw(&b);

	if (!o->json) {
		printf("%s\n", token);
	} else {
		jsonw_obj(&w, NULL);
		jsonw_str(&w, "tenant", name);
		jsonw_str(&w, "token", token);
		jsonw_end(&w);
		print_json(&b);
	}
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static int
tenant_token(const struct options *o, struct store *s, const char *name, bool add)
{
	struct err e = { 0 };
	char token[TOKEN_TEXT], hash[65];
	size_t n = strlen(name);

	if (n == 0 || n > 64 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != n)
		return usage("a tenant's name is 1 to 64 of a-z 0-9 . - _", name);
	token_new("lsc_", token, hash);
	if (add ? !s->ops->tenant_add(s, name, hash, clock_system.now(NULL), &e)
		: !s->ops->tenant_token(s, name, hash, &e))
		return fail(&e);
	return print_token(o, name, token);
}

struct listing {
	const struct options *o;
	struct jsonw w;
	const char *find; /* of tenant remove */
	bool found, has_data;
};

static bool
list_one(void *ctx, const struct store_tenant_info *t)
{
	struct listing *l = ctx;
	char created[24];

	if (l->find) {
		if (strcmp(t->name, l->find) == 0)
			l->has_data = t->users || t->groups;
		return true;
	}
	time_format(t->created, created);
	if (!l->o->json) {
		printf("%-32s %s %9lld users %9lld groups\n", t->name, created, (long long)t->users,
			(long long)t->groups);
		return true;
	}
	jsonw_obj(&l->w, NULL);
	jsonw_str(&l->w, "name", t->name);
	jsonw_str(&l->w, "created", created);
	jsonw_int(&l->w, "users", t->users);
	jsonw_int(&l->w, "groups", t->groups);
	jsonw_end(&l->w);
	return true;
}

static int
tenant_list(const struct options *o, struct store *s)
{
	CLEAN_BUF struct buf b = { 0 };
	struct listing l = { .o = o, .w = jsonw(&b) };
	struct err e = { 0 };

	jsonw_obj(&l.w, NULL);
	jsonw_arr(&l.w, "tenants");
	if (!s->ops->tenant_each(s, list_one, &l, &e))
		return fail(&e);
	jsonw_end(&l.w);
	jsonw_end(&l.w);
	if (o->json)
		print_json(&b);
	return EXIT_OK;
}

static int
tenant_remove(const struct options *o, struct store *s, const char *name)
{
	struct listing l = { .o = o, .find = name };
	struct err e = { 0 };

	if (!s->ops->tenant_each(s, list_one, &l, &e))
		return fail(&e);
	if (l.has_data && !o->with_data)
		return usage("the tenant has users or groups; --with-data removes them too", name);
	if (!s->ops->tenant_remove(s, name, &e))
		return fail(&e);
	return EXIT_OK;
}

struct agents {
	const struct options *o;
	struct jsonw w;
};

static bool
agents_one(void *ctx, const struct store_credential_info *c)
{
	struct agents *l = ctx;
	char created[24], used[24] = "never";

	time_format(c->created, created);
	if (c->used)
		time_format(c->used, used);
	if (!l->o->json) {
		printf("%-32s made %s  last used %s\n", c->name, created, used);
		return true;
	}
	jsonw_obj(&l->w, NULL);
	jsonw_str(&l->w, "name", c->name);
	jsonw_str(&l->w, "created", created);
	jsonw_str(&l->w, "used", c->used ? used : NULL);
	jsonw_end(&l->w);
	return true;
}

static int
tenant_agents(const struct options *o, struct store *s, const char *name)
{
	CLEAN_BUF struct buf b = { 0 };
	struct agents l = { .o = o, .w = jsonw(&b) };
	struct err e = { 0 };

	jsonw_obj(&l.w, NULL);
	jsonw_arr(&l.w, "agents");
	if (!s->ops->credential_each(s, name, agents_one, &l, &e))
		return fail(&e);
	jsonw_end(&l.w);
	jsonw_end(&l.w);
	if (o->json)
		print_json(&b);
	return EXIT_OK;
}

static int
tenant_revoke(struct store *s, const char *name, const char *agent)
{
	struct err e = { 0 };

	return s->ops->credential_remove(s, name, agent, &e) ? EXIT_OK : fail(&e);
}

static int
tenant(const struct options *o)
{
	enum { ADD, TOKEN, LIST, REMOVE, AGENTS, REVOKE, VERBS };
	static const struct {
		const char *name;
		int words; /* behind it */
		const char *wrong;
	} verbs[VERBS] = {
		[ADD] = { "add", 1, "one tenant's name is expected" },
		[TOKEN] = { "token", 1, "one tenant's name is expected" },
		[LIST] = { "list", 0, "tenant list takes no name" },
		[REMOVE] = { "remove", 1, "one tenant's name is expected" },
		[AGENTS] = { "agents", 1, "one tenant's name is expected" },
		[REVOKE] = { "revoke", 2, "a tenant's name and an agent's are expected" },
	};
	CLEAN_STORE struct store *s = NULL;
	const char *word = o->n_args > 1 ? o->args[1] : "";
	struct err e = { 0 };
	int verb = 0;

	while (verb < VERBS && strcmp(verbs[verb].name, word) != 0)
		verb++;
	if (verb == VERBS)
		return usage("tenant needs one of add, token, list, remove, agents, revoke", word);
	if (o->n_args - 2 != verbs[verb].words)
		return usage(verbs[verb].wrong, "");
	if (!store_sqlite_open(o->db, verb == ADD, &s, &e))
		return fail(&e);
	switch (verb) {
	case LIST:
		return tenant_list(o, s);
	case REMOVE:
		return tenant_remove(o, s, o->args[2]);
	case AGENTS:
		return tenant_agents(o, s, o->args[2]);
	case REVOKE:
		return tenant_revoke(s, o->args[2], o->args[3]);
	default:
		return tenant_token(o, s, o->args[2], verb == ADD);
	}
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = { { "db", required_argument, NULL, 'd' },
		{ "listen", required_argument, NULL, 'l' }, { "url", required_argument, NULL, 'u' },
		{ "json", no_argument, NULL, 'j' }, { "with-data", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 } };
	struct options o = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			o.db = optarg;
			break;
		case 'l':
			o.listen = optarg;
			break;
		case 'u':
			o.url = optarg;
			break;
		case 'j':
			o.json = true;
			break;
		case 'w':
			o.with_data = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_OK;
		case 'V':
			puts("lockstep-cloud " LOCKSTEP_VERSION);
			return EXIT_OK;
		default:
			fputs("Try lockstep-cloud --help.\n", stderr);
			return EXIT_USAGE;
		}
	}
	o.args = argv + optind;
	o.n_args = argc - optind;
	process_harden();
	log_init("lockstep-cloud", o.json, LOG_INFO);
	if (sodium_init() < 0)
		return EXIT_FAILED;
	if (o.n_args == 0)
		return usage("a command is expected: serve, tenant", "");
	if (strcmp(o.args[0], "serve") != 0 && strcmp(o.args[0], "tenant") != 0)
		return usage("unknown command", o.args[0]);
	if (!o.db)
		return usage("--db FILE is needed", "");
	if (strcmp(o.args[0], "tenant") == 0)
		return tenant(&o);
	return o.n_args == 1 ? serve(&o) : usage("serve takes no further words", o.args[1]);
}
