/* store/mirror.h, case by case: reads, what they bring, what is refused. What holds for all histories is in
 * test_mirror_same.c. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mirror_small.h"

#define GUID "11223344-5566-7788-99aa-bbccddeeff00"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mirror_full_read_is_there_again),
		T(test_mirror_ids_of_any_form_come_back),
		T(test_mirror_second_full_read_changes_nothing),
		T(test_mirror_part_changes_what_it_names),
		T(test_mirror_part_of_unknown_is_missing_until_fetched),
		T(test_mirror_values_add_and_remove),
		T(test_mirror_I1_bad_attribute_keeps_what_is_known_in_either_order),
		T(test_mirror_bad_messages_name_the_object_and_leave_no_trace),
		T(test_mirror_other_directory_is_refused),
		T(test_mirror_4_1_delta_is_bound_to_cursor_and_request),
		T(test_mirror_read_only_looks_while_a_read_is_open),
		T(test_mirror_I10_changes_come_in_pages_each_once),
		T(test_mirror_check_finds_damage_and_backup_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
