/* A directory of a few entries, and rules over it. */
#pragma once
#include "rules/rules.h"
#include "world.h"

#define NOW 1763740800LL /* 2025-11-21T16:00:00Z */

static struct fake_world f;

static struct entry *people, *attic, *ann, *bob, *team, *all, *container;

static const char *const ann_attrs[] = { "objectClass", "user", "mail", "ann@x.org", "cn",
	"Ann Lee", "givenName", "  Änn\xc2\xa0 ", "sn", "Lee", "department", "Sales/EMEA/North",
	"description", "b", "description", "a", "description", "B", "proxyAddresses",
	"SMTP:Ann@x.org", "proxyAddresses", "smtp:ann.lee@x.org", "proxyAddresses",
	"smtp:ANN@X.ORG", "proxyAddresses", "X500:/o=x", "proxyAddresses", "sip:ann@x.org",
	"proxyAddresses", "smtp:al@x.org", "userAccountControl", "512", "employee-type", "staff",
	"hidden", "FALSE", "left", "attr", "id", "A7", NULL };

static const char *const bob_attrs[] = { "objectClass", "user", "cn", "Bob", "userPrincipalName",
	"bob@x.org", "userAccountControl", "514", NULL };

static const char *const team_attrs[] = { "objectClass", "group", "cn", "Team", "mail", "t@x.org",
	NULL };

static inline int
setup(void **state)
{
	(void)state;
	world_open(&f);
	world_add(&f, "DC=x", 0, NULL);
	people = world_add(&f, "OU=People,DC=x", 1, NULL);
	attic = world_add(&f, "OU=Attic,OU=People,DC=x", 2, NULL);
	ann = world_add(&f, "CN=Ann Lee,OU=People,DC=x", 2, ann_attrs);
	bob = world_add(&f, "CN=Bob,OU=Attic,OU=People,DC=x", 3, bob_attrs);
	team = world_add(&f, "CN=Team,DC=x", 1, team_attrs);
	all = world_add(&f, "CN=All,DC=x", 1, team_attrs);
	container = people;
	attrs_add(&ann->attrs, "objectGUID", (struct str){ "\xff\x00", 2 });
	attrs_set_c(&bob->attrs, "title", "bad \xff");
	world_link(&f, team->n, "member", ann->n);
	world_link(&f, all->n, "member", team->n);
	world_link(&f, ann->n, "manager", bob->n);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	world_close(&f);
	return 0;
}

static inline struct conf_texts
texts(const char *text)
{
	struct conf_texts t = { arena_alloc(f.a, sizeof *t.list), 1 };

	t.list[0] = (struct conf_text){ text, "x.conf", 7 };
	return t;
}

static inline struct conf_sync
sync_of(const struct conf_map *maps, size_t count)
{
	struct conf_sync s = { .name = "s" };

	s.kind[KIND_USER] = (struct conf_kind){ true, LEAVE_DISABLE, 0,
		(struct conf_map *)(uintptr_t)maps, count };
	s.kind[KIND_GROUP].enabled = true;
	return s;
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
