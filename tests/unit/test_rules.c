/* rules/rules.h: who is in, and what is wanted of him. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>
#include "rules/rules.h"
#include "world.h"
#include "rules_kit.h"

static struct rules *
compile(const struct conf_sync *s)
{
	struct rules *r = NULL;
	struct err e;

	if (!rules_compile(NULL, s, &world_schema, &r, &e))
		fail_msg("%s", e.text);
	rules_resolve(r, &f.w);
	return r;
}

static struct verdict
scope(const struct conf_sync *s, const struct entry *en)
{
	struct rules *r = compile(s);
	struct verdict v;
	struct err e;

	if (!rules_scope(r, &f.w, en, f.a, &v, &e))
		fail_msg("%s", e.text);
	rules_free(&r);
	return v;
}

static void
test_4_2_base_and_not_base(void **state)
{
	struct conf_sync s = sync_of(NULL, 0);

	(void)state;
	assert_true(scope(&s, ann).in);
	assert_false(scope(&s, people).in);
	assert_string_equal(scope(&s, people).why, "neither a user nor a group");
	s.scope.base = texts("ou=people,DC=X");
	assert_true(scope(&s, ann).in);
	assert_true(scope(&s, bob).in);
	assert_false(scope(&s, team).in);
	assert_string_equal(scope(&s, team).why, "not under any base (line 7)");
	s.scope.not_base = texts("OU=Attic,OU=People,DC=x");
	assert_false(scope(&s, bob).in);
	assert_string_equal(
		scope(&s, bob).why, "under not_base 'OU=Attic,OU=People,DC=x' (line 7)");
	assert_int_equal(scope(&s, bob).step_count, 2);
	assert_true(scope(&s, ann).in);
	s.scope.base = texts("CN=Ann Lee,OU=People,DC=x");
	assert_true(scope(&s, ann).in);
	s.scope.base = texts("OU=None,DC=x");
	assert_string_equal(
		scope(&s, ann).why, "base 'OU=None,DC=x' is not in the directory (line 7)");
}

static void
test_4_2_group_nested_never_itself(void **state)
{
	struct conf_sync s = sync_of(NULL, 0);
	const int64_t *ns;

	(void)state;
	s.scope.group = texts("CN=All,DC=x");
	assert_true(scope(&s, ann).in);
	assert_true(scope(&s, team).in);
	assert_false(scope(&s, all).in);
	assert_false(scope(&s, bob).in);
	assert_string_equal(scope(&s, bob).why, "not a member of group 'CN=All,DC=x' (line 7)");
	struct rules *r = compile(&s);
	assert_int_equal(rules_scope_groups(r, &ns), 1);
	assert_int_equal(ns[0], all->n);
	assert_false(rules_uses_memberof(r));
	rules_free(&r);
	s.scope.group = texts("CN=Gone,DC=x");
	assert_string_equal(
		scope(&s, ann).why, "group 'CN=Gone,DC=x' is not in the directory (line 7)");
}

static void
test_4_2_filter_when_and_kind(void **state)
{
	struct conf_sync s = sync_of(NULL, 0);
	struct verdict v;
	struct err e;

	(void)state;
	s.scope.filter = texts("(mail=*)");
	assert_true(scope(&s, ann).in);
	assert_string_equal(scope(&s, bob).why, "filter (mail=*) does not match (line 7)");
	s.scope.when = texts("before(\"20251121170000Z\") and cn == \"Ann Lee\"");
	v = scope(&s, ann);
	assert_true(v.in);
	assert_true(v.wake == NOW + 3600);
	assert_string_equal(v.steps[1].what, "when");
	s.scope.when = texts("hidden");
	assert_false(scope(&s, ann).in);
	s.scope.when = texts("cn");
	struct rules *r = compile(&s);
	assert_false(rules_scope(r, &f.w, ann, f.a, &v, &e));
	assert_int_equal(e.kind, ERR_OBJECT);
	assert_string_equal(e.text, "when 'cn' (line 7): neither true nor false");
	/* who fails an earlier condition is not even asked */
	assert_true(rules_scope(r, &f.w, bob, f.a, &v, &e));
	rules_free(&r);
	s.scope.when = texts("Contains(memberOf, \"x\")");
	r = compile(&s);
	assert_true(rules_uses_memberof(r));
	rules_free(&r);
	s.kind[KIND_USER].enabled = false;
	assert_string_equal(scope(&s, ann).why, "users are switched off");
	s.scope.filter = texts("(mial=*)");
	assert_false(rules_compile(NULL, &s, &world_schema, &r, &e));
	assert_null(r);
	assert_string_equal(e.text, "x.conf:7: scope: filter: the source has no attribute 'mial'; "
				    "did you mean 'mail'?");
}

static void
test_4_2_containers_are_asked_once(void **state)
{
	struct conf_sync s = sync_of(NULL, 0);
	struct verdict v;

	(void)state;
	s.scope.base = texts("DC=x");
	struct rules *r = compile(&s);
	rules_scope(r, &f.w, bob, f.a, &v, NULL);
	int once = f.asked;
	assert_true(once > 0);
	for (int i = 0; i < 10; i++)
		rules_scope(r, &f.w, bob, f.a, &v, NULL);
	assert_int_equal(f.asked, once);
	/* and anew after the next read: the container may have moved */
	f.list[attic->n].en.parent = 0;
	rules_resolve(r, &f.w);
	rules_scope(r, &f.w, bob, f.a, &v, NULL);
	assert_false(v.in);
	rules_free(&r);
}

static const struct conf_map defaults[] = {
	{ "userName", "mail or userPrincipalName", "built-in", 0, true },
	{ "displayName", "displayName or cn", "built-in", 0, true },
	{ "name.givenName", "givenName", "built-in", 0, true },
	{ "name.familyName", "sn", "built-in", 0, true },
	{ "emails.work", "mail", "built-in", 0, true },
	{ "title", "title", "built-in", 0, true },
	{ "phoneNumbers.work", "telephoneNumber", "built-in", 0, true },
	{ "phoneNumbers.mobile", "mobile", "built-in", 0, true },
	{ "addresses.work.locality", "l", "built-in", 0, true },
	{ "addresses.work.postalCode", "postalCode", "built-in", 0, true },
	{ "department", "department", "built-in", 0, true },
	{ "organization", "company or o", "built-in", 0, true },
	{ "employeeNumber", "employeeNumber or employeeID", "built-in", 0, true },
	{ "aliases", "Aliases(proxyAddresses)", "built-in", 0, true },
	{ "manager", "manager", "built-in", 0, true },
	{ "active", "enabled", "built-in", 0, true },
};

static void
test_1_3_default_maps_on_any_source(void **state)
{
	struct conf_sync s = sync_of(defaults, sizeof(defaults) / sizeof(*defaults));
	struct rules *r = compile(&s);
	struct mapped m;
	struct err e;

	(void)state;
	assert_true(rules_map(r, &f.w, ann, &kinds[KIND_USER], f.a, &m, &e));
	assert_string_equal(m.name, "ann@x.org");
	assert_true(m.active);
	assert_true(m.refs[0]);
	assert_null(attrs_get(&m.wanted, "manager"));
	assert_null(attrs_get(&m.wanted, "phoneNumbers.mobile"));
	assert_int_equal(attrs_get(&m.wanted, "aliases")->count, 2);
	assert_true(str_eqc(attrs_first(&m.wanted, "active"), "true"));
	assert_int_equal(m.step_count, 16);
	assert_true(rules_map(r, &f.w, bob, &kinds[KIND_USER], f.a, &m, &e));
	assert_string_equal(m.name, "bob@x.org");
	assert_false(m.active);
	rules_free(&r);
}

static bool
many_lookup(void *ctx, const char *name, bool *multi_r, bool *link_r, bool *bytes_r)
{
	bool known = world_lookup(ctx, name, multi_r, link_r, bytes_r);

	*multi_r = true;
	return known;
}

static void
test_1_3_default_maps_where_all_is_multivalued(void **state)
{
	static const struct rules_schema many = { NULL, many_lookup };
	struct conf_sync s = sync_of(defaults, sizeof(defaults) / sizeof(*defaults));
	struct rules *r = NULL;
	struct mapped m;
	struct err e;

	(void)state;
	assert_true(rules_compile(NULL, &s, &many, &r, &e));
	attrs_add(&ann->attrs, "cn", STR("Aaa"));
	assert_true(rules_map(r, &f.w, ann, &kinds[KIND_USER], f.a, &m, &e));
	assert_true(str_eqc(attrs_first(&m.wanted, "displayName"), "Aaa"));
	assert_true(str_eqc(attrs_get(&ann->attrs, "cn")->values[0], "Ann Lee"));
	/* a second address must not rename anybody */
	attrs_add(&ann->attrs, "mail", STR("a@x.org"));
	assert_false(rules_map(r, &f.w, ann, &kinds[KIND_USER], f.a, &m, &e));
	assert_int_equal(e.kind, ERR_OBJECT);
	assert_non_null(strstr(e.text, "2 values where one is taken"));
	rules_free(&r);
}

static void
test_N13_a_bad_attribute_is_held_back(void **state)
{
	struct conf_map maps[] = { { "userName", "mail or userPrincipalName", "x.conf", 3, false },
		{ "title", "title", "x.conf", 4, false },
		{ "nickName", "objectGUID", "x.conf", 5, false },
		{ "department", "department", "x.conf", 6, false } };
	struct conf_sync s = sync_of(maps, 4);
	struct rules *r = compile(&s);
	struct mapped m;
	struct err e;

	(void)state;
	attrs_set_c(&bob->attrs, "department", "D");
	assert_true(rules_map(r, &f.w, bob, &kinds[KIND_USER], f.a, &m, &e));
	assert_string_equal(
		m.steps[1].error, "title = 'title': the value is not UTF-8: 'bad \\xff'");
	assert_null(attrs_get(&m.wanted, "title"));
	assert_null(m.steps[3].error);
	assert_true(str_eqc(attrs_first(&m.wanted, "department"), "D"));
	attrs_set(&ann->attrs, "objectGUID", &(struct str){ "a\0", 2 }, 1);
	assert_true(rules_map(r, &f.w, ann, &kinds[KIND_USER], f.a, &m, &e));
	assert_non_null(strstr(m.steps[2].error, "holds a NUL"));
	rules_free(&r);
}

static void
test_N13_no_name_is_an_error_of_the_object(void **state)
{
	struct conf_map maps[] = { { "userName", "mail", "x.conf", 3, false } };
	struct conf_sync s = sync_of(maps, 1);
	struct rules *r = compile(&s);
	struct mapped m;
	struct err e;

	(void)state;
	assert_false(rules_map(r, &f.w, bob, &kinds[KIND_USER], f.a, &m, &e));
	assert_int_equal(e.kind, ERR_OBJECT);
	assert_string_equal(e.code, "no-name");
	attrs_set_c(&bob->attrs, "mail", "x\xff");
	assert_false(rules_map(r, &f.w, bob, &kinds[KIND_USER], f.a, &m, &e));
	assert_string_equal(e.code, "bad-value");
	attrs_set_c(&bob->attrs, "mail", "");
	assert_false(rules_map(r, &f.w, bob, &kinds[KIND_USER], f.a, &m, &e));
	assert_string_equal(e.code, "no-name");
	rules_free(&r);
}

static void
test_references_follow_links(void **state)
{
	struct conf_map maps[] = { { "userName", "cn", "x.conf", 3, false },
		{ "manager", "Trim(manager)", "x.conf", 4, false } };
	struct conf_sync s = sync_of(maps, 2);
	struct rules *r;
	struct err e;

	(void)state;
	assert_false(rules_compile(NULL, &s, &world_schema, &r, &e));
	assert_non_null(strstr(e.text, "x.conf:4: manager: manager follows a link"));
}

static void
test_1_4_attributes_to_read(void **state)
{
	struct conf_map maps[] = { { "userName", "mail or Lower(attr[\"user-name\"])", "x.conf", 3,
					   false },
		{ "title", "IIF(StartsWith(Title, \"displayName\"), sn --[[ gone ]], {key = city})",
			"x.conf", 4, false },
		{ "active", "enabled and attr.id", "x.conf", 5, false } };
	static const char *const want[] = { "objectClass", "mail", "sAMAccountName",
		"userPrincipalName", "cn", "displayName", "member", "primaryGroupID", "seeAlso",
		"lockoutTime", "pwdAccountLockedTime", "user-name", "Title", "sn", "city",
		"userAccountControl", "accountExpires", "nsAccountLock", "id" };
	struct conf_sync s = sync_of(maps, 3);
	struct names n = { .arena = f.a };
	struct err e;

	(void)state;
	s.scope.filter = texts("(seeAlso=*)");
	s.scope.when = texts("not locked");
	assert_true(rules_attributes(&s, &n, &e));
	for (size_t i = 0; i < n.count && i < sizeof(want) / sizeof(*want); i++)
		assert_string_equal(n.list[i], want[i]);
	assert_int_equal(n.count, sizeof(want) / sizeof(*want));
	s.scope.filter = texts("(seeAlso=*");
	assert_false(rules_attributes(&s, &n, &e));
	assert_non_null(strstr(e.text, "x.conf:7: scope: filter, column 11"));
}

static double
micros(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Printed, not judged: the machine is shared. */
static void
test_time_of_one_entry(void **state)
{
	struct conf_sync s = sync_of(defaults, sizeof(defaults) / sizeof(*defaults));
	CLEAN_ARENA struct arena *a = arena_new();
	struct mapped m;
	struct verdict v;
	struct err e;

	(void)state;
	s.scope.filter = texts("(!(isCriticalSystemObject=TRUE))");
	s.scope.base = texts("DC=x");
	struct rules *r = compile(&s);
	double start = micros();
	for (int i = 0; i < 20000; i++) {
		arena_reset(a);
		assert_true(rules_scope(r, &f.w, ann, a, &v, &e));
		assert_true(rules_map(r, &f.w, ann, &kinds[KIND_USER], a, &m, &e));
	}
	print_message("# scope and default map: %.2f us an entry\n", (micros() - start) / 20000);
	rules_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_4_2_base_and_not_base),
		TEST(test_4_2_group_nested_never_itself),
		TEST(test_4_2_filter_when_and_kind),
		TEST(test_4_2_containers_are_asked_once),
		TEST(test_1_3_default_maps_on_any_source),
		TEST(test_1_3_default_maps_where_all_is_multivalued),
		TEST(test_N13_a_bad_attribute_is_held_back),
		TEST(test_N13_no_name_is_an_error_of_the_object),
		TEST(test_references_follow_links),
		TEST(test_1_4_attributes_to_read),
		TEST(test_time_of_one_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
