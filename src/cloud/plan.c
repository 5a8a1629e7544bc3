#include <stdlib.h>
#include "plan.h"

#define PAGE 1000

static const struct scim_attr *
leaf_of(const struct scim_filter *f)
{
	return f->path.sub ? f->path.sub : f->path.attr;
}

static bool
indexed(const struct scim_filter *f)
{
	const struct scim_attr *leaf = leaf_of(f);

	return f->op == SCIM_EQ && leaf && leaf->key != SCIM_KEY_NONE && f->type == JSON_STRING;
}

bool
plan_possible(const struct scim_filter *f, bool *exact_r)
{
	bool one;

	switch (f->op) {
	case SCIM_HAS:
		return plan_possible(f->child, exact_r);
	case SCIM_OR:
		*exact_r = true;
		for (const struct scim_filter *c = f->child; c; c = c->next) {
			if (!plan_possible(c, &one))
				return false;
			*exact_r &= one;
		}
		return true;
	case SCIM_AND:
		*exact_r = false;
		for (const struct scim_filter *c = f->child; c; c = c->next) {
			if (plan_possible(c, &one))
				return true;
		}
		return false;
	default:
		*exact_r = true;
		return indexed(f);
	}
}

struct collector {
	struct call *k;
	unsigned type;
	struct rids *r;
	int64_t last;
	size_t seen;
};

static bool
take(void *ctx, int64_t rid)
{
	struct collector *c = ctx;
	struct rids *r = c->r;

	c->seen++;
	c->last = rid;
	if (++r->seen > CLOUD_COLLECT_MAX)
		return false;
	if (store_tenant(rid) != c->k->tenant || store_type(rid) != c->type)
		return true;
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->list = xrealloc(r->list, r->cap * sizeof(*r->list));
	}
	r->list[r->n++] = rid;
	return true;
}

static bool
take_member(void *ctx, int64_t rid, const store_id id)
{
	(void)id;
	return take(ctx, rid);
}

/* The row of an id in a filter; 0 when this tenant has none. */
static bool
rid_of_text(struct call *k, const char *text, int64_t *rid_r, struct err *e)
{
	store_id id;

	*rid_r = 0;
	if (!id_parse(text, id))
		return true;
	if (!k->c->db->rid_of(k->c->store, id, rid_r, e))
		return false;
	if (*rid_r && store_tenant(*rid_r) != k->tenant)
		*rid_r = 0;
	return true;
}

static bool
collect_links(struct collector *c, enum scim_key key, int64_t rid, struct err *e)
{
	struct store *s = c->k->c->store;
	const struct store_ops *db = c->k->c->db;
	bool ok;

	c->last = 0;
	do {
		c->seen = 0;
		ok = key == SCIM_KEY_MEMBER ? db->groups_of(s, rid, c->last, PAGE, take, c, e)
					    : db->members(s, rid, c->last, PAGE, take_member, c, e);
	} while (ok && c->seen == PAGE && c->r->seen <= CLOUD_COLLECT_MAX);
	return ok;
}

static bool
collect_term(
	struct call *k, unsigned type, const struct scim_filter *f, struct rids *r, struct err *e)
{
	struct collector c = { .k = k, .type = type, .r = r };
	enum scim_key key = leaf_of(f)->key;
	unsigned kinds;
	int64_t rid;

	switch (key) {
	case SCIM_KEY_ID:
	case SCIM_KEY_MEMBER:
	case SCIM_KEY_GROUP:
		if (!rid_of_text(k, f->text, &rid, e))
			return false;
		if (!rid)
			return true;
		return key == SCIM_KEY_ID ? take(&c, rid) : collect_links(&c, key, rid, e);
	case SCIM_KEY_NAME:
		kinds = type == SCIM_USER ? STORE_USER_NAME : STORE_GROUP_NAME;
		break;
	case SCIM_KEY_EXTERNAL:
		kinds = STORE_EXTERNAL;
		break;
	case SCIM_KEY_EMAIL:
		kinds = STORE_EMAIL;
		break;
	default:
		kinds = STORE_ALIAS;
	}
	return k->c->db->find(k->c->store, k->tenant, f->folded, kinds, take, &c, e);
}

/* Does it walk the members of groups? Names and ids find few. */
static bool
walks(const struct scim_filter *f)
{
	const struct scim_attr *leaf = leaf_of(f);

	if (f->op == SCIM_AND || f->op == SCIM_OR || f->op == SCIM_HAS) {
		for (const struct scim_filter *c = f->child; c; c = c->next) {
			if (walks(c))
				return true;
		}
		return false;
	}
	return leaf && (leaf->key == SCIM_KEY_MEMBER || leaf->key == SCIM_KEY_GROUP);
}

/* The part of an `and` that the indexes are asked for. */
static const struct scim_filter *
best_part(const struct scim_filter *f)
{
	const struct scim_filter *best = NULL;
	bool exact;

	for (const struct scim_filter *c = f->child; c; c = c->next) {
		if (plan_possible(c, &exact) && (!best || (walks(best) && !walks(c))))
			best = c;
	}
	return best;
}

static bool
collect(struct call *k, unsigned type, const struct scim_filter *f, struct rids *r, struct err *e)
{
	if (f->op == SCIM_HAS)
		return collect(k, type, f->child, r, e);
	if (f->op == SCIM_AND)
		return collect(k, type, best_part(f), r, e);
	if (f->op == SCIM_OR) {
		for (const struct scim_filter *c = f->child; c && r->seen <= CLOUD_COLLECT_MAX;
			c = c->next) {
			if (!collect(k, type, c, r, e))
				return false;
		}
		return true;
	}
	return collect_term(k, type, f, r, e);
}

static int
by_rid(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

bool
plan_collect(
	struct call *k, unsigned type, const struct scim_filter *f, struct rids *r, struct err *e)
{
	size_t out = 0;

	if (!collect(k, type, f, r, e))
		return false;
	if (r->seen > CLOUD_COLLECT_MAX)
		return err_set(e, ERR_OBJECT, "tooMany",
			"the filter finds more than %d entries; narrow it", CLOUD_COLLECT_MAX);
	if (r->n)
		qsort(r->list, r->n, sizeof(*r->list), by_rid);
	for (size_t i = 0; i < r->n; i++) {
		if (!out || r->list[out - 1] != r->list[i])
			r->list[out++] = r->list[i];
	}
	r->n = out;
	return true;
}
