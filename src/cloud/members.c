#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cloud.h"

#define PAGE 500

static bool
unknown_member(const char *id, struct err *e)
{
	CLEAN_BUF struct buf shown = { 0 };

	text_escape(id, strlen(id), 100, &shown);
	return err_set(e, ERR_OBJECT, "invalidValue", "members: no user or group has the id \"%s\"",
		buf_cstr(&shown));
}

/* One id to its row. *rid_r stays 0 for one to be passed over: unknown when removing, or to be made
 * later in this Bulk. */
static bool
resolve_one(struct call *k, const struct json *v, bool removing, struct member *m_r, struct err *e)
{
	const char *text = json_string(v) ? json_string(v) : json_string(scim_get(v, "value"));

	m_r->rid = 0;
	if (!text)
		return err_set(
			e, ERR_OBJECT, "invalidValue", "members: each needs \"value\", an id");
	if (!id_parse(text, m_r->id))
		return removing || unknown_member(text, e);
	if (!k->c->db->rid_of(k->c->store, m_r->id, &m_r->rid, e))
		return false;
	if (m_r->rid && store_tenant(m_r->rid) == k->tenant)
		return true;
	m_r->rid = 0;
	return removing || (k->bulk && bulk_pending(k->bulk, m_r->id)) || unknown_member(text, e);
}

static int
by_rid(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return (x->rid > y->rid) - (x->rid < y->rid);
}

bool
members_resolve(
	struct call *k, const struct json *value, bool removing, struct members *m_r, struct err *e)
{
	bool list = json_type(value) == JSON_ARRAY;
	size_t n = list ? json_count(value) : 1;
	struct member one;

	m_r->list = arena_alloc(k->a, (n + 1) * sizeof(*m_r->list));
	m_r->n = 0;
	for (const struct json *v = list ? json_first(value) : value; v;
		v = list ? json_next(v) : NULL) {
		if (!resolve_one(k, v, removing, &one, e))
			return false;
		if (one.rid)
			m_r->list[m_r->n++] = one;
	}
	qsort(m_r->list, m_r->n, sizeof(*m_r->list), by_rid);
	return true;
}

bool
members_add(struct call *k, int64_t group, const struct members *m, bool *changed, struct err *e)
{
	bool one;

	for (size_t i = 0; i < m->n; i++) {
		if (!k->c->db->member_add(
			    k->c->store, group, m->list[i].rid, m->list[i].id, &one, e))
			return false;
		*changed |= one;
	}
	return true;
}

static bool
members_del(struct call *k, int64_t group, const struct members *m, bool *changed, struct err *e)
{
	bool one;

	for (size_t i = 0; i < m->n; i++) {
		if (!k->c->db->member_del(k->c->store, group, m->list[i].rid, &one, e))
			return false;
		*changed |= one;
	}
	return true;
}

/* A page of members at a time, so that a group of any size takes the same memory. */
struct page {
	struct member m[PAGE];
	size_t n;
};

static bool
page_add(void *ctx, int64_t rid, const store_id id)
{
	struct page *p = ctx;

	p->m[p->n].rid = rid;
	memcpy(p->m[p->n++].id, id, sizeof(store_id));
	return true;
}

static bool
page_read(struct call *k, int64_t group, int64_t after, struct page *p, struct err *e)
{
	p->n = 0;
	return k->c->db->members(k->c->store, group, after, PAGE, page_add, p, e);
}

/* Removes the members for which gone() is true. */
static bool
members_sweep(struct call *k, int64_t group, bool (*gone)(void *ctx, const struct member *m),
	void *ctx, bool *changed, struct err *e)
{
	struct page p;
	int64_t after = 0;
	bool one;

	do {
		if (!page_read(k, group, after, &p, e))
			return false;
		for (size_t i = 0; i < p.n; i++) {
			after = p.m[i].rid;
			if (!gone(ctx, &p.m[i]))
				continue;
			if (!k->c->db->member_del(k->c->store, group, after, &one, e))
				return false;
			*changed |= one;
		}
	} while (p.n == PAGE);
	return true;
}

static bool
not_wanted(void *ctx, const struct member *m)
{
	const struct members *wanted = ctx;

	return !wanted->n || !bsearch(m, wanted->list, wanted->n, sizeof(*m), by_rid);
}

bool
members_replace(
	struct call *k, int64_t group, const struct members *m, bool *changed, struct err *e)
{
	struct members wanted = *m;

	return members_sweep(k, group, not_wanted, &wanted, changed, e) &&
	       members_add(k, group, m, changed, e);
}

/* A member as JSON, for filters. */
static struct json *
member_json(const struct call *k, const struct member *m)
{
	const struct scim_type *t = &scim_types[store_type(m->rid)];
	struct json *j = json_new_object();
	char id[ID_TEXT], ref[1024];

	id_format(m->id, id);
	snprintf(ref, sizeof(ref), "%s%s/%s", k->base, t->endpoint, id);
	json_set_string(j, "value", id);
	json_set_string(j, "$ref", ref);
	json_set_string(j, "type", t->name);
	return j;
}

struct filtered {
	struct call *k;
	const struct scim_filter *f;
};

static bool
filter_holds(void *ctx, const struct member *m)
{
	const struct filtered *x = ctx;
	CLEAN_JSON struct json *j = member_json(x->k, m);

	return scim_filter_match_element(x->f, j);
}

/* value eq "a" or value eq "b" ...: a list of ids that need no look at the others. */
static bool
ids_of(const struct scim_filter *f, struct json *list)
{
	if (f->op == SCIM_OR) {
		for (const struct scim_filter *c = f->child; c; c = c->next) {
			if (!ids_of(c, list))
				return false;
		}
		return true;
	}
	if (f->op != SCIM_EQ || !f->path.attr || f->path.attr->key != SCIM_KEY_MEMBER || !f->text)
		return false;
	json_push(list, json_new_string(f->text));
	return true;
}

bool
member_op_prepare(
	struct call *k, const struct scim_patch_op *op, struct member_op *o_r, struct err *e)
{
	bool removing = op->kind == SCIM_PATCH_REMOVE;
	CLEAN_JSON struct json *ids = json_new_array();

	*o_r = (struct member_op){ .op = op };
	if (op->path.sub || (op->path.filter && !removing))
		return err_set(e, ERR_OBJECT, "mutability",
			"members: a member cannot be changed; remove it and add another");
	if (op->path.filter) {
		if (!ids_of(op->path.filter, ids))
			return true; /* member_op_apply looks at each member */
		o_r->op = NULL;
		return members_resolve(k, ids, true, &o_r->m, e);
	}
	return !op->value || members_resolve(k, op->value, removing, &o_r->m, e);
}

bool
member_op_apply(
	struct call *k, int64_t group, const struct member_op *o, bool *changed, struct err *e)
{
	struct filtered x = { .k = k };
	struct members none = { 0 };

	if (!o->op)
		return members_del(k, group, &o->m, changed, e);
	switch (o->op->kind) {
	case SCIM_PATCH_ADD:
		return members_add(k, group, &o->m, changed, e);
	case SCIM_PATCH_REPLACE:
		return members_replace(k, group, &o->m, changed, e);
	case SCIM_PATCH_REMOVE:
		break;
	}
	if (o->op->path.filter) {
		x.f = o->op->path.filter;
		return members_sweep(k, group, filter_holds, &x, changed, e);
	}
	if (o->op->value)
		return members_del(k, group, &o->m, changed, e);
	return members_sweep(k, group, not_wanted, &none, changed, e);
}

/* The groups of a user as pages of members, so that one function evaluates both. */
struct group_page {
	struct call *k;
	struct page *p;
	struct err *e;
	bool ok;
};

static bool
group_add(void *ctx, int64_t rid)
{
	struct group_page *g = ctx;
	struct store_row row;

	g->ok = g->k->c->db->get(g->k->c->store, rid, g->k->a, &row, g->e);
	return g->ok && page_add(g->p, rid, row.id);
}

static bool
group_page_read(struct call *k, int64_t user, int64_t after, struct page *p, struct err *e)
{
	struct group_page g = { k, p, e, true };

	p->n = 0;
	return k->c->db->groups_of(k->c->store, user, after, PAGE, group_add, &g, e) && g.ok;
}

bool
members_match(
	struct call *k, int64_t rid, const struct scim_filter *node, bool *holds_r, struct err *e)
{
	bool group = store_type(rid) == SCIM_GROUP;
	struct page p;
	int64_t after = 0;
	bool any = false;

	*holds_r = false;
	do {
		CLEAN_JSON struct json *holder = json_new_object();
		struct json *list = json_new_array();
		json_set(holder, node->path.attr->name, list);
		if (!(group ? page_read(k, rid, after, &p, e)
			    : group_page_read(k, rid, after, &p, e)))
			return false;
		for (size_t i = 0; i < p.n; i++) {
			json_push(list, member_json(k, &p.m[i]));
			after = p.m[i].rid;
		}
		any |= p.n > 0;
		/* an empty last page says nothing about what is absent unless all is */
		if ((p.n || !any) && scim_filter_match(node, holder, NULL)) {
			*holds_r = true;
			return true;
		}
	} while (p.n == PAGE);
	return true;
}
