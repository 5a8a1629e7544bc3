/* lockstep-source-ldap(8): the program. */
#include "ldap_source.h"

static const struct option options[] = {
	{ "server", OPT_LIST, true, NULL,
		"LDAP URLs of the directory's servers, in order of preference: "
		"ldaps://ldap.corp.example" },
	{ "bind", OPT_STRING, true, NULL, "DN of the account to read with" },
	{ "password_file", OPT_SECRET_PATH, true, NULL,
		"file with the account's password, readable by its owner alone" },
	DIR_OPTION_CA_FILE,
	{ "base", OPT_LIST, false, NULL,
		"DNs under the naming context to read, where the server has several; the whole "
		"context is read" },
	DIR_OPTION_TIMEOUT,
	DIR_OPTION_TLS,
	DIR_OPTION_TLS_MIN,
};

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
static void
hello_do(struct dir *d, struct arena *a, struct dir_hello *h)
{
	(void)a;
	if (d->ld) {
		h->context = d->context;
		h->server = d->server;
	}
	h->capabilities[0] = "sees-deletes";
	h->capabilities[1] = "watch";
}

static void
schema_do(struct dir *d, struct jsonw *w)
{
	const struct tree *t = tree_of(d);
	for (size_t i = 0; i < t->attr_count; i++)
		if (t->attrs[i].as == t->attrs[i].name) /* else it goes by another name */
			dir_attribute_write(
				w, t->attrs[i].name, t->attrs[i].syntax, t->attrs[i].multi);
}

static const struct dir_program program = {
	.name = "ldap",
	.option_table = options,
	.option_count = ARRAY_LEN(options),
	.options = tree_options_read,
	.ready = ready_do,
	.hello = hello_do,
	.schema = schema_do,
	.read = tree_read,
	.watch = tree_watch,
	.check = tree_check,
	.setup = tree_setup,
	.close = dir_close,
};

int
main(int argc, char **argv)
{
	struct tree t = { .nc = NULL };
	return dir_main(&t.d, &program, argc, argv);
}
