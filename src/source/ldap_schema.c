/* What was asked for, as the server's subschema (RFC 4512 4.2) knows it. */
#include "ldap_source.h"
#include "dir_cursor.h"
#include "ldif_schema.h"

#include <ldap_schema.h>
#include <string.h>

#define SUP_MAX 20 /* types above a type */
#define SYNTAX  "1.3.6.1.4.1.1466.115.121.1."

/* RFC 4517; what is not here is text. */
static const struct {
	const char *oid;
	enum dir_syntax syntax;
	bool uid;
} syntaxes[] = {
	{ SYNTAX "12", DIR_LINK, false }, /* DN */
	{ SYNTAX "34", DIR_LINK, true },  /* Name and Optional UID */
	{ SYNTAX "7", DIR_BOOL, false },
	{ SYNTAX "27", DIR_INT, false },
	{ SYNTAX "24", DIR_TIME, false },
	{ SYNTAX "5", DIR_BYTES, false },
	{ SYNTAX "8", DIR_BYTES, false },
	{ SYNTAX "28", DIR_BYTES, false },
	{ SYNTAX "40", DIR_BYTES, false },
};

/* Asked for by name, never brought by us: the engine finds them itself. */
static const char *const computed[] = { "memberOf", "distinguishedName", "primaryGroup", NULL };

/* What entries hang from: their DNs and moves are followed whoever is asked for (5.1). */
static const char *const containers[] = { "organizationalUnit", "organization", "domain",
	"dcObject", "country", "locality", "container", "nsContainer", NULL };

struct types {
	LDAPAttributeType **list;
	size_t count;
};

static const LDAPAttributeType *
type_find(const struct types *ts, const char *name)
{
	for (size_t i = 0; i < ts->count; i++) {
		char **names = ts->list[i]->at_names;
		if (ts->list[i]->at_oid && ascii_ieq(ts->list[i]->at_oid, name))
			return ts->list[i];
		for (size_t k = 0; names && names[k]; k++)
			if (ascii_ieq(names[k], name))
				return ts->list[i];
	}
	return NULL;
}

/* A type without a syntax has that of the type above it. */
static const char *
syntax_of(const struct types *ts, const LDAPAttributeType *at)
{
	for (int i = 0; at && i < SUP_MAX; i++) {
		if (at->at_syntax_oid)
			return at->at_syntax_oid;
		at = at->at_sup_oid ? type_find(ts, at->at_sup_oid) : NULL;
	}
	return "";
}

/*
 * The types of other directories that built-in rules and maps name are no mistake of whoever wrote the
 * configuration: no entry has them. Whether an attribute holds one value is said by the table where it has the
 * attribute: maps rely on mail, cn and sn being one value, whatever RFC 4519 allows.
 */
static bool
attr_keep(struct tree *t, const struct types *ts, const char *name)
{
	const struct ldif_attribute *known = ldif_attribute_find(name, strlen(name));
	const LDAPAttributeType *at = type_find(ts, name);
	struct tree_attr *a = &t->attrs[t->attr_count];
	if (!at && !known && !text_listed(computed, name))
		return false;
	*a = (struct tree_attr){ .name = arena_strdup(t->d.arena, name),
		.sent = at && !text_listed(computed, name),
		.multi = known ? known->multi : !at || !at->at_single_value };
	a->as = a->name;
	if (known)
		a->syntax = dir_syntax_of(known->syntax);
	if (text_listed(computed, name))
		a->syntax = DIR_LINK;
	if (at)
		a->syntax = DIR_STRING;
	const char *oid = at ? syntax_of(ts, at) : "";
	for (size_t i = 0; i < ARRAY_LEN(syntaxes); i++)
		if (strcmp(oid, syntaxes[i].oid) == 0) {
			a->syntax = syntaxes[i].syntax;
			a->uid = syntaxes[i].uid;
		}
	t->attr_count++;
	return true;
}

/* Members of both kinds of groups are members: who asks for `member` has those of groupOfUniqueNames, too. */
static void
unique_members_join(struct tree *t, const struct types *ts)
{
	bool member = false, unique = false;
	for (size_t i = 0; i < t->attr_count; i++) {
		member = member || ascii_ieq(t->attrs[i].name, "member");
		unique = unique || ascii_ieq(t->attrs[i].name, "uniqueMember");
	}
	if (member && !unique && type_find(ts, "uniqueMember") && attr_keep(t, ts, "uniqueMember"))
		t->attrs[t->attr_count - 1].as = "member";
}

static bool
unknown_report(struct tree *t, const struct types *ts, const char *name, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char **all = arena_alloc(a, (ts->count + 1) * sizeof(*all));
	size_t n = 0;
	for (size_t i = 0; i < ts->count; i++)
		if (ts->list[i]->at_names && ts->list[i]->at_names[0])
			all[n++] = ts->list[i]->at_names[0];
	all[n] = NULL;
	return dir_unknown_attribute(t->d.server, name, all, e);
}

static bool
settle(struct tree *t, const struct types *ts, const char *const *classes,
	const char *const *attributes, struct err *e)
{
	size_t n = 0;
	while (attributes[n])
		n++;
	t->attrs = arena_alloc(t->d.arena, (n + 2) * sizeof(*t->attrs));
	t->attr_count = 0;
	for (size_t i = 0; i < n; i++)
		if (!attr_keep(t, ts, attributes[i]))
			return unknown_report(t, ts, attributes[i], e);
	unique_members_join(t, ts);
	t->request = arena_alloc(t->d.arena, (t->attr_count + 2) * sizeof(*t->request));
	n = 0;
	t->request[n++] = "objectClass";
	for (size_t i = 0; i < t->attr_count; i++)
		if (t->attrs[i].sent && !ascii_ieq(t->attrs[i].name, "objectClass"))
			t->request[n++] = t->attrs[i].name;
	t->request[n] = NULL;
	/* a class that the server does not know matches nothing (RFC 4511 4.5.1.7) */
	t->filter = dir_class_filter(classes, containers, t->d.arena);
	return true;
}

bool
tree_schema_read(
	struct tree *t, const char *const *classes, const char *const *attributes, struct err *e)
{
	static const char *const names[] = { "attributeTypes", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	if (!t->subschema)
		return err_set(
			e, ERR_SIDE, "bad-answer", "%s does not name its schema", t->d.server);
	if (!dir_read_one(&t->d, t->subschema, names, NULL, "reading the schema", a, &v, e))
		return false;
	const struct attr *types = attrs_get(&v.attrs, "attributeTypes");
	if (!types)
		return err_set(e, ERR_CONFIG, "no-right",
			"the account cannot read the schema (%s); let it read cn=Subschema",
			t->subschema);
	struct types ts = { arena_alloc(a, types->count * sizeof(LDAPAttributeType *)), 0 };
	for (size_t i = 0; i < types->count; i++) {
		int code;
		const char *near;
		char *text = arena_strndup(a, types->values[i].p, types->values[i].n);
		LDAPAttributeType *at =
			ldap_str2attributetype(text, &code, &near, LDAP_SCHEMA_ALLOW_ALL);
		if (at)
			ts.list[ts.count++] = at;
	}
	bool ok = settle(t, &ts, classes, attributes, e);
	for (size_t i = 0; i < ts.count; i++)
		ldap_attributetype_free(ts.list[i]);
	if (ok)
		dir_request_digest(classes, attributes, t->d.digest);
	return ok;
}
