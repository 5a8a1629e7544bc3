#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "rules/filter.h"
#include "world.h"

static struct fake_world f;
static struct entry *people, *ann, *bob, *team, *all, *odd;

static const char *const ann_attrs[] = { "objectClass", "user", "objectClass", "person", "mail",
	"Ann@Example.com", "cn", "Ann  Lee", "sn", "Straße", "userAccountControl", "514",
	"objectCategory", "CN=Person,CN=Schema,CN=Configuration,DC=x", "description", "a (b) *c\\d",
	"description", "second", "info", "CN=Bob,OU=People, DC=x", "telephoneNumber", "0100",
	NULL };
static const char *const bob_attrs[] = { "objectClass", "user", "cn", "Bob", "userAccountControl",
	"512", "objectGUID", "\x01\xff", NULL };

static int
setup(void **state)
{
	(void)state;
	world_open(&f);
	world_add(&f, "DC=x", 0, NULL);
	people = world_add(&f, "OU=People,DC=x", 1, NULL);
	ann = world_add(&f, "CN=Ann\\2C Lee,OU=People,DC=x", 2, ann_attrs);
	bob = world_add(&f, "CN=Bob,OU=People,DC=x", 2, bob_attrs);
	team = world_add(&f, "CN=Team,DC=x", 1, NULL);
	all = world_add(&f, "CN=All (everybody),DC=x", 1, NULL);
	odd = world_add(&f, "CN=Odd,DC=x", 1, NULL);
	attrs_add(&odd->attrs, "cn", (struct str){ "a\0b", 3 });
	world_link(&f, team->n, "member", ann->n);
	world_link(&f, all->n, "member", team->n);
	world_link(&f, ann->n, "manager", bob->n);
	world_link(&f, bob->n, "manager", odd->n);
	world_link(&f, odd->n, "manager", ann->n);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&f);
	return 0;
}

static bool
match(const char *text, const struct entry *en)
{
	struct filter *x;
	struct err e;

	if (!filter_parse(text, f.a, &x, &e))
		fail_msg("%s: %s", text, e.text);
	if (!filter_bind(x, &world_schema, true, &e))
		fail_msg("%s: %s", text, e.text);
	filter_resolve(x, &f.w);
	return filter_match(x, &f.w, en);
}

static void
test_4_2_rfc4515(void **state)
{
	static const struct {
		const char *text;
		bool ann, bob;
	} rows[] = {
		{ "(mail=*)", true, false },
		{ "(mail=ann@example.COM)", true, false },
		{ "(!(mail=*))", false, true },
		{ "(&(objectClass=user)(!(mail=x)))", true, true },
		{ "(|(cn=bob)(mail=ann@example.com))", true, true },
		{ "(&)", true, true },
		{ "(|)", false, false },
		{ " ( & (cn=bob)\n (objectClass=user) ) ", false, true },
		{ "(cn=ann lee)", true, false },
		{ "(cn= Ann   Lee )", true, false },
		{ "(cn~=BOB)", false, true },
		{ "(sn=STRASSE)", true, false },
		{ "(mail=ann*)", true, false },
		{ "(mail=*example*)", true, false },
		{ "(mail=*.com)", true, false },
		{ "(mail=a*n*exam*m)", true, false },
		{ "(mail=ann@example.com*com)", false, false },
		{ "(mail=*b*a*)", false, false },
		{ "(description=a \\28b\\29 \\2ac\\5cd)", true, false },
		{ "(description=SECOND)", true, false },
		{ "(userAccountControl>=513)", true, false },
		{ "(userAccountControl<=512)", false, true },
		{ "(telephoneNumber>=99)", true, false },
		{ "(cn>=b)", false, true },
		{ "(cn:=bob)", false, true },
		{ "(cn:caseExactMatch:=Bob)", false, true },
		{ "(cn:2.5.13.5:=bob)", false, false },
		{ "(:2.5.13.2:=ann@example.com)", true, false },
		{ "(ou:dn:=people)", true, true },
		{ "(ou:dn:2.5.13.5:=people)", false, false },
		{ "(:dn:caseIgnoreMatch:=people)", true, true },
		{ "(userAccountControl:2.5.13.14:=0512)", false, true },
		{ "(noSuch=1)", false, false },
		{ "(!(noSuch=1))", true, true },
		{ "(objectGUID=\\01\\ff)", false, true },
		{ "(objectGUID=\\01\\FE)", false, false },
		/* Undefined, and so is its contrary. */
		{ "(manager=CN*)", false, false },
		{ "(!(manager=CN*))", false, false },
		{ "(|(manager=CN*)(cn=bob))", false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (match(rows[i].text, ann) != rows[i].ann ||
			match(rows[i].text, bob) != rows[i].bob)
			fail_msg("%s", rows[i].text);
	assert_true(match("(cn=a\\00b)", odd));
	assert_false(match("(cn=a)", odd));
}

static void
test_4_2_rules_of_ad(void **state)
{
	(void)state;
	assert_true(match("(userAccountControl:1.2.840.113556.1.4.803:=2)", ann));
	assert_false(match("(userAccountControl:1.2.840.113556.1.4.803:=2)", bob));
	assert_false(match("(userAccountControl:1.2.840.113556.1.4.803:=3)", ann));
	assert_true(match("(userAccountControl:1.2.840.113556.1.4.804:=3)", ann));
	assert_false(match("(userAccountControl:1.2.840.113556.1.4.804:=3)", bob));
	/* Absent: neither rule holds. */
	assert_false(match("(userAccountControl:1.2.840.113556.1.4.803:=0)", team));
}

static void
test_4_2_memberof_direct_and_nested(void **state)
{
	(void)state;
	assert_true(match("(memberOf=cn=team, dc=X)", ann));
	assert_false(match("(memberOf=CN=All \\28everybody\\29,DC=x)", ann));
	assert_true(
		match("(memberOf:1.2.840.113556.1.4.1941:=CN=All \\28everybody\\29,DC=x)", ann));
	assert_false(match("(memberOf:1.2.840.113556.1.4.1941:=CN=Team,DC=x)", bob));
	assert_false(match("(memberOf=CN=None,DC=x)", ann));
	assert_true(match("(memberOf=*)", ann));
	assert_false(match("(memberOf=*)", bob));
	/* 5cd: the escape of a backslash, and a DN that has one of its own */
	assert_true(match("(member:1.2.840.113556.1.4.1941:=CN=Ann\\5c, Lee,OU=People,DC=x)", all));
	assert_false(match("(member:1.2.840.113556.1.4.1941:=CN=All \\28everybody\\29,DC=x)", all));
}

static void
test_4_2_dn_by_identity(void **state)
{
	(void)state;
	assert_true(match("(manager=cn=BOB , ou=people,dc=x)", ann));
	assert_false(match("(manager=CN=Bob,OU=People,DC=x)", bob));
	assert_true(match("(manager=*)", ann));
	assert_false(match("(manager=*)", team));
	assert_true(match("(distinguishedName=cn=bob,ou=PEOPLE,dc=x)", bob));
	assert_false(match("(distinguishedName=cn=bob,ou=PEOPLE,dc=x)", ann));
	assert_true(match("(info=cn=bob,OU=People,DC=x)", ann));
	/* a chain in a circle ends */
	assert_true(match("(manager:1.2.840.113556.1.4.1941:=CN=Odd,DC=x)", ann));
	assert_false(match("(manager:1.2.840.113556.1.4.1941:=CN=Team,DC=x)", ann));
	/* renamed: still the same entry */
	f.list[bob->n].dn = "CN=Robert,OU=People,DC=x";
	assert_true(match("(manager=CN=Robert,OU=People,DC=x)", ann));
	assert_false(match("(manager=CN=Bob,OU=People,DC=x)", ann));
}

static void
test_4_2_object_category(void **state)
{
	(void)state;
	assert_true(match("(objectCategory=person)", ann));
	assert_true(match("(objectCategory=USER)", ann));
	assert_false(match("(objectCategory=group)", ann));
	assert_false(match("(objectCategory=person)", bob));
	assert_true(match("(objectCategory=CN=Person,CN=Schema,CN=Configuration,DC=X)", ann));
	attrs_set_c(&team->attrs, "objectCategory", "CN=Organizational-Unit,CN=Schema,DC=x");
	assert_true(match("(objectCategory=organizationalUnit)", team));
}

static void
test_1_2_errors_have_a_column(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "", "column 1: a filter begins with '('" },
		{ "mail=*", "column 1: a filter begins with '('" },
		{ "(mail=*", "column 8: ')' is missing" },
		{ "(mail=*))", "column 9: the filter has ended" },
		{ "(mail)", "column 6: '=' is expected" },
		{ "(=x)", "column 2: the name of an attribute" },
		{ "(cn=a(b)", "column 6: '(' in a value is written \\28" },
		{ "(cn=a\\,b)", "column 6: a backslash is followed" },
		{ "(cn=a\\2)", "column 6: a backslash is followed" },
		{ "(cn=\\2", "column 5: a backslash is followed" },
		{ "(!(a=b)(c=d))", "column 13: '!' takes one filter" },
		{ "(!)", "'!' takes one filter" },
		{ "(cn>=a*)", "'*' in a value is written \\2a" },
		{ "(cn:1.2.3:=a)", "column 5: a matching rule that is not known" },
		{ "(:=a)", "an attribute or a matching rule is missing" },
		{ "(userAccountControl:1.2.840.113556.1.4.803:=x)", "whole number" },
		{ "(memberOf:1.2.840.113556.1.4.1941:=team)", "a DN" },
		{ "(cn:dn:x:y:=a)", "matching rule" },
		{ "(&(a=b)", "')' is missing" },
		{ "(cn=\xff)", "not UTF-8" },
	};
	struct filter *x;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (filter_parse(rows[i].text, f.a, &x, &e))
			fail_msg("accepted: %s", rows[i].text);
		assert_int_equal(e.kind, ERR_CONFIG);
		if (!strstr(e.text, rows[i].words))
			fail_msg("%s: '%s' lacks '%s'", rows[i].text, e.text, rows[i].words);
	}
	CLEAN_BUF struct buf deep = { 0 };
	for (int i = 0; i < FILTER_DEPTH_MAX; i++)
		buf_adds(&deep, "(!");
	buf_adds(&deep, "(a=b)");
	for (int i = 0; i < FILTER_DEPTH_MAX; i++)
		buf_adds(&deep, ")");
	assert_false(filter_parse(buf_cstr(&deep), f.a, &x, &e));
	assert_non_null(strstr(e.text, "too deeply"));
	assert_true(filter_parse("(a=b)", f.a, &x, &e));
	assert_false(filter_bind(x, &world_schema, false, &e));
	assert_true(filter_parse("(displayNam=b)", f.a, &x, &e));
	assert_false(filter_bind(x, &world_schema, false, &e));
	assert_non_null(strstr(e.text, "did you mean 'displayName'?"));
}

static void
test_1_4_attributes_to_read(void **state)
{
	struct names n = { .arena = f.a };
	struct filter *x;

	(void)state;
	assert_true(filter_parse(
		"(&(mail=*)(|(MAIL=x)(memberOf=CN=x))(:caseIgnoreMatch:=q))", f.a, &x, NULL));
	filter_attributes(x, &n);
	assert_int_equal(n.count, 3);
	assert_string_equal(n.list[0], "mail");
	assert_string_equal(n.list[1], "member");
	assert_string_equal(n.list[2], "primaryGroupID");
	assert_true(filter_uses_memberof(x));
	assert_true(filter_parse("(mail=*)", f.a, &x, NULL));
	assert_false(filter_uses_memberof(x));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_4_2_rfc4515),
		TEST(test_4_2_rules_of_ad),
		TEST(test_4_2_memberof_direct_and_nested),
		TEST(test_4_2_dn_by_identity),
		TEST(test_4_2_object_category),
		TEST(test_1_2_errors_have_a_column),
		TEST(test_1_4_attributes_to_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
