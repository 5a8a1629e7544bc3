/* LSC's synchronization rules: conditions, and datasets as map lines where they copy an attribute. */
#include <string.h>

#include "conf/conf.h"
#include "import_lsc.h"

/* What an attribute of an LDAP destination is in a SCIM service. The names are those of the sources, too. */
static const struct lsc_name {
	const char *ldap;
	enum kind_id kind;
	const char *ours;
} lsc_names[] = {
	{ "displayName", KIND_USER, "displayName" },
	{ "givenName", KIND_USER, "name.givenName" },
	{ "sn", KIND_USER, "name.familyName" },
	{ "mail", KIND_USER, "emails.work" },
	{ "title", KIND_USER, "title" },
	{ "telephoneNumber", KIND_USER, "phoneNumbers.work" },
	{ "mobile", KIND_USER, "phoneNumbers.mobile" },
	{ "facsimileTelephoneNumber", KIND_USER, "phoneNumbers.fax" },
	{ "homePhone", KIND_USER, "phoneNumbers.home" },
	{ "pager", KIND_USER, "phoneNumbers.pager" },
	{ "streetAddress", KIND_USER, "addresses.work.streetAddress" },
	{ "street", KIND_USER, "addresses.work.streetAddress" },
	{ "l", KIND_USER, "addresses.work.locality" },
	{ "st", KIND_USER, "addresses.work.region" },
	{ "postalCode", KIND_USER, "addresses.work.postalCode" },
	{ "c", KIND_USER, "addresses.work.country" },
	{ "department", KIND_USER, "department" },
	{ "company", KIND_USER, "organization" },
	{ "o", KIND_USER, "organization" },
	{ "employeeNumber", KIND_USER, "employeeNumber" },
	{ "employeeID", KIND_USER, "employeeNumber" },
	{ "preferredLanguage", KIND_USER, "preferredLanguage" },
	{ "manager", KIND_USER, "manager" },
	{ "cn", KIND_GROUP, "displayName" },
	{ "displayName", KIND_GROUP, "displayName" },
	{ "mail", KIND_GROUP, "mail" },
	{ "member", KIND_GROUP, "members" },
};

/* Attributes that are something else here, whatever is done with them there. */
static const struct lsc_other {
	const char *ldap, *why, *todo;
} others[] = {
	{ "objectClass", "the kind says what an object is", NULL },
	{ "userPassword", "passwords are not synchronized", NULL },
	{ "unicodePwd", "passwords are not synchronized", NULL },
	{ "userAccountControl", "`active` follows the account: active = 'enabled' is the default",
		NULL },
	{ "cn", "displayName falls back to it, by default, where there is none", NULL },
	{ "uid", "the name people sign in with is userName, 'mail or userPrincipalName' by default",
		"if it is this one: map { userName = 'sAMAccountName' }, say" },
	{ "sAMAccountName",
		"the name people sign in with is userName, 'mail or userPrincipalName' by default",
		"if it is this one: map { userName = 'sAMAccountName' }" },
	{ "uniqueMember", "members follow the directory's links: members = 'member' is the default",
		NULL },
	{ "memberUid", "members follow the directory's links: members = 'member' is the default",
		NULL },
};

static const struct lsc_name *
name_find(enum kind_id kind, const char *ldap)
{
	for (size_t i = 0; i < ARRAY_LEN(lsc_names); i++)
		if (lsc_names[i].kind == kind && ascii_ieq(lsc_names[i].ldap, ldap))
			return &lsc_names[i];
	return NULL;
}

static const struct lsc_other *
other_find(const char *ldap)
{
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (ascii_ieq(others[i].ldap, ldap))
			return &others[i];
	return NULL;
}

/* --- expressions --- */

static bool
is_attribute(const char *s, size_t n)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

	return n > 0 && n <= 64 && !strchr("0123456789-", s[0]) && strspn(s, good) >= n;
}

/* Bare where the name cannot be one of our functions, or of Lua's words. */
static const char *
attribute_expr(struct import *im, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(lsc_names); i++)
		if (ascii_ieq(lsc_names[i].ldap, name))
			return name;
	return arena_printf(im->arena, "attr[\"%s\"]", name);
}

/* The attribute that a script copies and nothing else: srcBean.getDatasetFirstValueById("mail"). NULL = none. */
static const char *
copied_attribute(struct import *im, const char *script)
{
	static const char *const calls[] = { "getDatasetFirstValueById", "getDatasetValuesById",
		"getAttributeFirstValueById", "getAttributeValuesById" };
	const char *p = script + strlen("srcBean."), *end;
	size_t n = 0;

	if (strncmp(script, "srcBean.", strlen("srcBean.")) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(calls) && !n; i++)
		if (strncmp(p, calls[i], strlen(calls[i])) == 0)
			n = strlen(calls[i]);
	p += n;
	p += strspn(p, " \t");
	if (!n || *p++ != '(')
		return NULL;
	p += strspn(p, " \t");
	if (*p != '"' && *p != '\'')
		return NULL;
	end = strchr(p + 1, *p);
	if (!end || !is_attribute(p + 1, (size_t)(end - p - 1)))
		return NULL;
	n = (size_t)(end - p - 1);
	end += 1 + strspn(end + 1, " \t");
	return strcmp(end, ")") == 0 ? arena_strndup(im->arena, p + 1, n) : NULL;
}

/* A text and nothing else, as Lua writes it; NULL = it is more. */
static const char *
constant(struct import *im, const char *script)
{
	size_t n = strlen(script);

	if (n < 3 || n > 200 || (script[0] != '"' && script[0] != '\'') ||
		script[n - 1] != script[0])
		return NULL;
	for (size_t i = 1; i + 1 < n; i++)
		if (script[i] == script[0] || strchr("\"\\", script[i]) ||
			(unsigned char)script[i] < 0x20)
			return NULL;
	return arena_printf(im->arena, "\"%.*s\"", (int)(n - 2), script + 1);
}

/* --- datasets --- */

static void
values_miss(struct import *im, const xmlNode *dataset)
{
	const xmlNode *n;

	n = import_child(dataset, "createValues");
	if (n)
		import_miss(im, n,
			"values for new objects alone: a map holds for all of an object's life",
			NULL);
	n = import_child(dataset, "defaultValues");
	if (n)
		import_miss(im, n, "values for what is empty at the destination",
			"where the directory has none: title = 'title or \"Staff\"', for instance");
	n = import_child(dataset, "delimiter");
	if (n)
		import_miss(im, n, "values are lists here, not texts to be cut",
			"Split(x, \";\") makes a list of a text");
}

/* The expression of a dataset, or NULL and why not. */
static const char *
dataset_expr(struct import *im, const xmlNode *n, const char *name, bool link, const char **why)
{
	const xmlNode *force = import_child(n, "forceValues");
	const xmlNode *value = force ? import_child(force, "string") : NULL;
	const char *script, *copied;

	if (!force)
		return attribute_expr(im, name);
	*why = "several values, or none";
	if (!value || import_next(value, "string"))
		return NULL;
	script = lsc_script(im, import_text(im, value));
	copied = copied_attribute(im, script);
	*why = "a script that does more than copy an attribute";
	if (link)
		return copied && ascii_ieq(copied, name) ? name : NULL;
	return copied ? attribute_expr(im, copied) : constant(im, script);
}

static void
dataset_map(struct import *im, struct lsc_task *t, const xmlNode *n, const struct lsc_name *name)
{
	const bool link = strcmp(name->ours, "manager") == 0 || strcmp(name->ours, "members") == 0;
	const char *why = NULL, *expr = dataset_expr(im, n, name->ldap, link, &why);

	if (!expr)
		import_miss(im, n, why,
			arena_printf(im->arena,
				"write %s = '...' in %s { map {} }; until then its default holds",
				name->ours, kinds[t->kind].name));
	else if (draft_find(t->map, name->ours, NULL))
		import_miss(im, n,
			arena_printf(im->arena, "%s has a line of another dataset", name->ours),
			"say which of them it shall be");
	else
		draft_option(im, t->map, name->ours, expr, n, NULL);
}

static void
dataset_take(struct import *im, const xmlNode *n, void *ctx)
{
	struct lsc_task *t = ctx;
	const char *ldap = import_child_text(im, n, "name");
	const char *policy = import_child_text(im, n, "policy");
	const struct lsc_other *other = other_find(ldap);
	const struct lsc_name *name = t->target ? name_find(t->kind, ldap) : NULL;

	if (!policy[0])
		policy = t->policy;
	if (other && !name) {
		import_miss(im, n, other->why, other->todo);
		return;
	}
	if (!name) {
		import_miss(im, n, "an attribute that is not known to be one of a SCIM service's",
			"see ATTRIBUTES in lockstep.conf(5); if one fits, write its map line");
		return;
	}
	if (ascii_ieq(policy, "KEEP")) {
		import_miss(im, n,
			"KEEP sets new objects alone: a map holds for all of an object's life",
			arena_printf(im->arena, "%s = '' leaves that attribute alone", name->ours));
		return;
	}
	if (ascii_ieq(policy, "MERGE"))
		import_miss(im, n,
			"MERGE never takes a value away: Lockstep takes away those that it "
			"put there, and no others",
			NULL);
	values_miss(im, n);
	dataset_map(im, t, n, name);
}

/* --- conditions --- */

static bool
condition_is(struct import *im, const xmlNode *n, const char *word)
{
	return ascii_ieq(lsc_script(im, import_text(im, n)), word);
}

static void
delete_take(struct import *im, const xmlNode *n, void *ctx)
{
	struct lsc_task *t = ctx;

	if (condition_is(im, n, "false"))
		draft_option(im, t->of_kind, "leave", "keep", n, NULL);
	else if (condition_is(im, n, "true") && t->kind == KIND_GROUP)
		draft_option(im, t->of_kind, "leave", "delete", n, NULL);
	else
		import_miss(im, n,
			"leavers are disabled (users) or deleted (groups), never by a script",
			"if users shall be deleted: leave = \"delete\", or \"grace\"");
}

static void
create_take(struct import *im, const xmlNode *n, void *ctx)
{
	(void)ctx;
	if (!condition_is(im, n, "true"))
		import_miss(im, n, "who is in scope is created",
			"narrow the scope with `filter` or `when`");
}

static void
update_take(struct import *im, const xmlNode *n, void *ctx)
{
	(void)ctx;
	if (!condition_is(im, n, "true"))
		import_miss(im, n, "what is mapped is kept in lockstep, always",
			"map no more than that; X = '' leaves an attribute alone");
}

static void
change_id_take(struct import *im, const xmlNode *n, void *ctx)
{
	(void)ctx;
	if (!condition_is(im, n, "true"))
		import_miss(
			im, n, "names are attributes like others: they follow the directory", NULL);
}

static const struct import_rule conditions_rules[] = {
	{ .name = "create", .take = create_take },
	{ .name = "update", .take = update_take },
	{ .name = "delete", .take = delete_take },
	{ .name = "changeId", .take = change_id_take },
	{ 0 },
};

static void
conditions_take(struct import *im, const xmlNode *n, void *ctx)
{
	import_walk(im, n, conditions_rules, ctx);
}

static void
policy_take(struct import *im, const xmlNode *n, void *ctx)
{
	struct lsc_task *t = ctx;

	t->policy = import_text(im, n);
}

static const struct import_rule options_rules[] = {
	{ .name = "defaultPolicy", .take = policy_take },
	{ .name = "mainIdentifier",
		.why = "a DN at the destination; SCIM services name objects "
		       "themselves" },
	{ .name = "defaultDelimiter", .why = "values are lists here, not texts to be cut" },
	{ .name = "pivotTransformation",
		.why = "objects are tied by the directory's immutable id" },
	{ .name = "hooks",
		.why = "Lockstep runs no hooks",
		.todo = "what they did has to be done elsewhere, from `lockstep history --json` "
			"say" },
	{ .name = "conditions", .take = conditions_take },
	{ .name = "dataset", .take = dataset_take },
	{ 0 },
};

void
lsc_options_take(struct import *im, const xmlNode *n, void *task)
{
	struct lsc_task *t = task;

	t->policy = import_child_text(im, n, "defaultPolicy");
	import_walk(im, n, options_rules, t);
}

/* --- what no dataset says --- */

static const xmlNode *
dataset_find(const struct lsc_task *t, const char *ldap)
{
	const xmlNode *o = import_child(t->node, "propertiesBasedSyncOptions");
	const xmlNode *n = o ? import_child(o, "dataset") : NULL;

	while (n && !(import_child(n, "name") && import_says(import_child(n, "name"), ldap)))
		n = import_next(n, "dataset");
	return n;
}

static const xmlNode *
fetched_find(const xmlNode *service, const char *ldap)
{
	const xmlNode *all = import_child(service, "fetchedAttributes");
	const xmlNode *n = all ? import_child(all, "string") : NULL;

	while (n && !import_says(n, ldap))
		n = import_next(n, "string");
	return n;
}

static void
copied_miss(struct import *im, const xmlNode *n, const char *ldap)
{
	const struct lsc_other *other = other_find(ldap);

	import_miss(im, n,
		arena_printf(im->arena, "%s: %s", ldap,
			other ? other->why : "not known to be an attribute of a SCIM service"),
		other ? other->todo
		      : "see ATTRIBUTES in lockstep.conf(5); if one fits, write its map line");
}

/* What both sides fetch and no dataset names is copied by LSC. */
static void
copied_take(struct import *im, struct lsc_task *t, const xmlNode *n)
{
	const char *ldap = import_text(im, n);
	const struct lsc_name *name = name_find(t->kind, ldap);

	if (strcmp(ldap, "*") == 0) {
		import_miss(im, n, "every attribute: Lockstep sends what its map names",
			"see ATTRIBUTES in lockstep.conf(5), and write the map lines");
		return;
	}
	if (dataset_find(t, ldap) || !fetched_find(t->source, ldap))
		return;
	if (name && !draft_find(t->map, name->ours, NULL))
		draft_option(im, t->map, name->ours, attribute_expr(im, name->ldap), n, NULL);
	else if (!name && is_attribute(ldap, strlen(ldap)))
		copied_miss(im, n, ldap);
}

/* Whether LSC does anything with it, in a way that could be imported or not. */
static bool
is_touched(const struct lsc_task *t, const char *ours)
{
	for (size_t i = 0; i < ARRAY_LEN(lsc_names); i++)
		if (lsc_names[i].kind == t->kind && strcmp(lsc_names[i].ours, ours) == 0 &&
			dataset_find(t, lsc_names[i].ldap))
			return true;
	return false;
}

void
lsc_map_end(struct import *im, struct lsc_task *t)
{
	static const char *const needed[] = { "userName", "displayName", "active", "members" };
	const xmlNode *all = t->target ? import_child(t->target, "fetchedAttributes") : NULL;

	if (!t->target) /* then the names are those of something else */
		return;
	for (const xmlNode *n = all ? import_child(all, "string") : NULL; n && !im->full;
		n = import_next(n, "string"))
		copied_take(im, t, n);
	/* No more goes out than before: what is here by default and was not there is left alone. */
	for (const struct conf_default *d = conf_default_maps(CONF_DEFAULT_MAP, t->kind); d->name;
		d++) {
		bool keep = draft_find(t->map, d->name, NULL) || is_touched(t, d->name);

		for (size_t i = 0; i < ARRAY_LEN(needed); i++)
			keep |= strcmp(needed[i], d->name) == 0;
		if (!keep)
			draft_option(im, t->map, d->name, "", NULL,
				arena_printf(im->arena,
					"LSC does not write it; the default is '%s'", d->expr));
	}
}
