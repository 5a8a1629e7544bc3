#include "ad.h"
#include "dir_cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"

#define NOT_REPLICATED 1u /* systemFlags, MS-ADTS 2.2.10 */
#define CONSTRUCTED    4u
#define NAMES_MAX      1000

/* Attribute syntaxes, MS-ADTS 3.1.1.2.2.2; what is not here is text. */
static const struct {
	const char *oid;
	enum dir_syntax syntax;
} syntaxes[] = {
	{ "2.5.5.1", DIR_LINK },
	{ "2.5.5.8", DIR_BOOL },
	{ "2.5.5.9", DIR_INT },
	{ "2.5.5.10", DIR_BYTES },
	{ "2.5.5.11", DIR_TIME },
	{ "2.5.5.15", DIR_BYTES },
	{ "2.5.5.16", DIR_INT },
	{ "2.5.5.17", DIR_BYTES },
};

/* What entries hang from: their DNs and moves are followed whoever is asked for (5.1). */
static const char *const containers[] = { "organizationalUnit", "container", "domain",
	"builtinDomain", "lostAndFound", "organization", "country", "locality", NULL };

/* Read always, sent only when asked for; the ids of the entry itself stand in its extended DN. Each costs
 * the server time for every entry: so no more than needed, and whenCreated in deltas alone. */
static const char *const always[] = { "objectClass", "objectGUID", "parentGUID", "isDeleted",
	"primaryGroupID", NULL };
static const char *const naming[] = { "cn", "ou", "dc", "o", "c", "l", NULL };

/* Asked for by name, never brought by the server: the engine finds them itself. */
static const char *const computed[] = { "memberOf", "distinguishedName", NULL };

const struct ad_attr *
ad_attr_find(const struct ad *ad, struct str name)
{
	for (size_t i = 0; i < ad->attr_count; i++)
		if (ad_name_is(name, (struct str){ ad->attrs[i].name, ad->attrs[i].name_n }))
			return &ad->attrs[i];
	return NULL;
}

/* --- what the schema says --- */

struct look {
	const char **classes; /* found; NULL-ended */
	size_t class_count;
	const char *why_not; /* an attribute that cannot be followed */
};

static void
attribute_keep(struct ad *ad, const struct attrs *row, const char *name, struct look *look)
{
	struct str syntax = attrs_first(row, "attributeSyntax");
	struct str link = attrs_first(row, "linkID"), flags = attrs_first(row, "systemFlags");
	unsigned long system = flags.n ? strtoul(flags.p, NULL, 10) : 0;
	struct ad_attr *at = &ad->attrs[ad->attr_count++];
	*at = (struct ad_attr){ .name = arena_strdup(ad->d.arena, name),
		.syntax = DIR_STRING,
		.sent = true,
		.link_id = link.n ? (int)strtol(link.p, NULL, 10) : 0 };
	at->name_n = strlen(at->name);
	for (size_t i = 0; i < ARRAY_LEN(syntaxes); i++)
		if (str_eqc(syntax, syntaxes[i].oid))
			at->syntax = syntaxes[i].syntax;
	at->multi = !str_ieqc(attrs_first(row, "isSingleValued"), "TRUE");
	/* links that carry data besides the DN come as increments, for which there is no message */
	bool unseen = (system & (NOT_REPLICATED | CONSTRUCTED)) || at->link_id % 2 ||
		      (at->link_id && at->syntax != DIR_LINK);
	if (text_listed(computed, name))
		at->sent = false;
	else if (unseen && !text_listed(always, name))
		look->why_not = at->name;
}

static bool
row_keep(void *ctx, struct dir *dir, LDAPMessage *entry, struct err *e)
{
	struct ad *ad = ad_of(dir);
	struct look *look = ctx;
	CLEAN_ARENA struct arena *a = arena_new();
	static const char *const names[] = { "attributeSyntax", "linkID", "systemFlags",
		"isSingleValued", NULL };
	struct attrs row = attrs_new(a);
	struct str name = dir_value_first(&ad->d, entry, "lDAPDisplayName", a);
	const char *const *classes = dir_value_list(&ad->d, entry, "objectClass", a);
	(void)e;
	for (size_t i = 0; names[i]; i++) {
		struct str v = dir_value_first(&ad->d, entry, names[i], a);
		attrs_set(&row, names[i], &v, 1);
	}
	if (text_listed(classes, "attributeSchema") && ad->attr_count < NAMES_MAX &&
		!ad_attr_find(ad, name))
		attribute_keep(ad, &row, name.p, look);
	else if (text_listed(classes, "classSchema") && look->class_count < NAMES_MAX)
		look->classes[look->class_count++] = arena_strdup(ad->d.arena, name.p);
	return true;
}

static bool
name_sane(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
	return n > 0 && n < 200 && name[n] == '\0';
}

static bool
names_filter(const char *const *names, size_t *count, struct buf *filter, struct err *e)
{
	for (; *names; names++) {
		if (++*count > NAMES_MAX)
			return err_set(e, ERR_CONFIG, "bad-config",
				"more than %d attributes and classes", NAMES_MAX);
		if (name_sane(*names))
			buf_addf(filter, "(lDAPDisplayName=%s)", *names);
	}
	return true;
}

static bool
rows_read(struct ad *ad, const char *filter, dir_each each, void *ctx, struct err *e)
{
	static const char *const names[] = { "lDAPDisplayName", "objectClass", "attributeSyntax",
		"isSingleValued", "linkID", "systemFlags", NULL };
	const struct dir_search q = { .base = ad->schema_nc,
		.scope = LDAP_SCOPE_ONELEVEL,
		.filter = filter,
		.attributes = names,
		.doing = "reading the schema" };
	return dir_search(&ad->d, &q, each, ctx, NULL, NULL, e);
}

/* --- names that are not there --- */

/* "( 1.2.3 NAME 'cn' SYNTAX ..." to "cn"; NULL when it has none. */
static char *
type_name(const char *type, struct arena *a)
{
	const char *p = strstr(type, "NAME '");
	size_t n = p ? strcspn(p + 6, "'") : 0;
	return n ? arena_strndup(a, p + 6, n) : NULL;
}

/* Of all attributes; NULL = hidden from us. */
static const char *const *
names_all(struct ad *ad, struct arena *a)
{
	static const char *const names[] = { "attributeTypes", NULL };
	struct dir_values v;
	struct err e;
	if (!ad->subschema || !dir_read_one(&ad->d, ad->subschema, names, NULL,
				      "reading the subschema", a, &v, &e))
		return NULL;
	const struct attr *types = attrs_get(&v.attrs, "attributeTypes");
	size_t n = 0, count = types ? types->count : 0;
	const char **all = arena_alloc(a, (count + 1) * sizeof(*all));
	for (size_t i = 0; i < count; i++) {
		char *text = arena_strndup(a, types->values[i].p, types->values[i].n);
		if ((all[n] = type_name(text, a)))
			n++;
	}
	all[n] = NULL;
	return all;
}

/*
 * What other directories keep and built-in rules (`enabled`, `locked`) therefore ask every source for: here
 * it is userAccountControl and lockoutTime, and these names are no mistake of whoever wrote the configuration.
 */
static const char *const elsewhere[] = { "nsAccountLock", "pwdAccountLockedTime", NULL };

static bool
attributes_settle(
	struct ad *ad, const char *const *attributes, const struct look *look, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	if (look->why_not)
		return err_set(e, ERR_CONFIG, "unfollowed-attribute",
			"attribute '%s' is computed, or kept by each domain controller for itself: "
			"no change of it is "
			"ever reported, so it cannot be used",
			look->why_not);
	for (; *attributes; attributes++)
		if (!ad_attr_find(ad, str_c(*attributes))) {
			if (text_listed(elsewhere, *attributes))
				continue;
			if (!ascii_ieq(*attributes, "primaryGroup"))
				return dir_unknown_attribute(
					ad->default_nc, *attributes, names_all(ad, a), e);
			/* not of the schema, but of the protocol: made of primaryGroupID */
			ad->attrs[ad->attr_count++] = (struct ad_attr){ .name = "primaryGroup",
				.name_n = strlen("primaryGroup"),
				.syntax = DIR_LINK };
		}
	return true;
}

/* --- back links --- */

static bool
back_keep(void *ctx, struct dir *dir, LDAPMessage *entry, struct err *e)
{
	struct ad *ad = ad_of(dir);
	CLEAN_ARENA struct arena *a = arena_new();
	int id = (int)strtol(dir_value_first(&ad->d, entry, "linkID", a).p, NULL, 10);
	struct str name = dir_value_first(&ad->d, entry, "lDAPDisplayName", a);
	(void)ctx, (void)e;
	for (size_t i = 0; i < ad->attr_count; i++)
		if (ad->attrs[i].link_id && ad->attrs[i].link_id + 1 == id)
			ad->attrs[i].back = arena_strdup(ad->d.arena, name.p);
	return true;
}

static bool
backs_read(struct ad *ad, struct err *e)
{
	CLEAN_BUF struct buf filter = { 0 };
	size_t n = 0;
	buf_adds(&filter, "(|");
	for (size_t i = 0; i < ad->attr_count; i++)
		if (ad->attrs[i].sent && ad->attrs[i].link_id && ++n)
			buf_addf(&filter, "(linkID=%d)", ad->attrs[i].link_id + 1);
	buf_adds(&filter, ")");
	return n == 0 || rows_read(ad, buf_cstr(&filter), back_keep, NULL, e);
}

/* --- the request --- */

static const char **
request_make(struct ad *ad, const char *more)
{
	size_t n = 0;
	bool named = false;
	const char **list =
		arena_alloc(ad->d.arena, (ad->attr_count + ARRAY_LEN(always) + 3) * sizeof(*list));
	for (size_t i = 0; always[i]; i++)
		list[n++] = always[i];
	for (size_t i = 0; i < ad->attr_count; i++) {
		named = named || text_listed(naming, ad->attrs[i].name);
		if (ad->attrs[i].sent && !text_listed(always, ad->attrs[i].name))
			list[n++] = ad->attrs[i].name;
	}
	if (named && !ad_attr_find(ad, STR("name")))
		list[n++] =
			"name"; /* the value of the naming attribute, which DirSync leaves out */
	if (more && !ad_attr_find(ad, str_c(more)))
		list[n++] = more;
	return list;
}

static bool
filter_make(struct ad *ad, const char *const *classes, const struct look *look, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	size_t n = 0;
	while (classes[n])
		n++;
	const char **known = arena_alloc(a, (n + 1) * sizeof(*known));
	n = 0;
	for (size_t i = 0; classes[i]; i++)
		if (text_listed(look->classes, classes[i]))
			known[n++] = classes[i];
	if (!n && classes[0])
		return err_set(e, ERR_CONFIG, "unknown-class",
			"the schema of %s knows none of the classes asked for ('%s', ...)",
			ad->default_nc, classes[0]);
	ad->filter = dir_class_filter(known, containers, ad->d.arena);
	return true;
}

bool
ad_schema_read(
	struct ad *ad, const char *const *classes, const char *const *attributes, struct err *e)
{
	CLEAN_BUF struct buf filter = { 0 };
	size_t count = 0;
	struct look look = { .classes = arena_alloc(
				     ad->d.arena, (NAMES_MAX + 1) * sizeof(*look.classes)) };
	ad->attrs = arena_alloc(ad->d.arena, (2 * NAMES_MAX) * sizeof(*ad->attrs));
	ad->attr_count = 0;
	buf_adds(&filter, "(|(lDAPDisplayName=objectClass)");
	if (!names_filter(classes, &count, &filter, e) ||
		!names_filter(attributes, &count, &filter, e))
		return false;
	buf_adds(&filter, ")");
	dir_request_digest(classes, attributes, ad->d.digest);
	if (!rows_read(ad, buf_cstr(&filter), row_keep, &look, e) ||
		!attributes_settle(ad, attributes, &look, e) || !backs_read(ad, e) ||
		!filter_make(ad, classes, &look, e))
		return false;
	ad->request = request_make(ad, NULL);
	ad->request_delta = request_make(ad, "whenCreated");
	ad->request_usn = request_make(ad, "lastKnownParent");
	return true;
}
