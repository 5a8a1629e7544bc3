/* lockstep-source-ad(8): the program. Requests of the engine, one after the other. */
#include "ad.h"

#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/log.h"

static const struct option options[] = {
	{ "server", OPT_LIST, false, NULL,
		"LDAP URLs of domain controllers, in order of preference: "
		"ldaps://dc1.corp.example" },
	{ "domain", OPT_STRING, false, NULL,
		"DNS name of the domain; its controllers are found by DNS SRV when `server` is "
		"absent" },
	{ "bind", OPT_STRING, true, NULL,
		"account to read with: a DN, user@domain or DOMAIN\\user, passed as written; with "
		"`keytab`: gssapi, or the name of its key" },
	{ "password_file", OPT_SECRET_PATH, false, NULL,
		"file with the account's password, readable by its owner alone" },
	{ "keytab", OPT_SECRET_PATH, false, NULL,
		"file with the account's Kerberos key, instead of a password; readable by its "
		"owner alone" },
	{ "krb5_conf", OPT_PATH, false, NULL,
		"Kerberos configuration; default: the system's /etc/krb5.conf" },
	{ "ca_file", OPT_PATH, false, NULL,
		"PEM file with the authorities that may sign the server's certificate; default: "
		"the system's" },
	{ "base", OPT_LIST, false, NULL,
		"DNs under the naming context to read; the whole context is read" },
	{ "changes", OPT_STRING, false, "auto",
		"how changes are followed: dirsync; usn (uSNChanged: misses some until the next "
		"full read); auto: usn where the account may not use DirSync" },
	{ "page", OPT_INT, false, "1048576", "bytes asked for in one DirSync answer" },
	{ "timeout", OPT_INT, false, "300", "seconds to wait for a word from the server" },
	{ "tls", OPT_STRING, false, "ldaps",
		"start: servers written as ldap:// are spoken to by StartTLS; ldaps: TLS is for "
		"those written as ldaps://" },
	{ "tls_min", OPT_STRING, false, "1.2", "lowest TLS version accepted: 1.2 or 1.3" },
};

static const char *const syntax_names[] = {
	[AD_STRING] = "string",
	[AD_BYTES] = "bytes",
	[AD_LINK] = "link",
	[AD_INT] = "int",
	[AD_BOOL] = "bool",
	[AD_TIME] = "time",
};

static void
capabilities_write(const struct ad_forest_facts *f, struct jsonw *w)
{
	jsonw_arr(w, "capabilities");
	if (f->deltas_complete)
		jsonw_str(w, NULL, "deltas-complete");
	if (f->sees_deletes)
		jsonw_str(w, NULL, "sees-deletes");
	jsonw_str(w, NULL, "fetch");
	jsonw_str(w, NULL, "watch");
	jsonw_end(w);
}

static bool
hello_send(struct ad *ad, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct ad_forest_facts f = { "not connected", "", "", false, false };
	struct jsonw *w = serve_line(ad->d.serve, "hello");
	char now[24];
	if (ad->d.ld)
		f = ad_forest_facts(ad, a);
	time_format(ad->d.ld ? ad->now : ad->d.clock->now(ad->d.clock->ctx), now);
	jsonw_str(w, "context", f.context);
	jsonw_str(w, "server", f.server);
	jsonw_str(w, "invocation", f.invocation);
	jsonw_str(w, "bind", ad->d.bound);
	jsonw_str(w, "now", now);
	capabilities_write(&f, w);
	jsonw_obj(w, "schema");
	for (size_t i = 0; i < ad->attr_count; i++) {
		jsonw_obj(w, ad->attrs[i].name);
		jsonw_str(w, "syntax", syntax_names[ad->attrs[i].syntax]);
		jsonw_bool(w, "multi", ad->attrs[i].multi);
		jsonw_end(w);
	}
	jsonw_end(w);
	return serve_send(ad->d.serve, e) && serve_flush(ad->d.serve, e);
}

static bool
options_do(struct dir *d, struct err *e)
{
	return ad_options_read(ad_of(d), e);
}

static bool
ready_do(struct dir *d, const char *const *classes, const char *const *attributes, struct err *e)
{
	return ad_forest_open(ad_of(d), e) && ad_forest_schema(ad_of(d), classes, attributes, e);
}

static bool
hello_do(struct dir *d, struct err *e)
{
	return hello_send(ad_of(d), e);
}

static bool
read_do(struct dir *d, const char *cursor, struct err *e)
{
	return ad_read(ad_of(d), cursor, e);
}

static bool
fetch_do(struct dir *d, const char *const *ids, size_t count, struct err *e)
{
	return ad_fetch(ad_of(d), ids, count, e);
}

static bool
watch_do(struct dir *d, struct err *e)
{
	return ad_watch(ad_of(d), e);
}

static bool
check_do(struct dir *d, const char *const *bases, size_t count, struct err *e)
{
	return ad_check(ad_of(d), bases, count, e);
}

static bool
setup_do(struct dir *d, const char *const *bases, size_t count, struct err *e)
{
	return ad_setup(ad_of(d), bases, count, e);
}

static const struct dir_program program = { options_do, ready_do, hello_do, read_do, fetch_do,
	watch_do, check_do, setup_do };

int
main(int argc, char **argv)
{
	int status = 0;
	struct err e = { 0 };
	struct serve *serve = serve_new("ad", "source", options, ARRAY_LEN(options));
	/* what this computer's ldap.conf says is for other programs: it could switch verification off */
	setenv("LDAPNOINIT", "1", 1);
	if (serve_arguments(serve, argc, argv, &status)) {
		process_harden();
		log_init("lockstep-source-ad", true, LOG_INFO);
		bool stop = false;
		struct ad ad = { .d = { .serve = serve,
					 .stop = &stop,
					 .arena = arena_new(),
					 .clock = &clock_system },
			.scratch = arena_new() };
		if (!dir_run(&ad.d, &program, &e)) {
			serve_error(serve, &e);
			status = 1;
		}
		ad_forest_close(&ad);
		ad_ticket_free(&ad);
		arena_free(ad.scratch);
		arena_free(ad.d.arena);
	}
	serve_free(serve);
	return status;
}
