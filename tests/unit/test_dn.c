#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "model/dn.h"

static struct dn
dn(const char *text, struct arena *a)
{
	struct dn d;
	struct err e = { 0 };

	if (!dn_parse(text, a, &d, &e))
		fail_msg("%s: %s", text, e.text);
	return d;
}

static void
test_dn_keys(void **state)
{
	(void)state;
	static const struct {
		const char *text, *key;
	} rows[] = {
		/* RFC 4514, section 4 */
		{ "UID=jsmith,DC=example,DC=net", "uid=jsmith,dc=example,dc=net" },
		{ "OU=Sales+CN=J.  Smith,DC=example,DC=net",
			"cn=j. smith+ou=sales,dc=example,dc=net" },
		{ "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net",
			"cn=james \\22jim\\22 smith\\2c iii,dc=example,dc=net" },
		{ "CN=Before\\0dAfter,DC=example,DC=net", "cn=before\\0dafter,dc=example,dc=net" },
		{ "1.3.6.1.4.1.1466.0=#04024869", "1.3.6.1.4.1.1466.0=#04024869" },
		{ "CN=Lu\\C4\\8Di\\C4\\87", "cn=lu\xc4\x8di\xc4\x87" },
		/* spaces, quotes, LDAPv2's separators, numbers for names */
		{ "  CN = Doe\\, J , DC=x", "cn=doe\\2c j,dc=x" },
		{ "CN=\"Doe, J\",DC=x", "cn=doe\\2c j,dc=x" },
		{ "CN=a;DC=x", "cn=a,dc=x" },
		{ "2.5.4.3=a,0.9.2342.19200300.100.1.25=x", "cn=a,dc=x" },
		{ "CN=a\\ ,DC=x", "cn=a,dc=x" },
		{ "CN=\\ a\\ \\ b,DC=x", "cn=a b,dc=x" },
		{ "CN=\\#a,DC=x", "cn=\\23a,dc=x" },
		{ "CN=a\\=b\\+c\\<d\\>e\\;f\\\\g", "cn=a\\3db\\2bc\\3cd\\3ee\\3bf\\5cg" },
		/* without case in all of Unicode */
		{ "CN=STRASSE", "cn=strasse" },
		{ "CN=Stra\xc3\x9f"
		  "e",
			"cn=strasse" },
		{ "CN=\xc3\x84rger", "cn=\xc3\xa4rger" },
		{ "CN=A\xcc\x88rger", "cn=\xc3\xa4rger" },
		/* Active Directory's deleted objects */
		{ "CN=x\\0ADEL:00000000-0000-0000-0000-000000000001,CN=Deleted Objects,DC=x",
			"cn=x\\0adel:00000000-0000-0000-0000-000000000001,cn=deleted "
			"objects,dc=x" },
		{ "", "" },
		{ "  ", "" },
		{ "CN=", "cn=" },
	};
	CLEAN_ARENA struct arena *a = arena_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dn d = dn(rows[i].text, a);

		assert_string_equal(dn_key(&d, a), rows[i].key);
		/* as written, and the written form means the same again */
		struct dn again = dn(dn_text(&d, 0, a), a);
		assert_true(dn_equal(&d, &again));
	}
}

static void
test_dn_text_as_written(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	struct dn d = dn("CN=Doe\\, J , OU=A\\ ,OU=\\\\ ,DC=x", a);

	assert_int_equal(d.count, 4);
	assert_string_equal(d.rdn[0], "CN=Doe\\, J");
	assert_string_equal(d.rdn[1], "OU=A\\ ");
	assert_string_equal(d.rdn[2], "OU=\\\\");
	/* libldap takes the blank behind an escaped backslash for escaped */
	assert_string_equal(dn("OU=\\\\\t,DC=x", a).key[0], d.key[2]);
	assert_string_equal(dn_text(&d, 3, a), "DC=x");
	assert_string_equal(dn_text(&d, 4, a), "");
}

static void
test_dn_under(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	struct dn base = dn("ou=People,dc=X", a), in = dn("CN=a,OU=people,DC=x", a);
	struct dn near = dn("CN=a,OU=people2,DC=x", a), up = dn("DC=x", a), root = dn("", a);

	assert_true(dn_under(&in, &base));
	assert_true(dn_under(&base, &base));
	assert_true(dn_under(&in, &root));
	assert_false(dn_under(&near, &base));
	assert_false(dn_under(&up, &base));
	assert_true(dn_equal(&base, &base));
	assert_false(dn_equal(&in, &base));
}

static void
test_dn_refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"x",
		"CN",
		"=a",
		"CN=a,",
		"CN=a, ",
		",CN=a",
		"CN=a,,DC=x",
		"CN=a\\",
		"CN=a\\zz",
		"CN=#zz",
		"CN=\"a",
		"CN=a\xff",
		"CN=a+",
		"CN=#",
		"CN=#\t",
		"1..2=a",
		"C N=a",
	};
	CLEAN_ARENA struct arena *a = arena_new();
	static char longest[DN_LENGTH_MAX + 2];
	struct err e;
	struct dn d;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (dn_parse(bad[i], a, &d, &e))
			fail_msg("%s was taken", bad[i]);
		assert_string_equal(e.code, "bad-dn");
		assert_int_equal(e.kind, ERR_OBJECT);
	}
	memset(longest, 'a', DN_LENGTH_MAX + 1);
	memcpy(longest, "CN=", 3);
	assert_false(dn_parse(longest, a, &d, &e));
	longest[DN_LENGTH_MAX] = '\0';
	assert_true(dn_parse(longest, a, &d, &e));
}

static void
test_guid_3_1_as_windows_shows_it(void **state)
{
	(void)state;
	static const unsigned char bytes[16] = { 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
		0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	unsigned char back[16];
	char text[37];

	assert_true(guid_from_bytes((struct str){ (const char *)bytes, 16 }, text));
	assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
	assert_true(guid_to_bytes("{00112233-4455-6677-8899-AABBCCDDEEFF}", back));
	assert_memory_equal(back, bytes, 16);
	assert_false(guid_from_bytes((struct str){ (const char *)bytes, 15 }, text));
	assert_false(guid_to_bytes("00112233", back));
}

static void
test_uuid_3_1_canonical(void **state)
{
	(void)state;
	static const char *const good[] = {
		"00112233-4455-6677-8899-AABBCCDDEEFF",
		"{00112233-4455-6677-8899-aabbccddeeff}",
		"00112233445566778899aabbccddeeff",
		"00112233-44556677-8899aabb-ccddeeff",
	};
	static const char *const bad[] = {
		"",
		"{}",
		"00112233-4455-6677-8899-aabbccddeef",
		"00112233-4455-6677-8899-aabbccddeefg",
		"0011223-34455-6677-8899-aabbccddeeff",
		"{00112233-4455-6677-8899-aabbccddeeff",
		"00112233-4455-6677-8899-aabbccddeeff ",
		"001122334455667788-99aabbccddeeff12",
	};
	char text[37];

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(uuid_canonical(good[i], text));
		assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(uuid_canonical(bad[i], text));
}

static void
test_sid(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	struct str user = STR(
		"\x01\x05\0\0\0\0\0\x05\x15\0\0\0\x01\0\0\0\x02\0\0\0\xff\xff\xff\xff\xf4\x01\0\0");
	struct str system = STR("\x01\x01\0\0\0\0\0\x05\x12\0\0\0");
	struct str big = STR("\x01\x00\x01\0\0\0\0\0");

	assert_string_equal(sid_from_bytes(user, a), "S-1-5-21-1-2-4294967295-500");
	assert_string_equal(sid_from_bytes(system, a), "S-1-5-18");
	assert_string_equal(sid_from_bytes(big, a), "S-1-0x010000000000");
	user.n--;
	assert_null(sid_from_bytes(user, a));
	assert_null(sid_from_bytes(STR("\x02\x00\0\0\0\0\0\x05"), a));
	assert_null(sid_from_bytes(STR("\x01\x10\0\0\0\0\0\x05"), a));
	assert_null(sid_from_bytes(STR(""), a));
	assert_string_equal(sid_with_rid("S-1-5-21-1-2-3-500", "513", a), "S-1-5-21-1-2-3-513");
	assert_null(sid_with_rid("S-1-5-21-1-2-3-500", "51x", a));
	assert_null(sid_with_rid("S-1-5-21-1-2-3-500", "4294967296", a));
	assert_null(sid_with_rid("S-1-5-21-1-2-3-", "513", a));
	assert_null(sid_with_rid("x", "513", a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dn_keys),
		cmocka_unit_test(test_dn_text_as_written),
		cmocka_unit_test(test_dn_under),
		cmocka_unit_test(test_dn_refuses),
		cmocka_unit_test(test_guid_3_1_as_windows_shows_it),
		cmocka_unit_test(test_uuid_3_1_canonical),
		cmocka_unit_test(test_sid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
