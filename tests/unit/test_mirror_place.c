/* store/mirror.h: where entries are: names, containers, identities. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mirror_small.h"

static void
test_mirror_2_2_renamed_container_is_one_row(void **state)
{
	struct kit *k = *state;
	int64_t ou;

	small(k);
	ou = mirror_find_id(k->m, "ou");
	kit_begin(k, false);
	OK(k, mirror_rename(k->m, "ou", NULL, "OU=Staff," BASE, &k->e));
	kit_commit(k);
	assert_int_equal(k->st.changed, 1);
	assert_int_equal(mirror_find_id(k->m, "ou"), ou);
	assert_string_equal(dn_of(k, "ann"), "CN=Ann,OU=Staff," BASE);
	assert_int_equal(mirror_find_dn(k->m, "CN=Ann," OU), 0);
	assert_false(changed(k, 1, "ann"));
	assert_true(changed(k, 1, "ou"));
}

struct list {
	int64_t n[32];
	size_t count;
};

static bool
collect(void *ctx, int64_t n)
{
	struct list *l = ctx;

	assert_true(l->count < 32);
	l->n[l->count++] = n;
	return true;
}

static bool
list_has(const struct list *l, int64_t n)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->n[i] == n)
			return true;
	return false;
}

static void
test_mirror_5_1_moved_below_finds_the_subtree(void **state)
{
	struct kit *k = *state;
	struct list l = { .count = 0 };

	small(k);
	kit_begin(k, false);
	kit_full(k, "sub", "OU=Sub," OU, "a=b");
	kit_full(k, "eve", "CN=Eve,OU=Sub," OU, "a=b");
	kit_commit(k);
	OK(k, mirror_moved_below(k->m, 0, collect, &l, &k->e));
	assert_int_equal(l.count, 0);
	kit_begin(k, false);
	OK(k, mirror_rename(k->m, NULL, OU, "OU=Staff," BASE, &k->e));
	OK(k, mirror_rename(k->m, "sub", NULL, "OU=Under,OU=Staff," BASE, &k->e));
	OK(k, mirror_rename(k->m, "bob", NULL, "CN=Bobby,OU=Staff," BASE, &k->e));
	kit_commit(k);
	OK(k, mirror_moved_below(k->m, 2, collect, &l, &k->e));
	assert_int_equal(l.count, 4); /* each once, though Sub moved within what moved */
	assert_true(list_has(&l, mirror_find_id(k->m, "ann")));
	assert_true(list_has(&l, mirror_find_id(k->m, "eve")));
	assert_true(list_has(&l, mirror_find_id(k->m, "sub")));
	l.count = 0;
	OK(k, mirror_moved_below(k->m, 3, collect, &l, &k->e));
	assert_int_equal(l.count, 0);
	kit_begin(k, false); /* case alone: shown, and the same place */
	OK(k, mirror_rename(k->m, "ou", NULL, "OU=STAFF," BASE, &k->e));
	kit_commit(k);
	assert_string_equal(dn_of(k, "ann"), "CN=Ann,OU=STAFF," BASE);
	OK(k, mirror_moved_below(k->m, 3, collect, &l, &k->e));
	assert_int_equal(l.count, 4);
	l.count = 0;
	OK(k, mirror_below(k->m, mirror_find_id(k->m, "base"), collect, &l, &k->e));
	assert_int_equal(l.count, 6);
}

static void
test_mirror_full_read_swaps_names(void **state)
{
	struct kit *k = *state;
	int64_t ann, bob;

	small(k);
	ann = mirror_find_id(k->m, "ann");
	bob = mirror_find_id(k->m, "bob");
	kit_begin(k, true);
	kit_full(k, "base", BASE, "objectClass=domainDNS");
	kit_full(k, "ou", OU, "objectClass=organizationalUnit");
	kit_full(k, "team", "CN=Team," BASE, "objectClass=group");
	kit_link(k, "team", "member", MIRROR_SET, BY_DN,
		"CN=Bob," OU); /* that is ann, as will be seen */
	kit_full(k, "ann", "CN=Bob," OU, "objectClass=user mail=ann@x");
	kit_full(k, "bob", "CN=Ann," OU, "objectClass=user mail=bob@x");
	kit_commit(k);
	assert_int_equal(mirror_find_dn(k->m, "CN=Bob," OU), ann);
	assert_int_equal(mirror_find_dn(k->m, "CN=Ann," OU), bob);
	assert_true(member(k, "team", "ann"));
	assert_false(member(k, "team", "bob"));
	assert_int_equal(k->st.changed, 2);
	kit_check(k);
}

static void
test_mirror_full_read_swaps_containers_children_first(void **state)
{
	struct kit *k = *state;

	small(k);
	kit_begin(k, false);
	kit_full(k, "ou2", "OU=Two," BASE, "a=b");
	kit_full(k, "eve", "CN=Eve,OU=Two," BASE, "a=b");
	kit_commit(k);
	kit_begin(k, true);
	kit_full(k, "ann", "CN=Ann,OU=Two," BASE, "objectClass=user mail=ann@x");
	kit_full(k, "bob", "CN=Bob,OU=Two," BASE, "objectClass=user mail=bob@x");
	kit_full(k, "eve", "CN=Eve," OU, "a=b");
	kit_full(k, "ou", "OU=Two," BASE, "objectClass=organizationalUnit");
	kit_full(k, "ou2", OU, "a=b");
	kit_full(k, "team", "CN=Team," BASE, "objectClass=group");
	kit_full(k, "base", BASE, "objectClass=domainDNS");
	kit_commit(k);
	assert_int_equal(
		mirror_parent(k->m, mirror_find_id(k->m, "ann")), mirror_find_id(k->m, "ou"));
	assert_int_equal(
		mirror_parent(k->m, mirror_find_id(k->m, "eve")), mirror_find_id(k->m, "ou2"));
	assert_string_equal(dn_of(k, "ann"), "CN=Ann,OU=Two," BASE);
	assert_string_equal(dn_of(k, "eve"), "CN=Eve," OU);
	assert_int_equal(k->st.changed, 2); /* the containers alone */
	kit_check(k);
}

static void
test_mirror_child_before_parent(void **state)
{
	struct kit *k = *state;

	kit_begin(k, true);
	kit_full(k, "ann", "CN=Ann," OU, "a=b");
	OK(k, kit_try_full(k, "bob", "CN=Bob," OU, "ou", NULL, "a=b"));
	kit_full(k, "ou", OU, "a=b");
	kit_full(k, "base", BASE, "a=b");
	kit_commit(k);
	assert_int_equal(
		mirror_parent(k->m, mirror_find_id(k->m, "ann")), mirror_find_id(k->m, "ou"));
	assert_int_equal(
		mirror_parent(k->m, mirror_find_id(k->m, "bob")), mirror_find_id(k->m, "ou"));
	assert_string_equal(dn_of(k, "bob"), "CN=Bob," OU);
	kit_check(k);
}

static void
test_mirror_new_entry_takes_the_name_of_one_gone_or_renamed(void **state)
{
	struct kit *k = *state;

	small(k);
	kit_begin(k, false);
	OK(k, mirror_gone(k->m, "bob", NULL, &k->e));
	kit_full(k, "bob2", "CN=Bob," OU, "mail=bob2@x");
	OK(k, mirror_rename(k->m, "ann", NULL, "CN=Anne," OU, &k->e));
	kit_full(k, "ann2", "CN=Ann," OU, "mail=ann2@x");
	kit_commit(k);
	assert_int_equal(mirror_find_dn(k->m, "CN=Bob," OU), mirror_find_id(k->m, "bob2"));
	assert_int_equal(mirror_find_dn(k->m, "CN=Ann," OU), mirror_find_id(k->m, "ann2"));
	assert_false(member(k, "team", "bob2"));
	assert_false(member(k, "team", "ann2"));
	assert_true(member(k, "team", "ann"));
	kit_check(k);
}

static void
test_mirror_I8_undeleted_entry_is_the_same_row(void **state)
{
	struct kit *k = *state;
	int64_t bob;

	small(k);
	bob = mirror_find_id(k->m, "bob");
	kit_begin(k, false);
	OK(k, mirror_gone(k->m, "bob", NULL, &k->e));
	kit_commit(k);
	kit_begin(k, false);
	kit_full(k, "bob", "CN=Bob," OU, "objectClass=user mail=bob@x");
	kit_commit(k);
	assert_int_equal(mirror_find_id(k->m, "bob"), bob);
	assert_int_equal(get(k, "bob").presence, PRESENCE_HERE);
	assert_true(changed(k, 2, "bob"));
	assert_false(member(k, "team", "bob"));
	kit_check(k);
}

static void
test_mirror_names_of_every_escape(void **state)
{
	struct kit *k = *state;
	const char *const dns[] = { "CN=Doe\\, J.," OU, "CN=a\\+b\\\"c\\<d\\>e\\;f," OU,
		"CN=\\ lead and trail\\ ," OU, "CN=\\23hash," OU, "CN=M\xc3\xbcller+UID=7," OU,
		"CN=line\\0Abreak," OU, "CN=back\\5Cslash," OU };

	kit_begin(k, true);
	kit_full(k, "ou", OU, "a=b");
	for (size_t i = 0; i < ARRAY_LEN(dns); i++) {
		char id[8];

		snprintf(id, sizeof(id), "n%zu", i);
		kit_full(k, id, dns[i], "a=b");
	}
	kit_commit(k);
	for (size_t i = 0; i < ARRAY_LEN(dns); i++) {
		char id[8];

		snprintf(id, sizeof(id), "n%zu", i);
		assert_int_equal(mirror_find_dn(k->m, dns[i]), mirror_find_id(k->m, id));
		assert_int_equal(
			mirror_parent(k->m, mirror_find_id(k->m, id)), mirror_find_id(k->m, "ou"));
	}
	assert_int_equal(mirror_find_dn(k->m, "cn=\"Doe, J.\"," OU), mirror_find_id(k->m, "n0"));
	assert_int_equal(
		mirror_find_dn(k->m, "CN=M\xc3\x9cLLER+UID=7," OU), mirror_find_id(k->m, "n4"));
}

static void
test_mirror_circle_of_parents_ends(void **state)
{
	struct kit *k = *state;
	struct list l = { .count = 0 };

	kit_begin(k, true);
	OK(k, kit_try_full(k, "a", "OU=a,OU=b,DC=x", "b", NULL, "a=b"));
	OK(k, kit_try_full(k, "b", "OU=b,OU=a,DC=x", "a", NULL, "a=b"));
	kit_commit(k);
	assert_non_null(dn_of(k, "a"));
	OK(k, mirror_below(k->m, mirror_find_id(k->m, "a"), collect, &l, &k->e));
	assert_int_equal(l.count, 1);
	OK(k, mirror_moved_below(k->m, 0, collect, &l, &k->e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mirror_2_2_renamed_container_is_one_row),
		T(test_mirror_5_1_moved_below_finds_the_subtree),
		T(test_mirror_full_read_swaps_names),
		T(test_mirror_full_read_swaps_containers_children_first),
		T(test_mirror_child_before_parent),
		T(test_mirror_new_entry_takes_the_name_of_one_gone_or_renamed),
		T(test_mirror_I8_undeleted_entry_is_the_same_row),
		T(test_mirror_names_of_every_escape),
		T(test_mirror_circle_of_parents_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
