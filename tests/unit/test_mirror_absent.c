/* store/mirror.h: what was not seen (I1), and reads that do not come to their end. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>
#include "mirror_small.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
