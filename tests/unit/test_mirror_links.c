/* store/mirror.h: links, their other ends, and the stubs these leave. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mirror_small.h"

static void
test_mirror_links_before_entries_by_id_dn_and_sid(void **state)
{
	struct kit *k = *state;

	kit_begin(k, true);
	kit_full(k, "team", "CN=Team," BASE, "a=b");
	kit_link(k, "team", "member", MIRROR_ADD, BY_ID, "ann");
	kit_link(k, "team", "member", MIRROR_ADD, BY_DN, "CN=Bob," OU);
	kit_link(k, "team", "member", MIRROR_ADD, BY_SID, "S-1-5-21-1-2-3-1105");
	kit_commit(k);
	assert_int_equal(k->st.added, 1);
	kit_begin(k, false);
	kit_full(k, "base", BASE, "a=b");
	kit_full(k, "ou", OU, "a=b");
	kit_full(k, "ann", "CN=Ann," OU, "a=b");
	kit_full(k, "bob", "CN=Bob," OU, "a=b");
	OK(k, kit_try_full(k, "cid", "CN=Cid," OU, "ou", "S-1-5-21-1-2-3-1105", "a=b"));
	kit_commit(k);
	assert_true(member(k, "team", "ann"));
	assert_true(member(k, "team", "bob"));
	assert_true(member(k, "team", "cid"));
	assert_int_equal(k->st.added, 5);
	kit_check(k);
}

/* One thing, known under three names before it comes: the stubs become one. */
static void
test_mirror_stubs_of_one_entry_merge_with_their_links(void **state)
{
	struct kit *k = *state;
	int64_t *ns;

	small(k);
	kit_begin(k, false);
	kit_link(k, "team", "member", MIRROR_ADD, BY_ID, "zoe");
	kit_link(k, "team", "member", MIRROR_ADD, BY_DN, "CN=Zoe," OU);
	kit_link(k, "team", "manager", MIRROR_SET, BY_SID, "S-1-5-21-1-2-3-1106");
	kit_link(k, "ann", "manager", MIRROR_SET, BY_DN, "CN=Zoe," OU);
	kit_full(k, "kid", "CN=Kid,CN=Zoe," OU, "a=b");
	kit_commit(k);
	kit_begin(k, false);
	OK(k, kit_try_full(k, "zoe", "CN=Zoe," OU, NULL, "S-1-5-21-1-2-3-1106", "a=b"));
	kit_commit(k);
	int64_t zoe = mirror_find_id(k->m, "zoe");

	assert_int_equal(
		mirror_links_of(k->m, mirror_find_id(k->m, "team"), "member", false, 0, k->a, &ns),
		3);
	assert_int_equal(mirror_links_of(k->m, zoe, "manager", true, 0, k->a, &ns), 2);
	assert_true(member(k, "team", "zoe"));
	assert_int_equal(mirror_parent(k->m, mirror_find_id(k->m, "kid")), zoe);
	kit_check(k);
}

/* An undeleted entry finds at its place the stub that a link made meanwhile. */
static void
test_mirror_returning_entry_takes_in_the_stub_at_its_place(void **state)
{
	struct kit *k = *state;

	small(k);
	kit_begin(k, false);
	OK(k, mirror_gone(k->m, "bob", NULL, &k->e));
	kit_link(k, "team", "manager", MIRROR_SET, BY_DN, "CN=Bob," OU);
	kit_commit(k);
	assert_false(mirror_link_present(
		k->m, mirror_find_id(k->m, "team"), "manager", mirror_find_id(k->m, "bob")));
	kit_begin(k, false);
	kit_full(k, "bob", "CN=Bob," OU, "a=b");
	kit_commit(k);
	assert_true(mirror_link_present(
		k->m, mirror_find_id(k->m, "team"), "manager", mirror_find_id(k->m, "bob")));
	kit_check(k);
}

static void
test_mirror_links_replaced_as_a_set_keep_their_rev(void **state)
{
	struct kit *k = *state;
	struct mirror_end first[] = { { .id = "ann" } }, second[] = { { .id = "zoe" } };
	struct mirror_link_pos pos = { 0 };
	struct mirror_link ls[8];

	small(k);
	kit_begin(k, false);
	kit_full(k, "zoe", "CN=Zoe," OU, "a=b");
	OK(k, mirror_links(k->m, "team", NULL, "MEMBER", MIRROR_SET, first, 1, true, &k->e));
	kit_link(k, "ann", "manager", MIRROR_SET, BY_ID, "bob"); /* another set in between */
	OK(k, mirror_links(k->m, "team", NULL, "member", MIRROR_SET, second, 1, false, &k->e));
	kit_commit(k);
	assert_int_equal(k->st.links_added, 2);
	assert_int_equal(k->st.links_removed, 1);
	assert_true(member(k, "team", "ann") && member(k, "team", "zoe"));
	assert_false(member(k, "team", "bob"));
	assert_int_equal(
		mirror_changed_links(k->m, 1, &pos, ls, 8), 3); /* ann's link is as old as it was */
	for (int i = 0; i < 3; i++)
		assert_int_not_equal(ls[i].other, mirror_find_id(k->m, "ann"));
	assert_int_equal(mirror_changed_links(k->m, 1, &pos, ls, 8), 0);
}

static void
test_mirror_full_entry_without_links_lines_has_none(void **state)
{
	struct kit *k = *state;

	small(k);
	kit_begin(k, false);
	kit_link(k, "ann", "manager", MIRROR_SET, BY_ID, "bob");
	kit_commit(k);
	kit_begin(k, false);
	kit_full(k, "team", "CN=Team," BASE, "objectClass=group");
	kit_commit(k);
	assert_int_equal(k->st.links_removed, 2);
	small(k); /* says nothing of a manager */
	assert_int_equal(k->st.links_added, 2);
	assert_int_equal(k->st.links_removed, 1);
	kit_check(k);
}

static void
test_mirror_read_that_ends_inside_a_set_is_refused(void **state)
{
	struct kit *k = *state;
	CLEAN_ARENA struct arena *out = arena_new();
	struct mirror_end one = { .id = "ann" };

	small(k);
	char *before = kit_dump(k, out);

	kit_begin(k, false);
	OK(k, mirror_links(k->m, "team", NULL, "member", MIRROR_SET, &one, 1, true, &k->e));
	assert_false(mirror_commit(k->m, "c", 0, NULL, &k->e));
	assert_string_equal(k->e.code, "bad-read");
	assert_string_equal(kit_dump(k, out), before);
}

static void
test_mirror_primary_group_is_membership(void **state)
{
	struct kit *k = *state;
	struct mirror_link_pos pos = { 0 };
	struct mirror_link ls[8];
	int64_t *ns, ann, users;

	kit_begin(k, true);
	kit_full(k, "ann", "CN=Ann,DC=x", "a=b");
	kit_link(k, "ann", "primaryGroup", MIRROR_SET, BY_SID, "S-1-5-21-1-2-3-513");
	OK(k, kit_try_full(k, "users", "CN=Users,DC=x", NULL, "S-1-5-21-1-2-3-513", "a=b"));
	kit_full(k, "admins", "CN=Admins,DC=x", "a=b");
	kit_commit(k);
	ann = mirror_find_id(k->m, "ann");
	users = mirror_find_id(k->m, "users");
	assert_true(member(k, "users", "ann"));
	assert_true(mirror_in_group(k->m, ann, users));
	assert_true(mirror_link_present(k->m, ann, "primaryGroup", users));
	assert_int_equal(mirror_links_of(k->m, users, "member", false, 0, k->a, &ns), 1);
	assert_int_equal(mirror_links_of(k->m, ann, "memberOf", false, 0, k->a, &ns), 1);
	assert_int_equal(ns[0], users);
	assert_int_equal(mirror_links_of(k->m, ann, "memberOf", true, 0, k->a, &ns), 1);
	assert_int_equal(mirror_links_of(k->m, ann, "primaryGroup", false, 0, k->a, &ns), 1);
	assert_int_equal(ns[0], users);
	assert_int_equal(mirror_changed_links(k->m, 0, &pos, ls, 8), 1);
	assert_string_equal(ls[0].attribute, "member");
	assert_int_equal(ls[0].owner, users);
	/* the group's own full entry says nothing of it; a member in both ways stays one */
	kit_begin(k, false);
	OK(k, kit_try_full(k, "users", "CN=Users,DC=x", NULL, "S-1-5-21-1-2-3-513", "a=b"));
	kit_link(k, "users", "member", MIRROR_SET, BY_ID, "ann");
	kit_commit(k);
	assert_int_equal(mirror_links_of(k->m, users, "member", false, 0, k->a, &ns), 1);
	kit_begin(k, false);
	kit_link(k, "ann", "primaryGroup", MIRROR_SET, BY_ID, "admins");
	kit_commit(k);
	assert_true(member(k, "users", "ann"));
	pos = (struct mirror_link_pos){ 0 };
	size_t got = mirror_changed_links(k->m, 2, &pos, ls, 8);

	assert_int_equal(got, 2);
	for (size_t i = 0; i < got; i++)
		assert_true(ls[i].present); /* the one that ended is still true by member */
	kit_begin(k, false);
	kit_link(k, "users", "member", MIRROR_REMOVE, BY_DN, "CN=Ann,DC=x");
	kit_commit(k);
	assert_false(member(k, "users", "ann"));
	assert_true(member(k, "admins", "ann"));
	assert_int_equal(mirror_links_of(k->m, ann, "memberOf", true, 2, k->a, &ns),
		2); /* with what ended since */
	kit_check(k);
}

static void
test_mirror_4_2_nested_groups_and_circles(void **state)
{
	struct kit *k = *state;
	char id[16], dn[32], up[16];

	kit_begin(k, true);
	for (int i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "g%d", i);
		snprintf(dn, sizeof(dn), "CN=g%d,DC=x", i);
		snprintf(up, sizeof(up), "g%d", (i + 1) % 20);
		kit_full(k, id, dn, "a=b");
		if (i != 9) /* g0 in g1 in ... in g9; g10 in ... in g19 in g0 */
			kit_link(k, up, "member", MIRROR_ADD, BY_ID, id);
	}
	kit_link(k, "g3", "member", MIRROR_ADD, BY_ID, "g7"); /* a circle 3..7 */
	kit_full(k, "ann", "CN=Ann,DC=x", "a=b");
	kit_link(k, "g12", "member", MIRROR_ADD, BY_ID, "ann");
	kit_commit(k);
	for (int round = 0; round < 2; round++) { /* the second from memory */
		for (int i = 0; i < 20; i++) {
			snprintf(id, sizeof(id), "g%d", i);
			assert_int_equal(mirror_in_group(k->m, mirror_find_id(k->m, "ann"),
						 mirror_find_id(k->m, id)),
				i < 10 || i >= 12);
		}
		assert_false(mirror_in_group(
			k->m, mirror_find_id(k->m, "g5"), mirror_find_id(k->m, "g5")));
		assert_false(mirror_in_group(
			k->m, mirror_find_id(k->m, "g5"), mirror_find_id(k->m, "g1")));
		assert_true(mirror_in_group(
			k->m, mirror_find_id(k->m, "g5"), mirror_find_id(k->m, "g4")));
	}
	kit_begin(k, false);
	kit_link(k, "g0", "member", MIRROR_REMOVE, BY_ID, "g19");
	kit_commit(k);
	assert_false(
		mirror_in_group(k->m, mirror_find_id(k->m, "ann"), mirror_find_id(k->m, "g0")));
	assert_true(
		mirror_in_group(k->m, mirror_find_id(k->m, "ann"), mirror_find_id(k->m, "g19")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mirror_links_before_entries_by_id_dn_and_sid),
		T(test_mirror_stubs_of_one_entry_merge_with_their_links),
		T(test_mirror_returning_entry_takes_in_the_stub_at_its_place),
		T(test_mirror_links_replaced_as_a_set_keep_their_rev),
		T(test_mirror_full_entry_without_links_lines_has_none),
		T(test_mirror_read_that_ends_inside_a_set_is_refused),
		T(test_mirror_primary_group_is_membership),
		T(test_mirror_4_2_nested_groups_and_circles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
