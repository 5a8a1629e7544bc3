/*
 * LDAP Synchronization Connector: lsc.xml, by its schemas 2.1 to 2.3 and its documentation. A connection that tasks
 * read from becomes a source, a task becomes a sync of one kind. What LSC writes to, LDAP, has no counterpart.
 */
#include <libxml/uri.h>
#include <string.h>

#include "import_lsc.h"
#include "model/dn.h"

bool
lsc_is(const xmlNode *root)
{
	return import_is(root, "lsc");
}

static void
nothing_take(struct import *im, const xmlNode *n, void *ctx)
{
	(void)im;
	(void)n;
	(void)ctx;
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
	const char *how; /* authentication */
	bool start_tls;
};

static const xmlNode *
source_service(const xmlNode *task)
{
	const xmlNode *n = import_child(task, "ldapSourceService");

	return n ? n : import_child(task, "asyncLdapSourceService");
}

static const char *
connection_name(struct import *im, const xmlNode *service)
{
	const xmlNode *c = service ? import_child(service, "connection") : NULL;

	return c ? import_attribute(im, c, "reference") : "";
}

static const xmlNode *
connection_find(struct import *im, const xmlNode *root, const char *name)
{
	const xmlNode *all = import_child(root, "connections");
	const xmlNode *n = all ? import_child(all, "ldapConnection") : NULL;

	while (n && strcmp(import_child_text(im, n, "name"), name) != 0)
		n = import_next(n, "ldapConnection");
	return n;
}

static bool
is_read_from(struct import *im, const xmlNode *root, const char *name)
{
	const xmlNode *all = import_child(root, "tasks");
	const xmlNode *t = all ? import_child(all, "task") : NULL;

	while (t && strcmp(connection_name(im, source_service(t)), name) != 0)
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

	for (url = strtok_r(rest, " \t\r\n", &rest); url; url = strtok_r(NULL, " \t\r\n", &rest))
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
	import_secret(im, n,
		"put it into a file of mode 0600 that password_file of the source names");
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
	{ .name = "name", .take = nothing_take },
	{ .name = "tlsActivated", .take = nothing_take }, /* with the URL */
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
	struct lsc_connection c = { .how = import_child_text(im, n, "authentication"),
		.start_tls = strcmp(import_child_text(im, n, "tlsActivated"), "true") == 0 };

	if (!is_read_from(im, ctx, name)) {
		import_miss(im, n, "no task reads from it; Lockstep does not write into directories",
			"a SCIM service takes its place: fill in the target");
		return;
	}
	if (draft_find(im->draft, "source", title)) {
		import_miss(im, n, "a second connection of that name", "give it another name");
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
	{ .name = "databaseConnection", .why = "Lockstep reads Active Directory and LDIF",
		.todo = "export it as LDIF, or write a connector: lockstep-connector(7)" },
	{ .name = "pluginConnection", .why = "a plug-in of LSC",
		.todo = "where it is a source: export it as LDIF, or write a connector, "
			"lockstep-connector(7)" },
	{ 0 },
};

static void
connections_take(struct import *im, const xmlNode *n, void *ctx)
{
	import_walk(im, n, connections_rules, ctx);
}

/* --- what a task reads --- */

/* LSC takes a base that is not under the URL's DN as relative to it. */
static void
base_take(struct import *im, const xmlNode *n, void *ctx)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct lsc_task *t = ctx;
	const char *base = import_text(im, n);
	struct draft *source = draft_find(im->draft, "source",
		import_title(im, connection_name(im, t->source)));
	struct draft *above = source ? draft_find(source, "base", NULL) : NULL;
	struct dn dn, top;

	if (!import_dn(base) || !dn_parse(base, a, &dn, NULL)) {
		import_miss(im, n, "not a DN", "write scope { base = 'DN' }, and take `when = 'false'` out: nobody is in scope");
		return;
	}
	if (above && dn_parse(above->value, a, &top, NULL) && !dn_under(&dn, &top))
		base = arena_printf(im->arena, "%s,%s", base, above->value);
	draft_option(im, t->scope, "base", base, n, NULL);
}

/* In templates line breaks stand for nothing; blanks within values stay. */
static char *
filter_joined(struct import *im, const char *text)
{
	char *joined = arena_strdup(im->arena, text), *to = joined;

	for (const char *p = text; *p; p++) {
		size_t blanks = strspn(p, " \t\r\n");

		if (blanks && (to == joined || strchr("()&|!", to[-1]) || strchr("()", p[blanks])))
			p += blanks;
		if (!*p)
			break;
		*to++ = *p;
	}
	*to = '\0';
	return joined;
}

/* Newer versions take a script; one that is a text and nothing else is a filter. */
static const char *
filter_unquoted(struct import *im, const char *text)
{
	size_t n = strlen(text);
	char q = text[0];

	if (n < 2 || (q != '"' && q != '\'') || text[n - 1] != q)
		return text;
	text = arena_strndup(im->arena, text + 1, n - 2);
	return strchr(text, q) || strchr(text, '\\') ? NULL : text;
}

#define FILTER_TODO "write scope { filter = '(...)' }, and take `when = 'false'` out: nobody is in scope"

static void
filter_take(struct import *im, const xmlNode *n, void *ctx)
{
	struct lsc_task *t = ctx;
	const char *text = filter_unquoted(im, lsc_script(im, import_text(im, n)));
	const char *why = NULL;

	if (!text || text[0] != '(' || strchr(text, '{') || strstr(text, "\" +")) {
		import_miss(im, n, "a script, or a filter with place holders",
			FILTER_TODO);
		return;
	}
	text = filter_joined(im, text);
	if (!import_filter(im, text, &why)) {
		import_miss(im, n, why,
			FILTER_TODO);
		return;
	}
	draft_option(im, t->scope, "filter", text, n, NULL);
}

#define ONE_WHY  "entries are found by their immutable ids, not by a filter with place holders"
#define POLL_WHY "changes are followed by DirSync or uSNChanged"

static const struct import_rule source_rules[] = {
	{ .name = "name", .take = nothing_take },
	{ .name = "connection", .take = nothing_take },
	{ .name = "serverType", .take = nothing_take }, /* see ad_check */
	{ .name = "fetchedAttributes", .take = nothing_take }, /* the map says what is read */
	{ .name = "baseDn", .take = base_take },
	{ .name = "getAllFilter", .take = filter_take },
	{ .name = "allFilter", .take = filter_take },
	{ .name = "allEntriesFilter", .take = filter_take },
	{ .name = "pivotAttributes", .why = "objects are tied by the directory's immutable id" },
	{ .name = "getOneFilter", .why = ONE_WHY },
	{ .name = "oneFilter", .why = ONE_WHY },
	{ .name = "oneEntryFilter", .why = ONE_WHY },
	{ .name = "getCleanFilter", .why = ONE_WHY },
	{ .name = "cleanFilter", .why = ONE_WHY },
	{ .name = "cleanEntryFilter", .why = ONE_WHY },
	{ .name = "filterAsync", .why = POLL_WHY },
	{ .name = "dateFormat", .why = POLL_WHY },
	{ .name = "interval", .why = POLL_WHY },
	{ 0 },
};

static void
source_take(struct import *im, const xmlNode *n, void *ctx)
{
	import_walk(im, n, source_rules, ctx);
}

/* --- tasks --- */

static const char *const filter_names[] = { "getAllFilter", "allFilter", "allEntriesFilter" };

static const char *
source_filter(struct import *im, const xmlNode *source)
{
	const char *text = "";

	for (size_t i = 0; i < ARRAY_LEN(filter_names) && !text[0]; i++)
		text = import_child_text(im, source, filter_names[i]);
	return text;
}

static bool
word_is(const char *p, const char *word)
{
	size_t n = strlen(word);

	return strncasecmp(p, word, n) == 0 && strchr(") \t\r\n", p[n]);
}

/* The kinds that the filter's object classes stand for, as bits. */
static unsigned
kinds_of(const char *filter)
{
	static const char *const keys[] = { "objectClass=", "objectCategory=" };
	unsigned found = 0;

	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		for (const char *p = strcasestr(filter, keys[k]); p; p = strcasestr(p, keys[k])) {
			p += strlen(keys[k]);
			if (word_is(p, "person") || word_is(p, "organizationalPerson"))
				found |= 1u << KIND_USER;
			for (size_t i = 0; i < KIND_COUNT; i++)
				for (const char *const *c = kinds[i].classes; *c; c++)
					found |= word_is(p, *c) ? 1u << i : 0;
		}
	}
	return found;
}

/* An LDAP server that nothing shows to be Active Directory may be another, which there is no connector for. */
static void
ad_check(struct import *im, const xmlNode *source)
{
	static const char *const signs[] = { "sAMAccountName", "objectCategory", "userPrincipalName",
		"objectGUID", "userAccountControl", "proxyAddresses", "objectClass=user)",
		"objectClass=group)", "1.2.840.113556." };
	const xmlNode *fetched = import_child(source, "fetchedAttributes");
	CLEAN_BUF struct buf all = { 0 };

	buf_adds(&all, source_filter(im, source));
	for (const xmlNode *s = fetched ? import_child(fetched, "string") : NULL; s;
		s = import_next(s, "string"))
		buf_adds(&all, import_text(im, s));
	if (ascii_ieq(import_child_text(im, source, "serverType"), "ActiveDirectory"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (strcasestr(buf_cstr(&all), signs[i]))
			return;
	import_miss(im, source, "nothing here shows that this is Active Directory, the only LDAP "
				"server that Lockstep reads",
		"for another: export LDIF and make the source type = \"ldif\", or write a "
		"connector, lockstep-connector(7)");
}

static void
bean_take(struct import *im, const xmlNode *n, void *ctx)
{
	(void)ctx;
	if (strcmp(import_text(im, n), "org.lsc.beans.SimpleBean") != 0)
		import_miss(im, n, "code of LSC; the order of values means nothing to Lockstep", NULL);
}

#define HOOK_WHY  "Lockstep runs no hooks"
#define HOOK_TODO "what it did has to be done elsewhere, from `lockstep history --json` say"
#define DST_WHY   "Lockstep writes to SCIM services"
#define DST_TODO  "fill in the target"
#define CODE_WHY  "code of one's own; expressions are Lua, with lockstep.conf(5)'s functions"
#define CODE_TODO "write what it does as map lines"

static const struct import_rule task_rules[] = {
	{ .name = "name", .take = nothing_take },
	{ .name = "bean", .take = bean_take },
	{ .name = "cleanHook", .why = HOOK_WHY, .todo = HOOK_TODO },
	{ .name = "syncHook", .why = HOOK_WHY, .todo = HOOK_TODO },
	{ .name = "ldapSourceService", .take = source_take },
	{ .name = "asyncLdapSourceService", .take = source_take },
	{ .name = "ldapDestinationService", .why = DST_WHY, .todo = DST_TODO },
	{ .name = "databaseDestinationService", .why = DST_WHY, .todo = DST_TODO },
	{ .name = "multiDestinationService", .why = DST_WHY, .todo = DST_TODO },
	{ .name = "xaFileDestinationService", .why = DST_WHY, .todo = DST_TODO },
	{ .name = "pluginDestinationService", .why = DST_WHY, .todo = DST_TODO },
	{ .name = "propertiesBasedSyncOptions", .take = lsc_options_take },
	{ .name = "forceSyncOptions", .why = "the default maps say what is synchronized" },
	{ .name = "pluginSyncOptions", .why = CODE_WHY, .todo = CODE_TODO },
	{ .name = "customLibrary", .why = CODE_WHY, .todo = CODE_TODO },
	{ .name = "scriptInclude", .why = CODE_WHY, .todo = CODE_TODO },
	{ 0 },
};

static char *
task_title(struct import *im, const xmlNode *task)
{
	char *title = import_title(im, import_child_text(im, task, "name")), *free = title;

	for (int i = 2; draft_find(im->draft, "sync", free); i++)
		free = arena_printf(im->arena, "%.50s-%d", title, i);
	return free;
}

/* One kind each; the other one is another task's. */
static void
task_make(struct import *im, struct lsc_task *t)
{
	const enum kind_id other = t->kind == KIND_USER ? KIND_GROUP : KIND_USER;
	const char *from = import_title(im, connection_name(im, t->source));
	struct draft *off;

	t->sync = draft_section(im, im->draft, "sync", task_title(im, t->node), t->node);
	draft_option(im, t->sync, "from", from, NULL, NULL);
	draft_option(im, t->sync, "to", "hosted", NULL, NULL);
	t->scope = draft_section(im, t->sync, "scope", NULL, NULL);
	t->of_kind = draft_section(im, t->sync, kinds[t->kind].name, NULL, NULL);
	t->map = draft_section(im, t->of_kind, "map", NULL, NULL);
	off = draft_section(im, t->sync, kinds[other].name, NULL, NULL);
	draft_option(im, off, "enabled", "no", NULL, NULL);
	ad_check(im, t->source);
	import_walk(im, t->node, task_rules, t);
	if (!draft_find(t->scope, "filter", NULL) || !draft_find(t->scope, "base", NULL))
		import_nobody(im, t->scope, "TO BE FILLED IN: nobody, until base and filter are there");
	lsc_map_end(im, t);
}

static void
task_take(struct import *im, const xmlNode *n, void *root)
{
	struct lsc_task t = { .root = root,
		.node = n,
		.source = source_service(n),
		.target = import_child(n, "ldapDestinationService") };
	unsigned found;

	if (!t.source || !connection_find(im, root, connection_name(im, t.source))) {
		import_miss(im, n, "it does not read from an LDAP connection of this file",
			"export what it reads as LDIF, or write a connector: lockstep-connector(7)");
		return;
	}
	found = kinds_of(source_filter(im, t.source));
	if (found != 1u << KIND_USER && found != 1u << KIND_GROUP) {
		import_miss(im, n, "its filter does not say whether these are users or groups",
			"write a sync of your own for it");
		return;
	}
	t.kind = found == 1u << KIND_USER ? KIND_USER : KIND_GROUP;
	task_make(im, &t);
}

static const struct import_rule tasks_rules[] = {
	{ .name = "task", .take = task_take },
	{ 0 },
};

static const struct import_rule root_rules[] = {
	{ .name = "connections", .take = connections_take },
	{ .name = "tasks", .take = nothing_take },
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
	import_target(im, "LSC writes into LDAP directories and databases, Lockstep to a SCIM service");
	for (const xmlNode *n = import_child(root, "tasks"); n; n = import_next(n, "tasks"))
		import_walk(im, n, tasks_rules, (void *)root);
}
