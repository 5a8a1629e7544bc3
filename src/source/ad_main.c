/* lockstep-source-ad(8): the program. Requests of the engine, one after the other. */
#include "ad.h"
#include "ad_cursor.h"

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
	struct jsonw *w = serve_line(ad->serve, "hello");
	char now[24];
	if (ad->ld)
		f = ad_forest_facts(ad, a);
	time_format(ad->ld ? ad->now : ad->clock->now(ad->clock->ctx), now);
	jsonw_str(w, "context", f.context);
	jsonw_str(w, "server", f.server);
	jsonw_str(w, "invocation", f.invocation);
	jsonw_str(w, "bind", ad->bound);
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
	return serve_send(ad->serve, e) && serve_flush(ad->serve, e);
}

/* Who asks for no classes and no attributes wants a check or the set-up text, not a read: then a server
 * that cannot be reached is a finding, and hello does not wait for it. */
static bool
greet(struct ad *ad, struct err *e)
{
	const char *const *classes = serve_classes(ad->serve), *const *attributes =
								       serve_attributes(ad->serve);
	if (!ad_options_read(ad, e))
		return false;
	if ((classes[0] || attributes[0]) &&
		(!ad_forest_open(ad, e) || !ad_forest_schema(ad, classes, attributes, e)))
		return false;
	return hello_send(ad, e);
}

static const char **
strings_read(const struct json *list, struct arena *a, size_t *count_r)
{
	const char **strings = arena_alloc(a, (json_count(list) + 1) * sizeof(*strings));
	*count_r = 0;
	json_for_each(it, list)
		if (json_string(it))
			strings[(*count_r)++] = arena_strdup(a, json_string(it));
	return strings;
}

/* A read asks for what hello announced, or the cursor would not belong to it. */
static bool
request_fits(struct ad *ad, const struct json *j, struct arena *a, struct err *e)
{
	size_t n, m;
	const char **classes = strings_read(json_get(j, "classes"), a, &n);
	const char **attributes = strings_read(json_get(j, "attributes"), a, &m);
	char digest[65];
	if (n == 0 || m == 0)
		return err_set(e, ERR_SIDE, "bad-request", "a read needs classes and attributes");
	ad_request_digest(classes, attributes, digest);
	/* the connection may be lost meanwhile: then ad_read makes it anew, to the same controller */
	if (ad->filter && strcmp(digest, ad->digest) == 0)
		return true;
	return ad_forest_open(ad, e) && ad_forest_schema(ad, classes, attributes, e);
}

static bool
request_do(struct ad *ad, const struct json *j, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct str type = str_c(json_get_string(j, "type"));
	/* j ends with the next look at our input: what is needed is copied */
	const char *cursor = json_get_string(j, "cursor");
	if (str_eqc(type, "read")) {
		cursor = cursor ? arena_strdup(a, cursor) : NULL;
		return request_fits(ad, j, a, e) && ad_read(ad, cursor, e);
	}
	size_t count;
	if (str_eqc(type, "fetch")) {
		const char **ids = strings_read(json_get(j, "ids"), a, &count);
		return ad_fetch(ad, ids, count, e);
	}
	if (str_eqc(type, "watch"))
		return ad_watch(ad, e);
	const char **bases = strings_read(json_get(j, "bases"), a, &count);
	if (str_eqc(type, "check"))
		return ad_check(ad, bases, count, e);
	if (str_eqc(type, "setup"))
		return ad_setup(ad, bases, count, e);
	return err_set(e, ERR_SIDE, "bad-request", "a request of a type that is not known");
}

static bool
run(struct ad *ad, struct err *e)
{
	if (!serve_hello(ad->serve, e) || !greet(ad, e))
		return false;
	while (!*ad->stop) {
		const struct json *j = NULL;
		err_clear(e);
		int got = serve_next(ad->serve, -1, &j, e);
		if (got < 0)
			return e->kind == ERR_NONE;
		if (got == 0)
			continue;
		if (!request_do(ad, j, e))
			return false;
	}
	return true;
}

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
		struct ad ad = { .serve = serve,
			.stop = &stop,
			.arena = arena_new(),
			.scratch = arena_new(),
			.clock = &clock_system };
		if (!run(&ad, &e)) {
			serve_error(serve, &e);
			status = 1;
		}
		ad_forest_close(&ad);
		ad_ticket_free(&ad);
		arena_free(ad.scratch);
		arena_free(ad.arena);
	}
	serve_free(serve);
	return status;
}
