/*
 * LDAP Synchronization Connector: lsc.xml, by its schemas 2.2 and 2.3 and its documentation. A connection that tasks
 * read from becomes a source, a task (import_lsc_task.c) a sync of one kind. What LSC writes to, LDAP, has no counterpart.
 */
#include <libxml/uri.h>
#include <string.h>

#include "import_lsc.h"

bool
lsc_is(const xmlNode *root)
{
	return import_is(root, "lsc");
}

const char *
lsc_script(struct import *im, const char *text)
{
	static const char *const engines[] = { "js:", "rjs:", "gjs:", "rdjs:", "gr:", "groovy:" };
	struct str s = str_trim(str_c(text));

	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		if (!str_starts(s, engines[i]))
			continue;
		s.p += strlen(engines[i]);
		s.n -= strlen(engines[i]);
		break;
	}
	s = str_trim(s);
	if (s.n && s.p[s.n - 1] == ';')
		s.n--;
	s = str_trim(s);
	return arena_strndup(im->arena, s.p ? s.p : "", s.n);
}

/* --- connections --- */

struct lsc_connection {
	struct draft *source;
	bool start_tls;
};

const xmlNode *
lsc_source_service(const xmlNode *task)
{
	const xmlNode *n = import_child(task, "ldapSourceService");

	return n ? n : import_child(task, "asyncLdapSourceService");
}

const char *
lsc_connection_name(struct import *im, const xmlNode *service)
{
	const xmlNode *c = service ? import_child(service, "connection") : NULL;

	return c ? import_attribute(im, c, "reference") : "";
}

const xmlNode *
lsc_connection_find(const xmlNode *root, const char *name)
{
	const xmlNode *all = import_child(root, "connections");
	const xmlNode *n = all ? import_child(all, "ldapConnection") : NULL;

	while (n && !import_child_is(n, "name", name))
		n = import_next(n, "ldapConnection");
	return n;
}

static bool
service_is_of(const xmlNode *service, const char *name)
{
	const xmlNode *c = service ? import_child(service, "connection") : NULL;

	return c && import_attribute_is(c, "reference", name);
}

static bool
is_read_from(const xmlNode *root, const char *name)
{
	const xmlNode *all = import_child(root, "tasks");
	const xmlNode *t = all ? import_child(all, "task") : NULL;

	while (t && !service_is_of(lsc_source_service(t), name))
		t = import_next(t, "task");
	return t != NULL;
}

static void
url_take(struct import *im, const xmlNode *n, struct lsc_connection *c, const char *url)
{
	xmlURI *u = xmlParseURI(url);
	bool tls = u && u->scheme && strcmp(u->scheme, "ldaps") == 0;
	bool good = tls || (u && u->scheme && strcmp(u->scheme, "ldap") == 0);
	const char *path = u && u->path ? u->path : "";
	struct import_server s = { .scheme = tls ? "ldaps" : "ldap",
		.host = arena_strdup(im->arena, u && u->server ? u->server : ""),
		.port = u && u->port > 0 ? arena_printf(im->arena, "%d", u->port) : "",
		.start_tls = c->start_tls };

	path += path[0] == '/';
	if (!good)
		import_miss(im, n, "not an LDAP URL", "write server = 'ldaps://HOST'");
	else
		import_server(im, c->source, &s, n);
	if (u && u->user)
		import_secret(im, n, "the URL names an account: write bind and password_file");
	if (good && import_dn(path) && !draft_find(c->source, "base", NULL))
		draft_option(im, c->source, "base", arena_strdup(im->arena, path), n, NULL);
	xmlFreeURI(u);
}

/* JNDI takes several URLs with blanks between. */
static void
urls_take(struct import *im, const xmlNode *n, void *ctx)
{
	char *rest = arena_strdup(im->arena, import_text(im, n)), *url;

	for (url = strtok_r(rest, " \t\r\n", &rest); url && !im->full;
		url = strtok_r(NULL, " \t\r\n", &rest))
		url_take(im, n, ctx, url);
}

static void
username_take(struct import *im, const xmlNode *n, void *ctx)
{
	struct lsc_connection *c = ctx;
	const char *name = import_text(im, n);

	if (name[0] && !draft_find(c->source, "bind", NULL))
		draft_option(im, c->source, "bind", name, n, NULL);
}

static void
password_take(struct import *im, const xmlNode *n, void *ctx)
{
	(void)ctx;
	import_secret(
		im, n, "put it into a file of mode 0600 that password_file of the source names");
}

static void
authentication_take(struct import *im, const xmlNode *n, void *ctx)
{
	struct lsc_connection *c = ctx;
	const char *how = import_text(im, n);

	if (ascii_ieq(how, "SIMPLE"))
		return;
	if (ascii_ieq(how, "GSSAPI")) {
		draft_option(im, c->source, "keytab", "/etc/lockstep/krb5.keytab", n,
			"TO BE MADE: LSC takes its key from JAAS, Lockstep from this file");
		return;
	}
	import_miss(im, n, "Lockstep signs on with a password over TLS, or by Kerberos",
		"give it an account that can only read: lockstep check --print-setup");
}

static const struct import_rule connection_rules[] = {
	{ .name = "name", .take = import_nothing },
	{ .name = "tlsActivated", .take = import_nothing }, /* with the URL */
	{ .name = "url", .take = urls_take },
	{ .name = "username", .take = username_take },
	{ .name = "password", .take = password_take },
	{ .name = "authentication", .take = authentication_take },
	{ .name = "referral", .why = "referrals are not followed" },
	{ .name = "derefAliases", .why = "aliases are not followed" },
	{ .name = "version", .why = "LDAP is spoken in version 3 alone" },
	{ .name = "pageSize",
		.why = "a number of entries; Lockstep's `page` is a number of bytes, and has a "
		       "default" },
	{ .name = "factory", .why = "a matter of Java" },
	{ .name = "saslMutualAuthentication", .why = "Kerberos is always mutual here" },
	{ .name = "saslQop", .why = "TLS protects the connection" },
	{ .name = "sortedBy", .why = "Lockstep needs no order" },
	{ .name = "binaryAttributes", .why = "the directory's schema says what is binary" },
	{ .name = "recursiveDelete", .why = "nothing is deleted in a directory" },
	{ .name = "relaxRules", .why = "nothing is written into a directory" },
	{ 0 },
};

static void
connection_take(struct import *im, const xmlNode *n, void *ctx)
{
	const char *name = import_child_text(im, n, "name"), *title = import_title(im, name);
	const char *tls = import_child_text(im, n, "tlsActivated");
	struct lsc_connection c = { .start_tls =
					    strcmp(tls, "true") == 0 || strcmp(tls, "1") == 0 };

	if (!is_read_from(ctx, name)) {
		import_miss(im, n,
			"no task reads from it; Lockstep does not write into directories",
			"a SCIM service takes its place: fill in the target");
		return;
	}
	if (draft_find(im->draft, "source", title)) {
		import_miss(im, n, "a second connection of that name, or of one like it",
			"give it another name, of letters and digits");
		return;
	}
	c.source = draft_section(im, im->draft, "source", title, n);
	draft_option(im, c.source, "type", "ad", NULL, NULL);
	import_walk(im, n, connection_rules, &c);
	if (draft_find(c.source, "keytab", NULL) && !draft_find(c.source, "bind", NULL))
		draft_option(im, c.source, "bind", "gssapi", NULL, NULL);
	import_source_end(im, c.source, title);
}

static const struct import_rule connections_rules[] = {
	{ .name = "ldapConnection", .take = connection_take },
	{ .name = "databaseConnection",
		.why = "Lockstep reads Active Directory and LDIF",
		.todo = "export it as LDIF, or write a connector: lockstep-connector(7)" },
	{ .name = "pluginConnection",
		.why = "a plug-in of LSC",
		.todo = "where it is a source: export it as LDIF, or write a connector, "
			"lockstep-connector(7)" },
	{ 0 },
};

static void
connections_take(struct import *im, const xmlNode *n, void *ctx)
{
	import_walk(im, n, connections_rules, ctx);
}

/* --- the document --- */

static const struct import_rule tasks_rules[] = {
	{ .name = "task", .take = lsc_task_take },
	{ 0 },
};

static const struct import_rule root_rules[] = {
	{ .name = "connections", .take = connections_take },
	{ .name = "tasks", .take = import_nothing },
	{ .name = "audits", .why = "`lockstep history` has every operation with its values" },
	{ .name = "security",
		.why = "Lockstep keeps secrets in files of their own, not encrypted in its "
		       "configuration",
		.todo = "protect them by owner and mode 0600" },
	{ 0 },
};

/* Sources first, whatever their order is in the document: tasks look them up. */
void
lsc_import(struct import *im, const xmlNode *root)
{
	import_walk(im, root, root_rules, (void *)root);
	import_target(
		im, "LSC writes into LDAP directories and databases, Lockstep to a SCIM service");
	for (const xmlNode *n = import_child(root, "tasks"); n; n = import_next(n, "tasks"))
		import_walk(im, n, tasks_rules, (void *)root);
}
