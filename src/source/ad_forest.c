/*
 * Naming contexts: a forest has several (its domains, and parts that belong to no domain), a controller holds some
 * of them. Which there are, and to which a base of the configuration belongs, the crossRef objects say
 * (MS-ADTS 6.1.1.2.1.1.5); a base in a child domain lies under its parent's DN, too.
 */
#include "ad.h"

#include <stdlib.h>
#include <string.h>
#include "model/dn.h"

#define OURS    1u /* systemFlags of a crossRef: a naming context of this forest */
#define NCS_MAX 1000
#define ALL_MAX 16 /* contexts read by one source */

struct ncs {
	const char **list;
	size_t count;
};

static bool
reference_keep(void *ctx, struct dir *dir, LDAPMessage *entry, struct err *e)
{
	struct ad *ad = ad_of(dir);
	struct ncs *n = ctx;
	CLEAN_ARENA struct arena *a = arena_new();
	struct str name = dir_value_first(&ad->d, entry, "nCName", a);
	struct str flags = dir_value_first(&ad->d, entry, "systemFlags", a);
	(void)e;
	if (name.n && (strtoul(flags.p, NULL, 10) & OURS) && n->count < NCS_MAX)
		n->list[n->count++] = arena_strndup(ad->d.arena, name.p, name.n);
	return true;
}

static bool
contexts_read(struct ad *ad, struct err *e)
{
	static const char *const names[] = { "nCName", "systemFlags", NULL };
	struct ncs n = { .list = arena_alloc(ad->d.arena, (NCS_MAX + 1) * sizeof(*n.list)) };
	CLEAN_FREE char *base = xasprintf("CN=Partitions,%s", ad->config_nc ? ad->config_nc : "");
	const struct dir_search q = { .base = base,
		.scope = LDAP_SCOPE_ONELEVEL,
		.filter = "(objectClass=crossRef)",
		.attributes = names,
		.doing = "reading the forest's naming contexts" };
	int code;
	if (ad->config_nc && !dir_search(&ad->d, &q, reference_keep, &n, NULL, &code, e) &&
		code != LDAP_NO_SUCH_OBJECT)
		return false;
	if (n.count == 0) /* hidden from us: what the server itself holds */
		for (; ad->ncs[n.count] && n.count < NCS_MAX; n.count++)
			n.list[n.count] = ad->ncs[n.count];
	ad->all_ncs = n.list;
	return true;
}

const char *
ad_context_of(struct ad *ad, const char *base, struct arena *a, struct err *e)
{
	struct dn want, nc;
	const char *found = NULL;
	size_t depth = 0;
	if (!dn_parse(base, a, &want, e)) {
		if (e)
			e->kind = ERR_CONFIG;
		err_wrap(e, "base");
		return NULL;
	}
	for (size_t i = 0; ad->all_ncs[i]; i++)
		if (dn_parse(ad->all_ncs[i], a, &nc, NULL) && dn_under(&want, &nc) &&
			nc.count > depth) {
			found = ad->all_ncs[i];
			depth = nc.count;
		}
	if (!found)
		err_set(e, ERR_CONFIG, "bad-base", "base '%s' is not in this domain (%s)", base,
			ad->default_nc);
	return found;
}

/* As the server writes it; NULL = it does not hold it. */
static const char *
held_here(const struct ad *ad, const char *nc)
{
	for (size_t i = 0; ad->ncs[i]; i++)
		if (ascii_ieq(ad->ncs[i], nc))
			return ad->ncs[i];
	return NULL;
}

bool
ad_context_find(struct ad *ad, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	ad->nc = ad->default_nc;
	if (ad->base_count == 0)
		return true;
	if (!contexts_read(ad, e))
		return false;
	const char *nc = ad_context_of(ad, ad->bases[0], a, e);
	if (!nc)
		return false;
	ad->nc = held_here(ad, nc);
	return ad->nc || err_set(e, ERR_CONFIG, "other-domain",
				 "it does not hold %s; name a domain controller that does in "
				 "`server`",
				 nc);
}

/* --- several --- */

/* Adds a base to the context it lies in, which may be a new one. */
static bool
base_add(struct ad *first, const char *base, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *nc = ad_context_of(first, base, a, e);
	struct ad *p = first;
	size_t n = 1;
	if (!nc)
		return false;
	while (!ascii_ieq(p->nc, nc) && p->next) {
		p = p->next;
		n++;
	}
	if (!ascii_ieq(p->nc, nc)) {
		if (n == ALL_MAX)
			return err_set(e, ERR_CONFIG, "bad-base",
				"the bases lie in more than %d naming contexts", ALL_MAX);
		struct ad *new = arena_alloc(first->d.arena, sizeof(*new));
		*new = *first;
		new->d.ld = NULL;
		new->next = NULL;
		new->nc = nc;
		new->base_count = 0;
		new->bases = arena_alloc(
			first->d.arena, first->d.options.base_count * sizeof(*new->bases));
		p->next = new;
		p = new;
		first->forest = new->forest = true;
	}
	p->bases[p->base_count++] = base;
	return true;
}

/* The list of contexts: the first base's, then those that other bases lie in. */
static bool
contexts_split(struct ad *first, struct err *e)
{
	const struct dir_options *o = &first->d.options;
	first->bases = arena_alloc(first->d.arena, (o->base_count + 1) * sizeof(*first->bases));
	first->base_count = o->base_count ? 1 : 0;
	if (first->base_count)
		first->bases[0] = o->bases[0];
	first->next = NULL;
	if (!first->d.ld && !ad_open(first, e))
		return false;
	for (size_t i = 1; i < o->base_count; i++)
		if (!base_add(first, o->bases[i], e))
			return false;
	first->split = true;
	return true;
}

bool
ad_forest_open(struct ad *first, struct err *e)
{
	if (!first->split && !contexts_split(first, e))
		return false;
	for (struct ad *p = first; p; p = p->next) {
		p->krb5 = first->krb5;
		if (!p->d.ld && !ad_open(p, e))
			return p->forest ? err_wrap(e, "%s", p->bases[0]) : false;
	}
	return true;
}

bool
ad_forest_schema(
	struct ad *first, const char *const *classes, const char *const *attributes, struct err *e)
{
	if (!ad_schema_read(first, classes, attributes, e))
		return false;
	for (struct ad *p = first->next; p; p = p->next) {
		p->attrs = first->attrs;
		p->attr_count = first->attr_count;
		p->filter = first->filter;
		p->request = first->request;
		p->request_delta = first->request_delta;
		p->request_usn = first->request_usn;
		memcpy(p->d.digest, first->d.digest, sizeof(p->d.digest));
	}
	return true;
}

void
ad_forest_close(struct ad *first)
{
	for (struct ad *p = first; p; p = p->next)
		dir_close(&p->d);
}

static int
context_order(const void *a, const void *b)
{
	return strcmp((*(struct ad *const *)a)->d.context, (*(struct ad *const *)b)->d.context);
}

struct ad_forest_facts
ad_forest_facts(struct ad *first, struct arena *a)
{
	struct ad_forest_facts f = { "", "", "", true, true };
	struct ad *list[ALL_MAX];
	size_t n = 0;
	for (struct ad *p = first; p && n < ALL_MAX; p = p->next)
		list[n++] = p;
	qsort(list, n, sizeof(*list), context_order);
	for (size_t i = 0; i < n; i++) {
		const char *sep = i ? " + " : "";
		f.context = arena_printf(a, "%s%s%s", f.context, sep, list[i]->d.context);
		f.server = arena_printf(a, "%s%s%s", f.server, sep, list[i]->d.server);
		f.invocation = arena_printf(a, "%s%s%s", f.invocation, sep, list[i]->invocation);
		/* a delta that cannot tell of deletions is not complete (I7) */
		f.sees_deletes = f.sees_deletes && list[i]->sees_deleted;
		f.deltas_complete = f.deltas_complete && list[i]->sees_deleted && !list[i]->by_usn;
	}
	return f;
}
