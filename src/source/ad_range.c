#include "ad.h"
#include "ad_value.h"

#include <string.h>

#define RESTARTS_MAX 5
#define PARTS_MAX    100000

/* A position in an attribute says nothing once the attribute changed: then we begin anew. */
struct parts {
	const char *id;
	const struct ad_attr *attr;
	size_t from;  /* next value wanted */
	char usn[24]; /* the entry's uSNChanged when we began */
	bool seen, changed, last, bad;
};

static bool
ends_send(struct ad *ad, const struct parts *p, const struct attr *values, const char *mode,
	struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	size_t n = values ? values->count : 0;
	struct serve_link *ends = arena_alloc(a, (n + 1) * sizeof(*ends));
	for (size_t i = 0; i < n; i++)
		if (!ad_link_read(a, values->values[i], &ends[i], e))
			return false;
	return serve_links(ad->d.serve, p->id, NULL, p->attr->name, mode, ends, n, e);
}

/* The attribute among those of the answer, whatever range the server chose. */
static const struct attr *
part_find(const struct attrs *as, const struct ad_attr *attr, struct ad_name *name_r)
{
	for (size_t i = 0; i < as->count; i++)
		if (ad_name_parse(str_c(as->list[i].name), false, name_r) &&
			str_ieqc(name_r->name, attr->name) && as->list[i].count)
			return &as->list[i];
	return NULL;
}

static bool
part_read(struct ad *ad, struct parts *p, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *base = arena_printf(a, "<GUID=%s>", p->id);
	const char *names[] = { arena_printf(a, "%s;range=%zu-*", p->attr->name, p->from),
		"uSNChanged", NULL };
	LDAPControl *controls[] = { ad_control_extended_dn(), NULL };
	struct dir_values v;
	struct ad_name name;
	serve_progress(ad->d.serve, ad->d.done, 0, "reading groups");
	if (!dir_read_one(&ad->d, base, names, controls, "reading a group by ranges", a, &v, e))
		return false;
	struct str usn = attrs_first(&v.attrs, "uSNChanged");
	const struct attr *values = v.found ? part_find(&v.attrs, p->attr, &name) : NULL;
	p->changed = p->seen && !str_eqc(usn, p->usn);
	if (p->changed)
		return true;
	if (!p->seen && usn.n < sizeof(p->usn))
		memcpy(p->usn, usn.p, usn.n);
	/* nothing there: past the end, or the entry is gone, which the next delta says */
	p->last = !values || name.range == AD_RANGE_NONE || name.last;
	p->bad = values && name.range == AD_RANGE_PART && name.from != p->from;
	if (p->bad || (!values && p->seen))
		return true;
	bool ok = ends_send(ad, p, values, p->seen ? "add" : "set", e);
	p->seen = true;
	p->from += values ? values->count : 0;
	return ok;
}

bool
ad_range_send(struct ad *ad, const char *id, const struct ad_attr *attr, struct err *e)
{
	for (int start = 0; start < RESTARTS_MAX; start++) {
		struct parts p = { .id = id, .attr = attr };
		for (int i = 0; i < PARTS_MAX && !p.last && !p.changed && !p.bad; i++)
			if (!part_read(ad, &p, e)) {
				if (e->kind != ERR_OBJECT)
					return false;
				return serve_bad(ad->d.serve, id, NULL, attr->name, e->text, e);
			}
		if (p.last && !p.bad)
			return true;
		if (p.bad)
			break;
	}
	return serve_bad(ad->d.serve, id, NULL, attr->name,
		"its values could not be read to the end: they changed again and again meanwhile",
		e);
}

/* Owners of one link attribute that point to the object. */
static bool
owners_send(struct ad *ad, const char *id, const struct ad_attr *attr, const struct attr *owners,
	struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const struct serve_link self = { .id = id };
	struct serve_link owner;
	for (size_t i = 0; owners && i < owners->count; i++)
		if (!ad_link_read(a, owners->values[i], &owner, e) ||
			!serve_links(ad->d.serve, owner.id, owner.id ? NULL : owner.dn, attr->name,
				"add", &self, 1, e))
			return false;
	return true;
}

bool
ad_restored_send(struct ad *ad, const char *id, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	LDAPControl *controls[] = { ad_control_extended_dn(), NULL };
	const char **names = arena_alloc(a, (ad->attr_count + 1) * sizeof(*names));
	struct dir_values v;
	size_t n = 0;
	for (size_t i = 0; i < ad->attr_count; i++)
		if (ad->attrs[i].back)
			names[n++] = ad->attrs[i].back;
	if (n == 0)
		return true;
	if (!dir_read_one(&ad->d, arena_printf(a, "<GUID=%s>", id), names, controls,
		    "reading a restored object", a, &v, e))
		return false;
	for (size_t i = 0; i < ad->attr_count && v.found; i++)
		if (ad->attrs[i].back && !owners_send(ad, id, &ad->attrs[i],
						 attrs_get(&v.attrs, ad->attrs[i].back), e))
			return false;
	return true;
}
