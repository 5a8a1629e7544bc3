/* lockstep-source-ldap(8): the program. */
#include "ldap_source.h"

#include <stdlib.h>
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

static const struct option options[] = {
	{ "server", OPT_LIST, true, NULL,
		"LDAP URLs of the directory's servers, in order of preference: "
		"ldaps://ldap.corp.example" },
	{ "bind", OPT_STRING, true, NULL, "DN of the account to read with" },
	{ "password_file", OPT_SECRET_PATH, true, NULL,
		"file with the account's password, readable by its owner alone" },
	{ "ca_file", OPT_PATH, false, NULL,
		"PEM file with the authorities that may sign the server's certificate; default: "
		"the system's" },
	{ "base", OPT_LIST, false, NULL,
		"DNs under the naming context to read, where the server has several; the whole "
		"context is read" },
	{ "timeout", OPT_INT, false, "300", "seconds to wait for a word from the server" },
	{ "tls", OPT_STRING, false, "ldaps",
		"start: servers written as ldap:// are spoken to by StartTLS; ldaps: TLS is for "
		"those written as ldaps://" },
	{ "tls_min", OPT_STRING, false, "1.2", "lowest TLS version accepted: 1.2 or 1.3" },
};

static const char *const syntax_names[] = {
	[TREE_STRING] = "string",
	[TREE_BYTES] = "bytes",
	[TREE_LINK] = "link",
	[TREE_INT] = "int",
	[TREE_BOOL] = "bool",
	[TREE_TIME] = "time",
};

static bool
options_do(struct dir *d, struct err *e)
{
	return tree_options_read(tree_of(d), e);
}

static bool
ready_do(struct dir *d, const char *const *classes, const char *const *attributes, struct err *e)
{
	struct tree *t = tree_of(d);
	if (!tree_open(t, e) || !tree_schema_read(t, classes, attributes, e))
		return false;
	return t->has_sync ||
	       err_set(e, ERR_CONFIG, "no-sync",
		       "%s does not offer content synchronization (RFC 4533); on OpenLDAP load the "
		       "overlay syncprov (`lockstep check --print-setup` shows how)",
		       d->server);
}

/*
 * Deltas do not say all, and `deltas-complete` is not claimed (I7): references are names, so that a renamed member is
 * none any more though its group did not change; nor is it said when rights change what we see, or an overlay (refint,
 * memberof) writes by itself.
 */
static bool
hello_do(struct dir *d, struct err *e)
{
	struct tree *t = tree_of(d);
	struct jsonw *w = serve_line(d->serve, "hello");
	char now[24];
	time_format(d->clock->now(d->clock->ctx), now);
	jsonw_str(w, "context", d->ld ? t->context : "not connected");
	jsonw_str(w, "server", d->ld ? d->server : "");
	jsonw_str(w, "invocation", "");
	jsonw_str(w, "bind", d->bound);
	jsonw_str(w, "now", now);
	jsonw_arr(w, "capabilities");
	jsonw_str(w, NULL, "sees-deletes");
	jsonw_str(w, NULL, "watch");
	jsonw_end(w);
	jsonw_obj(w, "schema");
	for (size_t i = 0; i < t->attr_count; i++) {
		if (t->attrs[i].as != t->attrs[i].name)
			continue; /* goes by another name */
		jsonw_obj(w, t->attrs[i].name);
		jsonw_str(w, "syntax", syntax_names[t->attrs[i].syntax]);
		jsonw_bool(w, "multi", t->attrs[i].multi);
		jsonw_end(w);
	}
	jsonw_end(w);
	return serve_send(d->serve, e) && serve_flush(d->serve, e);
}

static bool
read_do(struct dir *d, const char *cursor, struct err *e)
{
	return tree_read(tree_of(d), cursor, e);
}

static bool
watch_do(struct dir *d, struct err *e)
{
	return tree_watch(tree_of(d), e);
}

static bool
check_do(struct dir *d, const char *const *bases, size_t count, struct err *e)
{
	return tree_check(tree_of(d), bases, count, e);
}

static bool
setup_do(struct dir *d, const char *const *bases, size_t count, struct err *e)
{
	return tree_setup(tree_of(d), bases, count, e);
}

static const struct dir_program program = {
	.options = options_do,
	.ready = ready_do,
	.hello = hello_do,
	.read = read_do,
	.watch = watch_do,
	.check = check_do,
	.setup = setup_do,
};

int
main(int argc, char **argv)
{
	int status = 0;
	struct err e = { 0 };
	struct serve *serve = serve_new("ldap", "source", options, ARRAY_LEN(options));
	/* what this computer's ldap.conf says is for other programs: it could switch verification off */
	setenv("LDAPNOINIT", "1", 1);
	if (serve_arguments(serve, argc, argv, &status)) {
		process_harden();
		log_init("lockstep-source-ldap", true, LOG_INFO);
		bool stop = false;
		struct tree t = { .d = { .serve = serve,
					  .stop = &stop,
					  .arena = arena_new(),
					  .clock = &clock_system },
			.scratch = arena_new() };
		if (!dir_run(&t.d, &program, &e)) {
			serve_error(serve, &e);
			status = 1;
		}
		dir_close(&t.d);
		arena_free(t.scratch);
		arena_free(t.d.arena);
	}
	serve_free(serve);
	return status;
}
