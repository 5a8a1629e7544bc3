/* A task of LSC as a sync: what it reads is the scope. */
#include <string.h>

#include "import_lsc.h"
#include "model/dn.h"

/* --- what a task reads --- */

/* LSC takes a base that is not under the URL's DN as relative to it. */
static void
base_take(struct import *im, const xmlNode *n, void *ctx)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct lsc_task *t = ctx;
	const char *base = import_text(im, n);
	struct draft *source = draft_find(
		im->draft, "source", import_title(im, lsc_connection_name(im, t->source)));
	struct draft *above = source ? draft_find(source, "base", NULL) : NULL;
	struct dn dn, top;

	if (!import_dn(base) || !dn_parse(base, a, &dn, NULL)) {
		import_miss(im, n, "not a DN",
			"write scope { base = 'DN' }, and take `when = 'false'` out: nobody is in "
			"scope");
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

#define FILTER_TODO                                                                                \
	"write scope { filter = '(...)' }, and take `when = 'false'` out: nobody is in scope"

static void
filter_take(struct import *im, const xmlNode *n, void *ctx)
{
	struct lsc_task *t = ctx;
	const char *text = filter_unquoted(im, lsc_script(im, import_text(im, n)));
	const char *why = NULL;

	if (!text || text[0] != '(' || strchr(text, '{') || strstr(text, "\" +")) {
		import_miss(im, n,
			"a script, or a filter with place holders or without parentheses",
			FILTER_TODO);
		return;
	}
	text = filter_joined(im, text);
	if (!import_filter(im, text, &why)) {
		import_miss(im, n, why, FILTER_TODO);
		return;
	}
	draft_option(im, t->scope, "filter", text, n, NULL);
}

#define ONE_WHY  "entries are found by their immutable ids, not by a filter with place holders"
#define POLL_WHY "changes are followed by DirSync or uSNChanged"

static const struct import_rule source_rules[] = {
	{ .name = "name", .take = import_nothing },
	{ .name = "connection", .take = import_nothing },
	{ .name = "serverType", .take = import_nothing },        /* see ad_check */
	{ .name = "fetchedAttributes", .take = import_nothing }, /* the map says what is read */
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
	{ .name = "bypassOneEntry", .why = ONE_WHY },
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
	static const char *const signs[] = { "sAMAccountName", "objectCategory",
		"userPrincipalName", "objectGUID", "userAccountControl", "proxyAddresses",
		"objectClass=user)", "objectClass=group)", "1.2.840.113556." };
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
	import_miss(im, source,
		"nothing here shows that this is Active Directory, the only LDAP "
		"server that Lockstep reads",
		"for another: export LDIF and make the source type = \"ldif\", or write a "
		"connector, lockstep-connector(7)");
}

static void
bean_take(struct import *im, const xmlNode *n, void *ctx)
{
	(void)ctx;
	if (strcmp(import_text(im, n), "org.lsc.beans.SimpleBean") != 0)
		import_miss(
			im, n, "code of LSC; the order of values means nothing to Lockstep", NULL);
}

#define HOOK_WHY  "Lockstep runs no hooks"
#define HOOK_TODO "what it did has to be done elsewhere, from `lockstep history --json` say"
#define DST_WHY   "Lockstep writes to SCIM services"
#define DST_TODO  "fill in the target"
#define CODE_WHY  "code of one's own; expressions are Lua, with lockstep.conf(5)'s functions"
#define CODE_TODO "write what it does as map lines"

static const struct import_rule task_rules[] = {
	{ .name = "name", .take = import_nothing },
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
		free = arena_printf(im->arena, "%.50s-%ld-%d", title, xmlGetLineNo(task), i);
	return free;
}

/* One kind each; the other one is another task's. */
static void
task_make(struct import *im, struct lsc_task *t)
{
	const enum kind_id other = t->kind == KIND_USER ? KIND_GROUP : KIND_USER;
	const char *from = import_title(im, lsc_connection_name(im, t->source));
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
		import_nobody(
			im, t->scope, "TO BE FILLED IN: nobody, until base and filter are there");
	lsc_map_end(im, t);
}

/* The source that was made of the connection a task reads from; names may look alike as titles. */
static bool
is_read_here(struct import *im, const struct lsc_task *t)
{
	const char *name = lsc_connection_name(im, t->source);
	const xmlNode *c = name[0] ? lsc_connection_find(t->root, name) : NULL;
	const struct draft *d = draft_find(im->draft, "source", import_title(im, name));

	return c && d && d->line == (int)xmlGetLineNo(c) &&
	       strcmp(d->from, import_path(im, c)) == 0;
}

void
lsc_task_take(struct import *im, const xmlNode *n, void *root)
{
	struct lsc_task t = { .root = root,
		.node = n,
		.source = lsc_source_service(n),
		.target = import_child(n, "ldapDestinationService") };
	unsigned found;

	if (!t.source || !is_read_here(im, &t)) {
		import_miss(im, n, "it does not read from an LDAP connection of this file",
			"export what it reads as LDIF, or write a connector: "
			"lockstep-connector(7)");
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
