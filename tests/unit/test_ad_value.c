#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "ad_value.h"

#define GUID "9c82bf21-80d0-4b83-a63c-82e235b0ef0e"
#define SID  "S-1-5-21-3772320327-2088838230-1850288308-500"

static void
test_3_1_extended_dn(void **state)
{
	(void)state;
	static const struct {
		const char *value, *guid, *sid, *dn; /* guid NULL: refused */
	} rows[] = {
		{ "CN=a,DC=x", "", NULL, "CN=a,DC=x" },
		{ "<GUID=" GUID ">;<SID=" SID ">;CN=a,DC=x", GUID, SID, "CN=a,DC=x" },
		{ "<GUID=9C82BF21-80D0-4B83-A63C-82E235B0EF0E>;CN=a", GUID, NULL, "CN=a" },
		/* hexadecimal: bytes as they lie in memory, the first three fields little-endian */
		{ "<GUID=21bf829cd080834ba63c82e235b0ef0e>;CN=a", GUID, NULL, "CN=a" },
		{ "<GUID=21BF829CD080834BA63C82E235B0EF0E>", GUID, NULL, NULL },
		{ "<SID=01020000000000052000000020020000>;CN=a", "", "S-1-5-32-544", "CN=a" },
		{ "<SID=S-1-5-32-544>", "", "S-1-5-32-544", NULL },
		{ "<RMD_FLAGS=0>;<GUID=" GUID ">;CN=a;b", GUID, NULL, "CN=a;b" },
		{ "", NULL, NULL, NULL },
		{ "<", NULL, NULL, NULL },
		{ "<GUID>", NULL, NULL, NULL },
		{ "<GUID=>;CN=a", NULL, NULL, NULL },
		{ "<GUID=" GUID "0>;CN=a", NULL, NULL, NULL },
		{ "<GUID=21bf829cd080834ba63c82e235b0ef0>;CN=a", NULL, NULL, NULL },
		{ "<GUID=21bf829cd080834ba63c82e235b0efzz>;CN=a", NULL, NULL, NULL },
		{ "<GUID=" GUID ">CN=a", NULL, NULL, NULL },
		{ "<SID=S-1-x>;CN=a", NULL, NULL, NULL },
		{ "<SID=01>;CN=a", NULL, NULL, NULL },
		{ "<RMD_FLAGS=0>;", NULL, NULL, NULL },
		{ "CN=\xff", NULL, NULL, NULL },
	};
	CLEAN_ARENA struct arena *a = arena_new();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ad_dn dn;
		struct err e = { 0 };
		bool ok = ad_dn_parse(str_c(rows[i].value), a, &dn, &e);
		if (ok != (rows[i].guid != NULL))
			fail_msg("'%s': %s", rows[i].value, ok ? "taken" : e.text);
		if (!ok) {
			assert_int_equal(e.kind, ERR_OBJECT);
			assert_string_equal(e.code, "bad-dn");
			continue;
		}
		assert_string_equal(dn.guid, rows[i].guid);
		assert_true(!dn.sid == !rows[i].sid && (!dn.sid || !strcmp(dn.sid, rows[i].sid)));
		assert_true(!dn.dn == !rows[i].dn && (!dn.dn || !strcmp(dn.dn, rows[i].dn)));
	}
}

static void
test_extended_dn_with_nul_or_too_long_is_refused(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf b = { 0 };
	struct ad_dn dn;
	assert_false(ad_dn_parse(STR("CN=a\0b"), a, &dn, NULL));
	assert_false(ad_dn_parse(STR("<GUID=\0>"), a, &dn, NULL));
	for (int i = 0; i < 9000; i++)
		buf_addc(&b, 'x');
	assert_false(ad_dn_parse(buf_str(&b), a, &dn, NULL));
}

static void
test_range_option(void **state)
{
	(void)state;
	static const struct {
		const char *text, *name;
		bool increments, last;
		enum ad_range range;
		size_t from, to;
	} rows[] = {
		{ "member", "member", true, false, AD_RANGE_NONE, 0, 0 },
		{ "member;range=1-1", "member", true, false, AD_RANGE_ADDED, 1, 1 },
		{ "member;RANGE=0-0", "member", true, false, AD_RANGE_REMOVED, 0, 0 },
		{ "member;range=0-0", "member", false, false, AD_RANGE_PART, 0, 0 },
		{ "member;range=1-1", "member", false, false, AD_RANGE_PART, 1, 1 },
		{ "member;range=0-1499", "member", true, false, AD_RANGE_PART, 0, 1499 },
		{ "member;range=1500-*", "member", true, true, AD_RANGE_PART, 1500, SIZE_MAX },
		{ "userCertificate;binary", "userCertificate", true, false, AD_RANGE_NONE, 0, 0 },
		{ "x;binary;range=0-9", "x", true, false, AD_RANGE_PART, 0, 9 },
		{ "x;range=0-9;binary", "x", true, false, AD_RANGE_PART, 0, 9 },
		{ "member;range=", NULL },
		{ "member;range=1", NULL },
		{ "member;range=1-", NULL },
		{ "member;range=2-1", NULL },
		{ "member;range=0-1x", NULL },
		{ "member;range=-1-2", NULL },
		{ "member;range=0-99999999999", NULL },
		{ ";range=0-1", NULL },
		{ "", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ad_name n;
		bool ok = ad_name_parse(str_c(rows[i].text), rows[i].increments, &n);
		if (ok != (rows[i].name != NULL))
			fail_msg("'%s' %s", rows[i].text, ok ? "taken" : "refused");
		if (!ok)
			continue;
		assert_true(str_eqc(n.name, rows[i].name));
		assert_int_equal(n.range, rows[i].range);
		if (n.range != AD_RANGE_NONE) {
			assert_int_equal(n.from, rows[i].from);
			assert_int_equal(n.to, rows[i].to);
			assert_int_equal(n.last, rows[i].last);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_3_1_extended_dn),
		cmocka_unit_test(test_extended_dn_with_nul_or_too_long_is_refused),
		cmocka_unit_test(test_range_option),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
