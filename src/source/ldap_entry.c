/* What an entry becomes: one `full` and its links. */
#include "ldap_source.h"
#include "ldap_value.h"

#include <string.h>
#include "model/dn.h"

struct links {
	const char *attribute;
	struct serve_link *ends;
	size_t count;
};

struct reading {
	struct tree *t;
	struct arena *a;
	const char *id;
	struct attrs attrs;
	struct links *links; /* one for each attribute of the request at most */
	size_t link_count;
};

/* "userCertificate;binary" is userCertificate; what has a language is another attribute, which nobody asked for. */
static const struct tree_attr *
attr_find(const struct tree *t, struct str description)
{
	static const struct tree_attr object_class = { .name = "objectClass", .sent = true };
	const char *semi = description.n ? memchr(description.p, ';', description.n) : NULL;
	struct str name = description;
	if (semi) {
		name.n = (size_t)(semi - description.p);
		if (!str_ieqc((struct str){ semi, description.n - name.n }, ";binary"))
			return NULL;
	}
	for (size_t i = 0; i < t->attr_count; i++)
		if (t->attrs[i].sent && str_ieqc(name, t->attrs[i].name))
			return &t->attrs[i];
	return str_ieqc(name, "objectClass") ? &object_class : NULL;
}

static bool
held_back(struct reading *r, const char *attribute, const char *why, struct err *e)
{
	return serve_bad(r->t->d.serve, r->id, NULL, attribute, why, e);
}

static bool
dn_usable(struct str v)
{
	return v.n && v.n <= DN_LENGTH_MAX && !memchr(v.p, '\0', v.n) && utf8_valid(v.p, v.n);
}

static struct links *
links_of(struct reading *r, const char *attribute)
{
	for (size_t i = 0; i < r->link_count; i++)
		if (strcmp(r->links[i].attribute, attribute) == 0)
			return &r->links[i];
	r->links[r->link_count] = (struct links){ .attribute = attribute };
	return &r->links[r->link_count++];
}

static bool
links_keep(struct reading *r, const struct tree_attr *at, const struct berval *values, size_t count,
	struct err *e)
{
	struct links *l = links_of(r, at->as);
	struct serve_link *ends = arena_alloc(r->a, (l->count + count + 1) * sizeof(*ends));
	if (l->count)
		memcpy(ends, l->ends, l->count * sizeof(*ends));
	l->ends = ends;
	for (size_t i = 0; i < count; i++) {
		struct str v = { values[i].bv_val, values[i].bv_len };
		v = at->uid ? unique_name_dn(v) : v;
		/* groups that may not be empty hold one empty name (RFC 4519 asks for one member) */
		if (!v.n)
			continue;
		if (!dn_usable(v))
			return held_back(r, at->as, "a value is no distinguished name", e);
		l->ends[l->count++] = (struct serve_link){ .dn = arena_strndup(r->a, v.p, v.n) };
	}
	return true;
}

static bool
values_keep(struct reading *r, const struct tree_attr *at, const struct berval *values,
	size_t count, struct err *e)
{
	return count == 0 || dir_values_take(&r->attrs, at->name, values, count) ||
	       held_back(r, at->name, DIR_VALUES_TOO_LARGE, e);
}

static bool
attribute_keep(
	void *ctx, struct str description, const struct berval *values, size_t count, struct err *e)
{
	struct reading *r = ctx;
	const struct tree_attr *at = attr_find(r->t, description);
	if (!at)
		return true;
	return at->syntax == DIR_LINK ? links_keep(r, at, values, count, e)
				      : values_keep(r, at, values, count, e);
}

bool
tree_entry_send(struct tree *t, LDAPMessage *entry, const char *id, struct err *e)
{
	struct reading r = { .t = t, .a = t->d.scratch, .id = id };
	struct serve *s = t->d.serve;
	struct str dn;
	struct err own;
	arena_reset(t->d.scratch);
	r.attrs = attrs_new(r.a);
	r.links = arena_alloc(r.a, (t->attr_count + 1) * sizeof(*r.links));
	t->d.done++;
	if (!dir_entry_dn(&t->d, entry, &dn, e) ||
		!dir_attributes_each(&t->d, entry, attribute_keep, &r, e))
		return false;
	if (!dn_usable(dn))
		return held_back(&r, NULL, "its DN cannot be used", e);
	if (!serve_entry(s, id, arena_strndup(r.a, dn.p, dn.n), NULL, NULL, true, &r.attrs, &own)) {
		if (own.kind == ERR_OBJECT)
			return held_back(&r, NULL, own.text, e);
		*e = own;
		return false;
	}
	for (size_t i = 0; i < r.link_count; i++)
		if (r.links[i].count && !serve_links(s, id, NULL, r.links[i].attribute, "set",
						r.links[i].ends, r.links[i].count, e))
			return false;
	return true;
}
