/* lockstep-source-ad(8): the program. */
#include "ad.h"

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
	DIR_OPTION_CA_FILE,
	{ "base", OPT_LIST, false, NULL,
		"DNs under the naming context to read; the whole context is read" },
	{ "changes", OPT_STRING, false, "auto",
		"how changes are followed: dirsync; usn (uSNChanged: misses some until the next "
		"full read); auto: usn where the account may not use DirSync" },
	{ "page", OPT_INT, false, "1048576", "bytes asked for in one DirSync answer" },
	DIR_OPTION_TIMEOUT,
	DIR_OPTION_TLS,
	DIR_OPTION_TLS_MIN,
};

static void
hello_do(struct dir *d, struct arena *a, struct dir_hello *h)
{
	size_t n = 0;
	if (d->ld) {
		struct ad_forest_facts f = ad_forest_facts(ad_of(d), a);
		h->context = f.context;
		h->server = f.server;
		h->invocation = f.invocation;
		h->now = ad_of(d)->now;
		if (f.deltas_complete)
			h->capabilities[n++] = "deltas-complete";
		if (f.sees_deletes)
			h->capabilities[n++] = "sees-deletes";
	}
	h->capabilities[n++] = "fetch";
	h->capabilities[n++] = "watch";
}

static void
schema_do(struct dir *d, struct jsonw *w)
{
	const struct ad *ad = ad_of(d);
	for (size_t i = 0; i < ad->attr_count; i++)
		dir_attribute_write(w, ad->attrs[i].name, ad->attrs[i].syntax, ad->attrs[i].multi);
}

static bool
ready_do(struct dir *d, const char *const *classes, const char *const *attributes, struct err *e)
{
	return ad_forest_open(ad_of(d), e) && ad_forest_schema(ad_of(d), classes, attributes, e);
}

static void
close_do(struct dir *d)
{
	ad_forest_close(ad_of(d));
	ad_ticket_free(ad_of(d));
}

static const struct dir_program program = {
	.name = "ad",
	.option_table = options,
	.option_count = ARRAY_LEN(options),
	.options = ad_options_read,
	.ready = ready_do,
	.hello = hello_do,
	.schema = schema_do,
	.read = ad_read,
	.fetch = ad_fetch,
	.watch = ad_watch,
	.check = ad_check,
	.setup = ad_setup,
	.close = close_do,
};

int
main(int argc, char **argv)
{
	struct ad ad = { .next = NULL };
	return dir_main(&ad.d, &program, argc, argv);
}
