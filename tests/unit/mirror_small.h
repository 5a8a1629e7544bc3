/* A small directory in a mirror, and looks at it. */
#pragma once
#include "mirror_kit.h"

#define BASE "DC=corp,DC=example"

#define OU "OU=People," BASE

static inline int
setup(void **state)
{
	*state = kit_new();
	return 0;
}

static inline int
teardown(void **state)
{
	kit_free(*state);
	return 0;
}

/* base, an OU, two people, a group of both */
static inline void
small_entries(struct kit *k)
{
	kit_full(k, "base", BASE, "objectClass=domainDNS");
	kit_full(k, "ou", OU, "objectClass=organizationalUnit");
	kit_full(k, "ann", "CN=Ann," OU, "objectClass=user mail=ann@x");
	kit_full(k, "bob", "CN=Bob," OU, "objectClass=user mail=bob@x");
	kit_full(k, "team", "CN=Team," BASE, "objectClass=group");
}

static inline void
small(struct kit *k)
{
	struct mirror_end ends[] = { { .id = "ann" }, { .id = "bob" } };

	kit_begin(k, true);
	small_entries(k);
	OK(k, mirror_links(k->m, "team", NULL, "member", MIRROR_SET, ends, 2, false, &k->e));
	kit_commit(k);
}

static inline struct entry
get(struct kit *k, const char *id)
{
	struct entry en;

	OK(k, mirror_get(k->m, mirror_find_id(k->m, id), k->a, &en, &k->e));
	return en;
}

static inline const char *
dn_of(struct kit *k, const char *id)
{
	return mirror_dn(k->m, mirror_find_id(k->m, id), k->a);
}

static inline bool
member(struct kit *k, const char *group, const char *id)
{
	return mirror_link_present(
		k->m, mirror_find_id(k->m, group), "member", mirror_find_id(k->m, id));
}

static inline bool
changed(struct kit *k, int64_t since, const char *id)
{
	int64_t ns[64], n = mirror_find_id(k->m, id);
	size_t got = mirror_changed_entries(k->m, since, 0, ns, 64);

	for (size_t i = 0; i < got; i++)
		if (ns[i] == n)
			return true;
	return false;
}

static inline int64_t
rev_of(struct kit *k)
{
	struct mirror_info i;

	OK(k, mirror_info(k->m, &i, &k->e));
	return i.rev;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
