/* store/mirror.h, case by case. What holds for all histories is in test_mirror_same.c. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>
#include "mirror_kit.h"

#define BASE "DC=corp,DC=example"
#define OU   "OU=People," BASE
#define GUID "11223344-5566-7788-99aa-bbccddeeff00"

static int
setup(void **state)
{
	*state = kit_new();
	return 0;
}

static int
teardown(void **state)
{
	kit_free(*state);
	return 0;
}

/* base, an OU, two people, a group of both */
static void
small_entries(struct kit *k)
{
	kit_full(k, "base", BASE, "objectClass=domainDNS");
	kit_full(k, "ou", OU, "objectClass=organizationalUnit");
	kit_full(k, "ann", "CN=Ann," OU, "objectClass=user mail=ann@x");
	kit_full(k, "bob", "CN=Bob," OU, "objectClass=user mail=bob@x");
	kit_full(k, "team", "CN=Team," BASE, "objectClass=group");
}

static void
small(struct kit *k)
{
	struct mirror_end ends[] = { { .id = "ann" }, { .id = "bob" } };

	kit_begin(k, true);
	small_entries(k);
	OK(k, mirror_links(k->m, "team", NULL, "member", MIRROR_SET, ends, 2, false, &k->e));
	kit_commit(k);
}

static struct entry
get(struct kit *k, const char *id)
{
	struct entry en;

	OK(k, mirror_get(k->m, mirror_find_id(k->m, id), k->a, &en, &k->e));
	return en;
}

static const struct attr *
attr_of(struct kit *k, const char *id, const char *name)
{
	struct entry en = get(k, id);

	return attrs_get(&en.attrs, name);
}

static struct str
first_of(struct kit *k, const char *id, const char *name)
{
	struct entry en = get(k, id);

	return attrs_first(&en.attrs, name);
}

static const char *
dn_of(struct kit *k, const char *id)
{
	return mirror_dn(k->m, mirror_find_id(k->m, id), k->a);
}

static bool
member(struct kit *k, const char *group, const char *id)
{
	return mirror_link_present(
		k->m, mirror_find_id(k->m, group), "member", mirror_find_id(k->m, id));
}

static bool
changed(struct kit *k, int64_t since, const char *id)
{
	int64_t ns[64], n = mirror_find_id(k->m, id);
	size_t got = mirror_changed_entries(k->m, since, 0, ns, 64);

	for (size_t i = 0; i < got; i++)
		if (ns[i] == n)
			return true;
	return false;
}

static int64_t
rev_of(struct kit *k)
{
	struct mirror_info i;

	OK(k, mirror_info(k->m, &i, &k->e));
	return i.rev;
}

static void
test_mirror_full_read_is_there_again(void **state)
{
	struct kit *k = *state;
	struct mirror_info i;
	struct entry en;

	small(k);
	assert_int_equal(k->st.added, 5);
	assert_int_equal(k->st.links_added, 2);
	assert_int_equal(k->commits, 2); /* making the file, and the read */
	mirror_close(&k->m);
	kit_open(k);
	OK(k, mirror_info(k->m, &i, &k->e));
	assert_int_equal(i.rev, 1);
	assert_string_equal(i.cursor, "cursor");
	assert_string_equal(i.invocation, "inv1");
	assert_int_equal(i.entries, 5);
	assert_int_equal(i.full_at, 1000000);
	assert_int_equal(strlen(i.incarnation), 32);
	en = get(k, "ann");
	assert_string_equal(en.rdn, "CN=Ann");
	assert_int_equal(en.presence, PRESENCE_HERE);
	assert_true(str_eqc(attrs_first(&en.attrs, "MAIL"), "ann@x"));
	assert_string_equal(dn_of(k, "ann"), "CN=Ann," OU);
	assert_int_equal(mirror_find_dn(k->m, "cn=ANN, ou=people,dc=Corp,dc=example"), en.n);
	assert_int_equal(mirror_find_dn(k->m, "CN=Nobody," OU), 0);
	assert_int_equal(mirror_find_dn(k->m, "DC=example"), 0); /* a stub is not present */
	assert_int_equal(mirror_find_value(k->m, "mail", STR("ANN@X")), en.n);
	assert_true(member(k, "team", "ann"));
	assert_int_equal(mirror_parent(k->m, en.n), mirror_find_id(k->m, "ou"));
	kit_check(k);
}

static void
test_mirror_ids_of_any_form_come_back(void **state)
{
	struct kit *k = *state;
	/* not canonical: other writings are other ids */
	const char *ids[] = { GUID, "11223344-5566-7788-99AA-BBCCDDEEFF00", "1122334455667788",
		"0123456789abcdef", "{" GUID "}", GUID "0", "uid=7" };

	kit_begin(k, true);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		char dn[32];

		snprintf(dn, sizeof(dn), "CN=%zu,DC=x", i);
		kit_full(k, ids[i], dn, "a=b");
	}
	kit_commit(k);
	assert_int_equal(k->st.added, ARRAY_LEN(ids));
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		assert_string_equal(get(k, ids[i]).id, ids[i]);
}

static void
test_mirror_second_full_read_changes_nothing(void **state)
{
	struct kit *k = *state;
	struct mirror_link_pos pos = { 0 };
	struct mirror_link l;
	int64_t n;

	small(k);
	small(k);
	assert_false(k->st.any);
	assert_int_equal(
		k->st.changed + k->st.added + k->st.gone + k->st.links_added + k->st.links_removed,
		0);
	assert_int_equal(rev_of(k), 1);
	assert_int_equal(mirror_changed_entries(k->m, 1, 0, &n, 1), 0);
	assert_int_equal(mirror_changed_links(k->m, 1, &pos, &l, 1), 0);
}

/* --- I1 --- */

/* A full read that does not show bob. */
static void
without_bob(struct kit *k)
{
	kit_begin(k, true);
	kit_full(k, "base", BASE, "objectClass=domainDNS");
	kit_full(k, "ou", OU, "objectClass=organizationalUnit");
	kit_full(k, "ann", "CN=Ann," OU, "objectClass=user mail=ann@x");
	kit_full(k, "team", "CN=Team," BASE, "objectClass=group");
	struct mirror_end ends[] = { { .id = "ann" }, { .id = "bob" } };

	OK(k, mirror_links(k->m, "team", NULL, "member", MIRROR_SET, ends, 2, false, &k->e));
	kit_commit(k);
}

static void
test_mirror_I1_first_absence_is_marked_and_counts_as_present(void **state)
{
	struct kit *k = *state;
	struct mirror_info i;

	small(k);
	without_bob(k);
	assert_int_equal(k->st.absent, 1);
	assert_int_equal(k->st.gone, 0);
	assert_int_equal(get(k, "bob").presence, PRESENCE_ABSENT);
	assert_true(mirror_find_dn(k->m, "CN=Bob," OU) != 0);
	assert_true(member(k, "team", "bob"));
	assert_false(changed(k, 1, "bob"));
	OK(k, mirror_info(k->m, &i, &k->e));
	assert_int_equal(i.absent, 1);
	assert_int_equal(i.entries, 5);
	kit_check(k);
}

static void
test_mirror_I1_confirmed_after_the_time_by_the_same_witness(void **state)
{
	struct kit *k = *state;

	small(k);
	without_bob(k);
	k->now += 3599;
	without_bob(k);
	assert_int_equal(get(k, "bob").presence, PRESENCE_ABSENT); /* too early */
	k->now += 1;
	without_bob(k);
	assert_int_equal(k->st.gone, 1);
	assert_int_equal(k->st.absent, 0);
	assert_int_equal(get(k, "bob").presence, PRESENCE_GONE);
	assert_true(changed(k, 1, "bob"));
	assert_int_equal(mirror_find_dn(k->m, "CN=Bob," OU), 0);
	kit_check(k);
}

static void
test_mirror_I1_other_controller_starts_the_wait_anew(void **state)
{
	struct kit *k = *state;

	small(k);
	without_bob(k);
	k->now += 7200;
	k->invocation = "inv2";
	without_bob(k);
	assert_int_equal(get(k, "bob").presence, PRESENCE_ABSENT);
	k->now += 7200;
	k->invocation = "inv1"; /* the first one again: its word is not remembered */
	without_bob(k);
	assert_int_equal(get(k, "bob").presence, PRESENCE_ABSENT);
	k->now += 3600;
	without_bob(k);
	assert_int_equal(get(k, "bob").presence, PRESENCE_GONE);
}

static void
test_mirror_I1_other_bind_starts_the_wait_anew(void **state)
{
	struct kit *k = *state;

	small(k);
	without_bob(k);
	k->now += 7200;
	k->bind = "other";
	without_bob(k);
	assert_int_equal(get(k, "bob").presence, PRESENCE_ABSENT);
	k->now += 3600;
	without_bob(k);
	assert_int_equal(get(k, "bob").presence, PRESENCE_GONE);
}

static void
test_mirror_I1_clock_set_back_starts_the_wait_anew(void **state)
{
	struct kit *k = *state;

	small(k);
	without_bob(k);
	k->now -= 100000;
	without_bob(k);
	k->now += 3599;
	without_bob(k);
	assert_int_equal(get(k, "bob").presence, PRESENCE_ABSENT);
	k->now += 1;
	without_bob(k);
	assert_int_equal(get(k, "bob").presence, PRESENCE_GONE);
}

static void
test_mirror_I1_reappears_by_full_read_or_by_delta(void **state)
{
	struct kit *k = *state;

	small(k);
	without_bob(k);
	small(k);
	assert_int_equal(get(k, "bob").presence, PRESENCE_HERE);
	assert_int_equal(k->st.absent, 0);
	assert_false(changed(k, 1, "bob")); /* it was present all the time */
	without_bob(k);
	kit_begin(k, false);
	kit_part(k, "bob", NULL, "mail=new@x");
	kit_commit(k);
	assert_int_equal(get(k, "bob").presence, PRESENCE_HERE);
	k->now += 7200;
	without_bob(k);
	assert_int_equal(get(k, "bob").presence, PRESENCE_ABSENT); /* counts from now */
	kit_check(k);
}

static void
test_mirror_I1_whole_source_confirms_at_once(void **state)
{
	struct kit *k = *state;

	k->whole = true;
	small(k);
	without_bob(k);
	assert_int_equal(k->st.gone, 1);
	assert_int_equal(get(k, "bob").presence, PRESENCE_GONE);
}

static void
test_mirror_I1_tombstone_is_acted_on_at_once(void **state)
{
	struct kit *k = *state;

	small(k);
	kit_begin(k, false);
	OK(k, mirror_gone(k->m, "bob", NULL, &k->e));
	OK(k, mirror_gone(k->m, "never-seen", NULL, &k->e));
	kit_commit(k);
	assert_int_equal(k->st.gone, 1);
	assert_int_equal(k->st.links_removed, 1);
	assert_int_equal(get(k, "bob").presence, PRESENCE_GONE);
	assert_false(member(k, "team", "bob"));
	assert_true(member(k, "team", "ann"));
	kit_check(k);
}

static void
test_mirror_I1_unsealed_read_leaves_no_trace(void **state)
{
	struct kit *k = *state;
	CLEAN_ARENA struct arena *out = arena_new();

	small(k);
	char *before = kit_dump(k, out);

	kit_begin(k, true);
	kit_full(k, "ann", "CN=Other," OU, "mail=other@x");
	kit_full(k, "zoe", "CN=Zoe," OU, "mail=zoe@x");
	kit_link(k, "team", "newAttribute", MIRROR_SET, BY_DN, "CN=Elsewhere,DC=y");
	OK(k, mirror_gone(k->m, "bob", NULL, &k->e));
	mirror_abort(k->m);
	assert_string_equal(kit_dump(k, out), before);
	assert_int_equal(rev_of(k), 1);
	mirror_close(&k->m);
	kit_open(k);
	assert_string_equal(kit_dump(k, out), before);
	assert_int_equal(mirror_find_id(k->m, "zoe"), 0);
	kit_begin(k, false); /* and the next read goes on as if nothing had been */
	kit_link(k, "team", "newAttribute", MIRROR_SET, BY_ID, "ann");
	kit_commit(k);
	kit_check(k);
}

static void
test_mirror_I4_kill_in_mid_read_changes_nothing(void **state)
{
	struct kit *k = *state;
	CLEAN_ARENA struct arena *out = arena_new();
	int status;

	small(k);
	char *before = kit_dump(k, out);

	for (int stop = 100; stop <= 3000; stop += 700) {
		mirror_close(&k->m);
		pid_t pid = fork();

		if (pid == 0) {
			kit_open(k);
			kit_begin(k, true);
			for (int i = 0; i < stop; i++) {
				char id[16], dn[64];

				snprintf(id, sizeof(id), "id%d", i);
				snprintf(dn, sizeof(dn), "CN=%d," OU, i);
				kit_full(k, id, dn,
					"objectClass=user "
					"description=something-long-enough-to-fill-pages-of-the-"
					"file");
			}
			kill(getpid(), SIGKILL);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		kit_open(k);
		assert_string_equal(kit_dump(k, out), before);
		assert_int_equal(rev_of(k), 1);
		kit_check(k);
	}
}

/* --- what a part, values, links and names do --- */

static void
test_mirror_part_changes_what_it_names(void **state)
{
	struct kit *k = *state;
	struct entry en;

	small(k);
	kit_begin(k, false);
	kit_part(k, "ann", NULL, "mail=new@x department=IT");
	kit_part(k, "bob", NULL, "mail=bob@x"); /* as it was */
	kit_commit(k);
	assert_int_equal(k->st.changed, 1);
	en = get(k, "ann");
	assert_true(str_eqc(attrs_first(&en.attrs, "mail"), "new@x"));
	assert_true(str_eqc(attrs_first(&en.attrs, "objectClass"), "user"));
	assert_true(changed(k, 1, "ann"));
	assert_false(changed(k, 1, "bob"));
	kit_begin(k, false);
	kit_part(k, "ann", NULL, "department=");
	kit_commit(k);
	assert_null(attr_of(k, "ann", "department"));
	assert_string_equal(dn_of(k, "ann"), "CN=Ann," OU);
}

static void
test_mirror_part_of_unknown_is_missing_until_fetched(void **state)
{
	struct kit *k = *state;
	const char **ids;

	small(k);
	kit_begin(k, false);
	kit_part(k, GUID, "CN=Zoe," OU, "mail=zoe@x");
	kit_link(k, "club", "member", MIRROR_ADD, BY_ID, "ann");
	kit_part(k, GUID, NULL, "mail=zoe2@x");
	assert_int_equal(mirror_missing(k->m, k->a, &ids), 2);
	assert_true(strcmp(ids[0], GUID) == 0 || strcmp(ids[1], GUID) == 0);
	kit_full(k, GUID, "CN=Zoe," OU, "mail=zoe2@x");
	OK(k, mirror_gone(k->m, "club", NULL, &k->e));
	assert_int_equal(mirror_missing(k->m, k->a, &ids), 0);
	kit_commit(k);
	assert_int_equal(get(k, GUID).presence, PRESENCE_HERE);
	kit_begin(k, false);
	assert_int_equal(mirror_missing(k->m, k->a, &ids), 0);
	struct attrs as = kit_attrs(k, "a=b");
	struct mirror_entry en = { .dn = "CN=Who,DC=y", .attrs = &as };

	assert_false(mirror_entry(k->m, &en, &k->e));
	assert_int_equal(k->e.kind, ERR_OBJECT);
	assert_string_equal(k->e.code, "no-entry");
	kit_commit(k);
	kit_check(k);
}

static void
test_mirror_values_add_and_remove(void **state)
{
	struct kit *k = *state;
	struct str two[] = { STR("a@x"), STR("b@x") }, gone[] = { STR("ANN@X"), STR("nothing") };
	struct attr add = { "mail", 2, two }, remove = { "mail", 2, gone };

	small(k);
	kit_begin(k, false);
	OK(k, mirror_values(k->m, NULL, "cn=ann," OU, "mail", &add, &remove, &k->e));
	kit_commit(k);
	const struct attr *mail = attr_of(k, "ann", "mail");

	assert_int_equal(mail->count, 2);
	assert_true(attr_has(mail, STR("a@x")) && attr_has(mail, STR("b@x")));
	kit_begin(k, false);
	OK(k, mirror_values(k->m, "ann", NULL, "mail", NULL, &add, &k->e));
	kit_commit(k);
	assert_null(attr_of(k, "ann", "mail"));
}

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

/* --- stubs --- */

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

/* --- links --- */

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

/* --- bad --- */

static void
test_mirror_I1_bad_attribute_keeps_what_is_known_in_either_order(void **state)
{
	struct kit *k = *state;

	for (int after = 0; after < 2; after++) {
		small(k);
		kit_begin(k, true);
		kit_full(k, "base", BASE, "objectClass=domainDNS");
		kit_full(k, "ou", OU, "objectClass=organizationalUnit");
		if (!after)
			OK(k, mirror_bad(k->m, "ann", NULL, "mail", "too long", &k->e));
		kit_full(k, "ann", "CN=Ann," OU, "objectClass=user");
		if (after)
			OK(k, mirror_bad(k->m, "ann", NULL, "mail", "too long", &k->e));
		OK(k, mirror_bad(k->m, "bob", NULL, NULL, "not readable", &k->e));
		OK(k, mirror_bad(k->m, "team", NULL, "member", "range missing", &k->e));
		kit_full(k, "team", "CN=Team," BASE, "objectClass=group");
		kit_commit(k);
		assert_int_equal(k->st.bad, 3);
		assert_true(str_eqc(first_of(k, "ann", "mail"), "ann@x"));
		assert_int_equal(get(k, "bob").presence, PRESENCE_HERE);
		assert_true(member(k, "team", "ann") && member(k, "team", "bob"));
		assert_string_equal(
			mirror_bad_note(k->m, mirror_find_id(k->m, "ann"), k->a), "mail: too long");
		assert_string_equal(
			mirror_bad_note(k->m, mirror_find_id(k->m, "bob"), k->a), "not readable");
		kit_check(k);
	}
	small(k);
	assert_null(mirror_bad_note(k->m, mirror_find_id(k->m, "ann"), k->a));
	kit_begin(k, false);
	OK(k, mirror_bad(k->m, "ann", NULL, "mail", "a\x1b[0mb", &k->e));
	kit_commit(k);
	assert_non_null(mirror_bad_note(k->m, mirror_find_id(k->m, "ann"), k->a));
	kit_begin(k, false);
	kit_part(k, "ann", NULL, "mail=well@x");
	kit_commit(k);
	assert_null(mirror_bad_note(k->m, mirror_find_id(k->m, "ann"), k->a));
}

static void
test_mirror_bad_messages_name_the_object_and_leave_no_trace(void **state)
{
	struct kit *k = *state;
	CLEAN_ARENA struct arena *out = arena_new();
	struct mirror_end ends[] = { { .id = "ann" }, { .dn = "no dn at all" } };
	CLEAN_FREE char *longid = xcalloc(1, 5000);

	memset(longid, 'x', 4999);
	small(k);
	char *before = kit_dump(k, out);

	kit_begin(k, true);
	small_entries(k);
	assert_false(kit_try_full(k, "new", "nonsense", NULL, NULL, "a=b"));
	assert_int_equal(k->e.kind, ERR_OBJECT);
	assert_non_null(strstr(k->e.text, "nonsense"));
	assert_false(kit_try_full(k, NULL, "CN=No Id," OU, NULL, NULL, "a=b"));
	assert_string_equal(k->e.code, "no-id");
	assert_false(kit_try_full(k, longid, "CN=L," OU, NULL, NULL, "a=b"));
	assert_int_equal(k->e.kind, ERR_OBJECT);
	assert_false(kit_try_full(k, "self", "CN=S," OU, "self", NULL, "a=b"));
	assert_int_equal(k->e.kind, ERR_OBJECT);
	assert_false(kit_try_full(k, "x", NULL, NULL, NULL, "a=b"));
	assert_int_equal(k->e.kind, ERR_OBJECT);
	/* a set with an end that cannot be read is held back as a whole */
	assert_false(mirror_links(k->m, "team", NULL, "member", MIRROR_SET, ends, 2, false, &k->e));
	assert_int_equal(k->e.kind, ERR_OBJECT);
	assert_non_null(strstr(k->e.text, "team"));
	OK(k, mirror_bad(k->m, "team", NULL, NULL, k->e.text, &k->e));
	kit_commit(k);
	assert_string_equal(kit_dump(k, out), before);
	assert_true(member(k, "team", "bob"));
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

/* --- refusals --- */

static void
test_mirror_other_directory_is_refused(void **state)
{
	struct kit *k = *state;
	struct mirror_origin o = { .context = "other", .request = "req", .now = 1 };

	small(k);
	assert_false(mirror_begin(k->m, true, &o, &k->e));
	assert_string_equal(k->e.code, "other-directory");
	assert_int_equal(k->e.kind, ERR_CONFIG);
	small(k);
}

static void
test_mirror_4_1_delta_is_bound_to_cursor_and_request(void **state)
{
	struct kit *k = *state;
	struct mirror_origin o = { .context = "ctx", .request = "req", .now = 1 };

	assert_false(mirror_begin(k->m, false, &o, &k->e));
	assert_string_equal(k->e.code, "full-needed");
	small(k);
	o.request = "more attributes";
	assert_false(mirror_begin(k->m, false, &o, &k->e));
	assert_string_equal(k->e.code, "full-needed");
	kit_begin(k, false);
	kit_commit(k);
	assert_false(k->st.any);
	assert_int_equal(rev_of(k), 1);
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

static void
test_mirror_read_only_looks_while_a_read_is_open(void **state)
{
	struct kit *k = *state;
	struct mirror *r = NULL;
	struct mirror_info i;

	small(k);
	OK(k, mirror_open(k->path, NULL, true, &r, &k->e));
	kit_begin(k, false);
	kit_part(k, "ann", NULL, "mail=new@x");
	OK(k, mirror_info(r, &i, &k->e));
	assert_int_equal(i.rev, 1);
	kit_commit(k);
	OK(k, mirror_info(r, &i, &k->e));
	assert_int_equal(i.rev, 2);
	struct mirror_origin o = { .context = "ctx", .request = "req", .now = 1 };

	assert_false(mirror_begin(r, true, &o, &k->e));
	mirror_close(&r);
}

/* Every changed entry and link comes once, whatever the size of the page and of a revision. */
static void
test_mirror_I10_changes_come_in_pages_each_once(void **state)
{
	struct kit *k = *state;
	struct mirror_link_pos pos = { 0 };
	struct mirror_link ls[7];
	int64_t ns[7], after = 0, seen[400] = { 0 };
	size_t got, entries = 0, links = 0;

	for (int rev = 0; rev < 10; rev++) {
		kit_begin(k, rev == 0);
		if (rev == 0)
			kit_full(k, "team", "CN=Team,DC=x", "a=b");
		for (int i = 0; i < (rev % 3 ? 1 : 25); i++) {
			CLEAN_FREE char *id = xasprintf("r%d-%d", rev, i),
					*dn = xasprintf("CN=%s,DC=x", id);

			kit_full(k, id, dn, "a=b");
			kit_link(k, "team", "member", MIRROR_ADD, BY_ID, id);
		}
		kit_commit(k);
	}
	while ((got = mirror_changed_entries(k->m, 1, after, ns, 7))) {
		for (size_t i = 0; i < got; i++)
			assert_int_equal(seen[ns[i]]++, 0);
		entries += got;
		after = ns[got - 1];
	}
	assert_int_equal(entries, 3 * 25 + 6);
	memset(seen, 0, sizeof(seen));
	while ((got = mirror_changed_links(k->m, 1, &pos, ls, 7))) {
		for (size_t i = 0; i < got; i++)
			assert_int_equal(seen[ls[i].other]++, 0);
		links += got;
	}
	assert_int_equal(links, 3 * 25 + 6);
}

static void
test_mirror_check_finds_damage_and_backup_is_whole(void **state)
{
	struct kit *k = *state;
	CLEAN_ARENA struct arena *out = arena_new();
	CLEAN_FREE char *to = xasprintf("%s/b.db", k->dir);
	int64_t findings;

	small(k);
	char *before = kit_dump(k, out);

	OK(k, mirror_backup(k->m, to, &k->e));
	kit_begin(k, false);
	OK(k, mirror_gone(k->m, "ann", NULL, &k->e));
	kit_commit(k);
	CLEAN_FREE char *cmd = xasprintf("sqlite3 %s \"UPDATE entry SET parent = 99 WHERE n = 3; "
					 "UPDATE entry SET attrs = x'05' WHERE n = 4\"",
		k->path);

	if (system("command -v sqlite3 >/dev/null") == 0) {
		assert_int_equal(system(cmd), 0);
		OK(k, mirror_check(k->m, NULL, NULL, &findings, &k->e));
		assert_int_equal(findings, 3); /* no parent, off the tree, attributes */
	}
	mirror_close(&k->m);
	assert_int_equal(rename(to, k->path), 0);
	CLEAN_FREE char *wal = xasprintf("rm -f %s-wal %s-shm", k->path, k->path);

	assert_int_equal(system(wal), 0);
	kit_open(k);
	assert_string_equal(kit_dump(k, out), before);
	kit_check(k);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mirror_full_read_is_there_again),
		T(test_mirror_ids_of_any_form_come_back),
		T(test_mirror_second_full_read_changes_nothing),
		T(test_mirror_I1_first_absence_is_marked_and_counts_as_present),
		T(test_mirror_I1_confirmed_after_the_time_by_the_same_witness),
		T(test_mirror_I1_other_controller_starts_the_wait_anew),
		T(test_mirror_I1_other_bind_starts_the_wait_anew),
		T(test_mirror_I1_clock_set_back_starts_the_wait_anew),
		T(test_mirror_I1_reappears_by_full_read_or_by_delta),
		T(test_mirror_I1_whole_source_confirms_at_once),
		T(test_mirror_I1_tombstone_is_acted_on_at_once),
		T(test_mirror_I1_unsealed_read_leaves_no_trace),
		T(test_mirror_I4_kill_in_mid_read_changes_nothing),
		T(test_mirror_part_changes_what_it_names),
		T(test_mirror_part_of_unknown_is_missing_until_fetched),
		T(test_mirror_values_add_and_remove),
		T(test_mirror_2_2_renamed_container_is_one_row),
		T(test_mirror_5_1_moved_below_finds_the_subtree),
		T(test_mirror_full_read_swaps_names),
		T(test_mirror_full_read_swaps_containers_children_first),
		T(test_mirror_child_before_parent),
		T(test_mirror_new_entry_takes_the_name_of_one_gone_or_renamed),
		T(test_mirror_I8_undeleted_entry_is_the_same_row),
		T(test_mirror_links_before_entries_by_id_dn_and_sid),
		T(test_mirror_stubs_of_one_entry_merge_with_their_links),
		T(test_mirror_returning_entry_takes_in_the_stub_at_its_place),
		T(test_mirror_links_replaced_as_a_set_keep_their_rev),
		T(test_mirror_full_entry_without_links_lines_has_none),
		T(test_mirror_read_that_ends_inside_a_set_is_refused),
		T(test_mirror_primary_group_is_membership),
		T(test_mirror_4_2_nested_groups_and_circles),
		T(test_mirror_I1_bad_attribute_keeps_what_is_known_in_either_order),
		T(test_mirror_bad_messages_name_the_object_and_leave_no_trace),
		T(test_mirror_names_of_every_escape),
		T(test_mirror_other_directory_is_refused),
		T(test_mirror_4_1_delta_is_bound_to_cursor_and_request),
		T(test_mirror_circle_of_parents_ends),
		T(test_mirror_read_only_looks_while_a_read_is_open),
		T(test_mirror_I10_changes_come_in_pages_each_once),
		T(test_mirror_check_finds_damage_and_backup_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
