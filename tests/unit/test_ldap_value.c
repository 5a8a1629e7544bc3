/* What RFC 4533 puts into bytes; I1: a flag that is not there has the value that proves less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "ldap_value.h"

#define UUID      "\x3c\x5a\xd7\x40\x80\x03\x10\x41\x9a\x2c\x49\x46\xb2\xff\x30\x53"
#define UUID_TEXT "3c5ad740-8003-1041-9a2c-4946b2ff3053"
#define BYTES(s)  ((struct str){ s, sizeof(s) - 1 })

static void
test_3_1_state(void **state)
{
	struct sync_entry s;
	struct err e;
	(void)state;
	assert_true(sync_state_read(BYTES("\x30\x15\x0a\x01\x03\x04\x10" UUID), &s, &e));
	assert_int_equal(s.state, SYNC_DELETE);
	assert_string_equal(s.id, UUID_TEXT);
	assert_int_equal(s.cookie.n, 0);
	assert_true(sync_state_read(BYTES("\x30\x19\x0a\x01\x01\x04\x10" UUID "\x04\x02"
					  "ab"),
		&s, &e));
	assert_true(str_eqc(s.cookie, "ab"));
	static const struct str wrong[] = {
		{ "", 0 },
		BYTES("\x30\x00"),
		BYTES("\x30\x15\x0a\x01\x04\x04\x10" UUID), /* no such state */
		BYTES("\x30\x14\x0a\x01\x03\x04\x0f" UUID), /* an id of 15 bytes */
		BYTES("\x30\x15\x0a\x01\x03\x04\x7f" UUID), /* longer than what there is */
		BYTES("\x30\x19\x0a\x01\x01\x04\x10" UUID "\x04\x70"
		      "ab"),
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_false(sync_state_read(wrong[i], &s, &e));
		assert_string_equal(e.code, "bad-answer");
	}
}

static void
test_I1_done(void **state)
{
	struct sync_done d;
	struct err e;
	(void)state;
	assert_true(sync_done_read(BYTES("\x30\x07\x04\x02"
					 "ab"
					 "\x01\x01\xff"),
		&d, &e));
	assert_true(d.deletes && str_eqc(d.cookie, "ab"));
	assert_true(sync_done_read(BYTES("\x30\x04\x04\x02"
					 "ab"),
		&d, &e));
	assert_false(d.deletes);
	assert_true(sync_done_read(BYTES("\x30\x00"), &d, &e));
	assert_true(!d.deletes && d.cookie.n == 0);
	assert_false(sync_done_read(BYTES("\x04\x02"
					  "ab"),
		&d, &e));
}

static void
test_I1_info(void **state)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct sync_info i;
	struct err e;
	(void)state;
	assert_true(sync_info_read(BYTES("\x80\x02"
					 "ab"),
		a, &i, &e));
	assert_true(i.type == SYNC_NEW_COOKIE && str_eqc(i.cookie, "ab"));
	assert_true(sync_info_read(BYTES("\xa1\x00"), a, &i, &e));
	assert_true(i.type == SYNC_REFRESH_DELETE && i.done && !i.cookie.n);
	assert_true(sync_info_read(BYTES("\xa2\x07\x04\x02"
					 "ab"
					 "\x01\x01\x00"),
		a, &i, &e));
	assert_true(i.type == SYNC_REFRESH_PRESENT && !i.done && str_eqc(i.cookie, "ab"));
	assert_true(sync_info_read(BYTES("\xa3\x14\x31\x12\x04\x10" UUID), a, &i, &e));
	assert_true(i.type == SYNC_ID_SET && !i.deletes && i.count == 1);
	assert_string_equal(i.ids[0], UUID_TEXT);
	assert_true(sync_info_read(
		BYTES("\xa3\x29\x01\x01\xff\x31\x24\x04\x10" UUID "\x04\x10" UUID), a, &i, &e));
	assert_true(i.deletes && i.count == 2);
	assert_true(sync_info_read(BYTES("\xa3\x02\x31\x00"), a, &i, &e));
	assert_int_equal(i.count, 0);
	static const struct str wrong[] = {
		{ "", 0 }, BYTES("\xa4\x00"), BYTES("\xa3\x00"), /* a set without its ids */
		BYTES("\xa3\x13\x31\x11\x04\x0f" UUID),
		BYTES("\xa3\x14\x31\x12\x02\x10" UUID), /* no octets */
	};
	for (size_t k = 0; k < ARRAY_LEN(wrong); k++)
		assert_false(sync_info_read(wrong[k], a, &i, &e));
}

static void
test_request(void **state)
{
	CLEAN_ARENA struct arena *a = arena_new();
	LDAPControl c;
	struct err e;
	(void)state;
	assert_true(sync_request_make(SYNC_PERSIST, (struct str){ "", 0 }, a, &c, &e));
	assert_true(c.ldctl_iscritical && c.ldctl_value.bv_len == 5);
	assert_memory_equal(c.ldctl_value.bv_val, "\x30\x03\x0a\x01\x03", 5);
	assert_true(sync_request_make(SYNC_ONCE, STR("a\0b"), a, &c, &e));
	assert_int_equal(c.ldctl_value.bv_len, 10);
	assert_memory_equal(c.ldctl_value.bv_val,
		"\x30\x08\x0a\x01\x01\x04\x03"
		"a\0b",
		10);
}

static void
test_unique_names(void **state)
{
	static const struct {
		const char *value, *dn;
	} rows[] = {
		{ "uid=a,dc=x#'0101'B", "uid=a,dc=x" },
		{ "uid=a,dc=x#''B", "uid=a,dc=x" },
		{ "uid=a,dc=x", "uid=a,dc=x" },
		{ "cn=#'2'B", "cn=#'2'B" },
		{ "cn='01'B", "cn='01'B" },
		{ "#''B", "" },
		{ "'B", "'B" },
		{ "", "" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(str_eqc(unique_name_dn(str_c(rows[i].value)), rows[i].dn));
}

static void
test_I1_cookies_that_slapd_cannot_go_on_from(void **state)
{
	static const struct {
		const char *cookie;
		bool usable;
	} rows[] = {
		{ "rid=000,csn=20261129091629.026734Z#000000#000#000000", true },
		{ "rid=000,sid=007,csn=20261129091629.026734Z#000000#000#000000;"
		  "20261129091629.211494Z#000000#007#000000",
			true },
		{ "rid=000", false },
		{ "rid=000,csn=", false },
		{ "rid=000,csn=nonsense", false },
		{ "rid=000,csn=20261129091629Z#000000#000#000000", false },
		{ "rid=000,csn=20261129091629.026734Z", false },
		{ "rid=", false },
		{ "hello", true },
		{ "csn=20261129091629.026734Z#000000#000#000000", true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(sync_cookie_usable(str_c(rows[i].cookie)), rows[i].usable);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_3_1_state),
		cmocka_unit_test(test_I1_done),
		cmocka_unit_test(test_I1_info),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_unique_names),
		cmocka_unit_test(test_I1_cookies_that_slapd_cannot_go_on_from),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
