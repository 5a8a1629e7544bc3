/*
 * What an LDAP entry becomes. Readings that meet here: DirSync from the beginning (AD_FULL), DirSync
 * from a cookie (AD_DELTA), entries by an ordinary search (AD_FETCH), and those among them that changed
 * (AD_CHANGED). The traps, in order of appearance:
 * - the DN and DN values are extended ones; ids come from there;
 * - a full DirSync brings a large group in several entries: the first has objectClass, the others only
 *   links; they must not wipe out the first;
 * - a delta brings new entries whole (they have whenCreated, which never changes);
 * - a restored object comes with an empty isDeleted and little else; what pointed to it before its
 *   deletion does so no longer, or does again without being reported. An ordinary search does not tell: there
 *   lastKnownParent, which stays with whatever was deleted once, makes us look.
 */
#include "ad.h"
#include "ad_value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "model/dn.h"

struct links { /* one line's worth of one link attribute */
	const struct ad_attr *attr;
	const char *mode;
	struct serve_link *ends;
	size_t count;
};

struct reading {
	struct ad *ad;
	enum ad_mode mode;
	struct arena *a;
	char id[37], parent[37];
	const char *dn, *sid;
	bool deleted, restored, deleted_once, has_class, created;
	bool full;                /* everything is here; else only what changed */
	struct str primary_group; /* its RID; p NULL = not said */
	struct str name;          /* of the RDN; p NULL = not said */
	struct attrs attrs;
	struct links *links;
	size_t link_count, link_cap;
	struct ad_todo *todo;
};

void
ad_todo_free(struct ad_todo *t)
{
	free(t->parts);
	free(t->restored);
	*t = (struct ad_todo){ .part_count = 0 };
}

static void
todo_part(struct ad_todo *t, const char *id, const struct ad_attr *attr)
{
	for (size_t i = 0; i < t->part_count; i++)
		if (t->parts[i].attr == attr && strcmp(t->parts[i].id, id) == 0)
			return;
	t->parts = xrealloc(t->parts, (t->part_count + 1) * sizeof(*t->parts));
	memcpy(t->parts[t->part_count].id, id, 37);
	t->parts[t->part_count++].attr = attr;
}

static void
todo_restored(struct ad_todo *t, const char *id)
{
	t->restored = xrealloc(t->restored, (t->restored_count + 1) * sizeof(*t->restored));
	memcpy(t->restored[t->restored_count++], id, 37);
}

static bool
held_back(struct reading *r, const char *attribute, const char *why, struct err *e)
{
	return serve_bad(r->ad->d.serve, r->id[0] ? r->id : NULL, r->id[0] ? NULL : r->dn,
		attribute, why, e);
}

/* --- taking apart --- */

static struct links *
links_new(struct reading *r, const struct ad_attr *attr, const char *mode, size_t count)
{
	if (r->link_count == r->link_cap) {
		struct links *old = r->links;
		r->link_cap = r->link_cap ? 2 * r->link_cap : 8;
		r->links = arena_alloc(r->a, r->link_cap * sizeof(*r->links));
		if (old)
			memcpy(r->links, old, r->link_count * sizeof(*old));
	}
	struct links *l = &r->links[r->link_count++];
	*l = (struct links){ attr, mode, arena_alloc(r->a, (count + 1) * sizeof(*l->ends)), 0 };
	return l;
}

bool
ad_link_read(struct arena *a, struct str value, struct serve_link *l_r, struct err *e)
{
	struct ad_dn *dn = arena_alloc(a, sizeof(*dn));
	if (!ad_dn_parse(value, a, dn, e))
		return false;
	/* one identity, the best there is: the other end by id, else by SID, else by name */
	*l_r = (struct serve_link){ .id = dn->guid[0] ? dn->guid : NULL };
	if (!l_r->id)
		l_r->sid = dn->sid;
	if (!l_r->id && !l_r->sid)
		l_r->dn = dn->dn;
	return true;
}

static bool
links_keep(struct reading *r, const struct ad_attr *attr, const struct ad_name *name,
	const struct berval *values, size_t count, struct err *e)
{
	struct err bad;
	if (name->range == AD_RANGE_PART) {
		todo_part(r->todo, r->id, attr);
		return true;
	}
	struct links *l = links_new(r, attr,
		name->range == AD_RANGE_REMOVED ? "remove"
		: name->range == AD_RANGE_ADDED ? "add"
						: "set",
		count);
	for (size_t i = 0; i < count; i++)
		if (!ad_link_read(r->a, (struct str){ values[i].bv_val, values[i].bv_len },
			    &l->ends[l->count++], &bad)) {
			r->link_count--;
			return held_back(r, attr->name, bad.text, e);
		}
	return true;
}

static bool
values_keep(struct reading *r, const struct ad_attr *attr, const struct berval *values,
	size_t count, struct err *e)
{
	return dir_values_take(&r->attrs, attr->name, values, count) ||
	       held_back(r, attr->name, DIR_VALUES_TOO_LARGE, e);
}

static struct str
first(const struct berval *values, size_t count)
{
	return count ? (struct str){ values[0].bv_val, values[0].bv_len } : STR("");
}

/* Attributes that say something about the entry itself, whether asked for or not. */
enum special {
	S_ID,
	S_PARENT,
	S_SID,
	S_DELETED,
	S_CLASS,
	S_CREATED,
	S_GROUP,
	S_NAME,
	S_DELETED_ONCE
};
static const struct {
	enum special what;
	struct str name;
} specials[] = {
	{ S_ID, { "objectGUID", 10 } },
	{ S_PARENT, { "parentGUID", 10 } },
	{ S_SID, { "objectSid", 9 } },
	{ S_DELETED, { "isDeleted", 9 } },
	{ S_CLASS, { "objectClass", 11 } },
	{ S_CREATED, { "whenCreated", 11 } },
	{ S_GROUP, { "primaryGroupID", 14 } },
	{ S_NAME, { "name", 4 } },
	{ S_DELETED_ONCE, { "lastKnownParent", 15 } },
};

static void
special_keep(struct reading *r, struct str name, const struct berval *values, size_t count)
{
	struct str v = first(values, count);
	size_t i = 0;
	while (i < ARRAY_LEN(specials) && !ad_name_is(name, specials[i].name))
		i++;
	if (i == ARRAY_LEN(specials))
		return;
	switch (specials[i].what) {
	case S_ID:
		guid_from_bytes(v, r->id);
		break;
	case S_PARENT:
		guid_from_bytes(v, r->parent);
		break;
	case S_SID:
		r->sid = count ? sid_from_bytes(v, r->a) : r->sid;
		break;
	case S_DELETED:
		r->deleted = str_ieqc(v, "TRUE");
		r->restored = !r->deleted;
		break;
	case S_CLASS:
		r->has_class = count > 0;
		break;
	case S_CREATED:
		r->created = count > 0;
		break;
	case S_GROUP:
		r->primary_group = v;
		break;
	case S_NAME:
		if (count)
			r->name = v;
		break;
	case S_DELETED_ONCE:
		r->deleted_once = count > 0;
		break;
	}
}

static bool
attribute_keep(
	void *ctx, struct str description, const struct berval *values, size_t count, struct err *e)
{
	struct reading *r = ctx;
	struct ad_name name;
	special_keep(r, description, values, count);
	if (!ad_name_parse(description, r->mode == AD_FULL || r->mode == AD_DELTA, &name))
		return held_back(
			r, NULL, "the server sent an attribute range that cannot be read", e);
	const struct ad_attr *attr = ad_attr_find(r->ad, name.name);
	static const struct ad_attr object_class = { .name = "objectClass" };
	if (!attr)
		return !ad_name_is(name.name, STR("objectClass")) ||
		       values_keep(r, &object_class, values, count, e);
	if (!attr->sent)
		return true;
	if (attr->syntax != DIR_LINK && name.range != AD_RANGE_NONE)
		return held_back(
			r, attr->name, "it has more values than the server sends at once", e);
	return attr->syntax == DIR_LINK ? links_keep(r, attr, &name, values, count, e)
					: values_keep(r, attr, values, count, e);
}

/* Of those that say who it is, alone. */
static bool
identity_keep(
	void *ctx, struct str description, const struct berval *values, size_t count, struct err *e)
{
	(void)e;
	special_keep(ctx, description, values, count);
	return true;
}

static bool
dn_keep(struct reading *r, LDAPMessage *entry, struct err *e)
{
	struct str raw;
	struct ad_dn dn;
	if (!dir_entry_dn(&r->ad->d, entry, &raw, e) || !ad_dn_parse(raw, r->a, &dn, e))
		return false;
	memcpy(r->id, dn.guid, sizeof(r->id));
	r->sid = dn.sid;
	r->dn = dn.dn;
	return true;
}

/* --- sending --- */

/* The naming attribute (cn, ou, ...) is not among what DirSync brings; `name` holds its value. */
static void
rdn_keep(struct reading *r)
{
	if (!r->name.p || !r->dn)
		return;
	const struct ad_attr *attr =
		ad_attr_find(r->ad, (struct str){ r->dn, strcspn(r->dn, "=") });
	if (attr && attr->sent && !attrs_get(&r->attrs, attr->name))
		attrs_set(&r->attrs, attr->name, &r->name, 1);
}

static bool
primary_group_send(struct reading *r, struct err *e)
{
	const char *near = r->sid ? r->sid : r->ad->domain_sid;
	if (!r->primary_group.p || !near)
		return true;
	char *rid = arena_strndup(r->a, r->primary_group.p, r->primary_group.n);
	/* a SID of the same domain, whose last part is replaced */
	const char *any = r->sid ? r->sid : arena_printf(r->a, "%s-0", near);
	struct serve_link end = { .sid = *rid ? sid_with_rid(any, rid, r->a) : NULL };
	if (*rid && !end.sid)
		return held_back(r, "primaryGroup", "a primaryGroupID that is not a number", e);
	return serve_links(
		r->ad->d.serve, r->id, NULL, "primaryGroup", "set", &end, *rid ? 1 : 0, e);
}

static bool
links_send(struct reading *r, struct err *e)
{
	/* removals first: a single-valued link that changed is a removal and an addition */
	for (int removals = 1; removals >= 0; removals--)
		for (size_t i = 0; i < r->link_count; i++) {
			const struct links *l = &r->links[i];
			if ((strcmp(l->mode, "remove") == 0) != (removals == 1))
				continue;
			if (r->full && (removals || l->count == 0))
				continue;
			if (!serve_links(r->ad->d.serve, r->id, NULL, l->attr->name,
				    r->full ? "set" : l->mode, l->ends, l->count, e))
				return false;
		}
	return primary_group_send(r, e);
}

/* Set and cleared again before we came: in a whole entry it is just not there. */
static void
empty_drop(struct attrs *as)
{
	for (size_t i = as->count; i > 0; i--)
		if (as->list[i - 1].count == 0)
			attrs_remove(as, as->list[i - 1].name);
}

static bool
entry_send(struct reading *r, struct err *e)
{
	struct ad *ad = r->ad;
	struct err own;
	r->full = r->mode == AD_FETCH || r->mode == AD_CHANGED ||
		  (r->has_class && (r->mode == AD_FULL || r->created));
	if (r->restored && r->mode == AD_DELTA) {
		if (!serve_gone(ad->d.serve, r->id, NULL, "tombstone", e))
			return false;
		todo_restored(r->todo, r->id);
	}
	if (r->deleted_once && r->mode == AD_CHANGED)
		todo_restored(r->todo, r->id);
	rdn_keep(r);
	if (r->full)
		empty_drop(&r->attrs);
	if (!serve_entry(ad->d.serve, r->id, r->dn, r->parent[0] ? r->parent : NULL, r->sid,
		    r->full, &r->attrs, &own)) {
		if (own.kind != ERR_OBJECT) {
			*e = own;
			return false;
		}
		return held_back(r, NULL, own.text, e);
	}
	return links_send(r, e);
}

/* CN=Deleted Objects calls itself deleted, and never was anything else. */
static bool
is_deleted_container(const struct reading *r)
{
	const char *rest =
		r->dn && strncasecmp(r->dn, "CN=Deleted Objects,", 19) == 0 ? r->dn + 19 : "";
	return ascii_ieq(rest, r->ad->nc);
}

bool
ad_entry_send(
	struct ad *ad, LDAPMessage *entry, enum ad_mode mode, struct ad_todo *todo, struct err *e)
{
	struct reading r = { .ad = ad, .mode = mode, .a = ad->d.scratch, .todo = todo };
	struct err own;
	arena_reset(ad->d.scratch);
	r.attrs = attrs_new(r.a);
	ad->d.done++;
	if (!dn_keep(&r, entry, &own)) {
		if (own.kind != ERR_OBJECT) {
			*e = own;
			return false;
		}
		r.dn = NULL;
	}
	/* a server that does not know extended DNs: who it is must be known before the rest */
	if (!r.id[0] && !dir_attributes_each(&ad->d, entry, identity_keep, &r, e))
		return false;
	if (!r.id[0])
		return r.dn ? held_back(&r, NULL, "it has no objectGUID that we may read", e)
			    : err_set(e, ERR_SIDE, "bad-answer",
				      "the server sent an entry without name and id");
	if (!dir_attributes_each(&ad->d, entry, attribute_keep, &r, e))
		return false;
	if (r.deleted)
		return is_deleted_container(&r) ||
		       serve_gone(ad->d.serve, r.id, NULL, "tombstone", e);
	if (!r.dn)
		return held_back(&r, NULL, own.text, e);
	return entry_send(&r, e);
}
