/*
 * Google Cloud Directory Sync. The format is not documented. What is read here are the names that public material
 * shows: the plugins by their classes, hostname, port, ldapCredMachineName, nonAddressPrimaryKeyMapFile and
 * passwordTimestampFile in Google's script for scheduled runs, authCredentialsEncrypted and oAuth2RefreshToken in
 * what packagers edit. Search rules, exclusion rules and limits are "not known"; what reads as a filter or a DN among
 * them is shown to a person, and nobody is in scope until that person has decided.
 */
#include <string.h>

#include "import.h"

#define CLASS_ANY    "com.google.usersyncapp."
#define CLASS_LDAP   CLASS_ANY "plugin.ldap.LDAPPlugin"
#define CLASS_GOOGLE CLASS_ANY "plugin.google.GooglePlugin"

struct gcds {
	struct draft *source, *scope;
	const struct plugin *plugin;
};

static bool
class_is(const xmlNode *n, const char *class, bool whole)
{
	xmlChar *is = xmlGetNoNsProp(n, (const xmlChar *)"class");
	bool same = is && (whole ? strcmp((const char *)is, class) == 0
				 : strncmp((const char *)is, class, strlen(class)) == 0);

	xmlFree(is);
	return same;
}

/* The root's name is nowhere shown, the plugins' classes are. */
bool
gcds_is(const xmlNode *root)
{
	if (import_is(root, "plugin") && class_is(root, CLASS_ANY, false))
		return true;
	for (const xmlNode *n = import_child(root, NULL); n; n = import_next(n, NULL))
		if (gcds_is(n))
			return true;
	return false;
}

/* --- the LDAP side --- */

static void
host_take(struct import *im, const xmlNode *n, void *ctx)
{
	struct gcds *g = ctx;
	const char *port = import_child_text(im, n->parent, "port");
	bool tls = strcmp(port, "636") == 0 || strcmp(port, "3269") == 0;

	if (draft_find(g->source, "server", NULL)) {
		import_miss(im, n, "a second server", "add it to the list `server` if it is one");
		return;
	}
	import_server(im, g->source,
		&(struct import_server){ .scheme = tls ? "ldaps" : "ldap",
			.host = import_text(im, n),
			.port = tls ? "" : port },
		n);
}

static void
password_take(struct import *im, const xmlNode *n, void *ctx)
{
	(void)ctx;
	import_secret(im, n,
		"GCDS keeps it encrypted: put the password itself into a file of mode 0600 that "
		"password_file of the source names");
}

static void
token_take(struct import *im, const xmlNode *n, void *ctx)
{
	(void)ctx;
	import_secret(im, n,
		"it is for Google: put the SCIM service's token into a file of mode 0600 that "
		"token_file of the target names");
}

static const struct import_rule ldap_rules[] = {
	{ .name = "hostname", .take = host_take },
	{ .name = "port", .take = import_nothing }, /* with the host */
	{ .name = "ldapCredMachineName", .why = "under that name GCDS keeps the credentials" },
	{ .name = "authCredentialsEncrypted", .take = password_take },
	{ 0 },
};

static const struct import_rule google_rules[] = {
	{ .name = "nonAddressPrimaryKeyMapFile",
		.why = "identity is the directory's immutable id, kept in Lockstep's state" },
	{ .name = "passwordTimestampFile", .why = "passwords are not synchronized" },
	{ .name = "oAuth2RefreshToken", .take = token_take },
	{ 0 },
};

static const struct plugin {
	const char *class;
	const struct import_rule *rules;
} plugins[] = {
	{ CLASS_LDAP, ldap_rules },
	{ CLASS_GOOGLE, google_rules },
};

/* --- the walk --- */

static const struct import_rule *
rule_of(const struct gcds *g, const xmlNode *n)
{
	const struct import_rule *r = g->plugin ? g->plugin->rules : NULL;

	if (!r || !n->parent || !import_is(n->parent, "config"))
		return NULL;
	while (r->name && !import_is(n, r->name))
		r++;
	return r->name ? r : NULL;
}

/* Down to what a plugin's rules name; no deeper than IMPORT_DEPTH_MAX. */
static void
element_take(struct import *im, const xmlNode *n, struct gcds *g)
{
	const struct import_rule *r = rule_of(g, n);
	const struct plugin *outer = g->plugin;

	if (r && r->take) {
		r->take(im, n, g);
		return;
	}
	if (r) {
		import_miss(im, n, r->why, r->todo);
		return;
	}
	if (!import_child(n, NULL)) {
		import_unknown(im, n, g->scope);
		return;
	}
	import_unknown_attributes(im, n);
	for (size_t i = 0; import_is(n, "plugin") && i < ARRAY_LEN(plugins); i++)
		if (class_is(n, plugins[i].class, true))
			g->plugin = &plugins[i];
	for (const xmlNode *c = import_child(n, NULL); c && !im->full; c = import_next(c, NULL))
		element_take(im, c, g);
	g->plugin = outer;
}

void
gcds_import(struct import *im, const xmlNode *root)
{
	struct gcds g = { 0 };
	struct draft *sync;

	g.source = draft_section(im, im->draft, "source", "gcds", NULL);
	draft_option(im, g.source, "type", "ad", NULL, "GCDS reads other LDAP servers, too");
	import_target(im, "GCDS writes to Google, Lockstep to a SCIM service");
	sync = draft_section(im, im->draft, "sync", "gcds", NULL);
	draft_option(im, sync, "from", "gcds", NULL, NULL);
	draft_option(im, sync, "to", "hosted", NULL, NULL);
	g.scope = draft_section(im, sync, "scope", NULL, NULL);
	import_nobody(im, g.scope,
		"TO BE FILLED IN: nobody, until GCDS's search and exclusion rules are written "
		"here");
	element_take(im, root, &g);
	import_source_end(im, g.source, "gcds");
}
