/* A small directory in memory for tests of rules: entries with DNs, attributes, parents and links. */
#pragma once
#include <string.h>
#include "model/dn.h"
#include "rules/rules.h"

#define WORLD_MAX 32

struct world_entry {
	struct entry en;
	const char *dn;
	struct {
		const char *attribute;
		int64_t to;
	} links[8];
	size_t link_count;
};
struct fake_world {
	struct world w;
	struct arena *a;
	struct world_entry list[WORLD_MAX]; /* n is the index; 0 is none */
	size_t count;
	int asked; /* calls of parent, in_group and links */
};

static int64_t
fake_find(void *ctx, const char *text)
{
	struct fake_world *f = ctx;
	struct dn want, have;

	if (!dn_parse(text, f->a, &want, NULL))
		return 0;
	for (size_t i = 1; i <= f->count; i++)
		if (dn_parse(f->list[i].dn, f->a, &have, NULL) && dn_equal(&want, &have))
			return (int64_t)i;
	return 0;
}

static int64_t
fake_parent(void *ctx, int64_t n)
{
	struct fake_world *f = ctx;

	f->asked++;
	return f->list[n].en.parent;
}

static bool
fake_in_group(void *ctx, int64_t n, int64_t group)
{
	struct fake_world *f = ctx;
	const struct world_entry *g = &f->list[group];

	f->asked++;
	for (size_t i = 0; i < g->link_count; i++)
		if (strcmp(g->links[i].attribute, "member") == 0 && g->links[i].to != group &&
			(g->links[i].to == n || fake_in_group(ctx, n, g->links[i].to)))
			return true;
	return false;
}

static char *
fake_dn(void *ctx, int64_t n, struct arena *a)
{
	struct fake_world *f = ctx;

	return arena_strdup(a, f->list[n].dn);
}

static size_t
fake_links(
	void *ctx, int64_t n, const char *attribute, bool reverse, struct arena *a, int64_t **ns_r)
{
	struct fake_world *f = ctx;
	bool memberof = strcmp(attribute, "memberOf") == 0;
	size_t count = 0;

	f->asked++;
	*ns_r = arena_alloc(a, WORLD_MAX * sizeof **ns_r);
	for (size_t i = 1; i <= f->count; i++)
		for (size_t j = 0; j < f->list[i].link_count; j++) {
			bool back = reverse || memberof;
			int64_t from = back ? f->list[i].links[j].to : (int64_t)i;
			int64_t to = back ? (int64_t)i : f->list[i].links[j].to;
			if (from == n && ascii_ieq(f->list[i].links[j].attribute,
						 memberof ? "member" : attribute))
				(*ns_r)[count++] = to;
		}
	return count;
}

static inline void
world_open(struct fake_world *f)
{
	memset(f, 0, sizeof *f);
	f->a = arena_new();
	f->w = (struct world){ f, 1763740800, fake_find, fake_parent, fake_in_group, fake_dn,
		fake_links };
}

/* attrs: name, value, name, value, ..., NULL */
static inline struct entry *
world_add(struct fake_world *f, const char *dn, int64_t parent, const char *const *attrs)
{
	struct world_entry *e = &f->list[++f->count];

	e->dn = dn;
	e->en = (struct entry){ .n = (int64_t)f->count,
		.id = arena_printf(f->a, "id-%zu", f->count),
		.rdn = dn,
		.parent = parent,
		.presence = PRESENCE_HERE,
		.attrs = attrs_new(f->a) };
	for (; attrs && *attrs; attrs += 2)
		attrs_add(&e->en.attrs, attrs[0], str_c(attrs[1]));
	return &e->en;
}

static inline void
world_link(struct fake_world *f, int64_t from, const char *attribute, int64_t to)
{
	struct world_entry *e = &f->list[from];

	e->links[e->link_count].attribute = attribute;
	e->links[e->link_count++].to = to;
}

static inline void
world_close(struct fake_world *f)
{
	arena_free(f->a);
}

/* What AD's schema says of a few attributes. */
static inline bool
world_lookup(void *ctx, const char *name, bool *multi_r, bool *link_r, bool *bytes_r)
{
	static const struct {
		const char *name;
		char flags[4];
	} rows[] = {
		{ "mail", "" },
		{ "cn", "" },
		{ "sn", "" },
		{ "givenName", "" },
		{ "displayName", "" },
		{ "title", "" },
		{ "department", "" },
		{ "proxyAddresses", "m" },
		{ "objectClass", "m" },
		{ "member", "ml" },
		{ "manager", "l" },
		{ "objectGUID", "b" },
		{ "description", "m" },
		{ "userAccountControl", "" },
		{ "accountExpires", "" },
		{ "employee-type", "" },
		{ "userPrincipalName", "" },
		{ "info", "" },
		{ "hidden", "" },
		{ "left", "" },
		{ "lockoutTime", "" },
		{ "objectCategory", "" },
		{ "isCriticalSystemObject", "" },
		{ "id", "" },
		{ "telephoneNumber", "" },
	};

	(void)ctx;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!ascii_ieq(rows[i].name, name))
			continue;
		*multi_r = strchr(rows[i].flags, 'm');
		*link_r = strchr(rows[i].flags, 'l');
		*bytes_r = strchr(rows[i].flags, 'b');
		return true;
	}
	return false;
}
static const struct rules_schema world_schema = { NULL, world_lookup };
