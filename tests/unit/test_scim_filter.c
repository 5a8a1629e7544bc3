/* The filter grammar of RFC 7644 3.4.2.2 and how it is evaluated, as tables. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "scim/filter.h"

static const char user[] =
	"{\"schemas\":[\"" SCIM_URN_USER "\"],\"id\":\"2819c223\",\"externalId\":\"Ab-1\","
	"\"userName\":\"bjensen@example.com\",\"name\":{\"familyName\":\"O'Malley\",\"givenName\":"
	"\"Bärbel\"},"
	"\"title\":\"Tour "
	"\\\"Guide\\\"\",\"userType\":\"Employee\",\"active\":true,\"nickName\":\"\","
	"\"emails\":[{\"value\":\"bj@example.com\",\"type\":\"work\",\"primary\":true},"
	"{\"value\":\"babs@home.example\",\"type\":\"home\"}],"
	"\"meta\":{\"lastModified\":\"2026-05-13T04:42:34Z\",\"created\":\"2026-01-01T00:00:00Z\"},"
	"\"" SCIM_URN_ENTERPRISE "\":{\"department\":\"Dev: Ops\",\"manager\":{\"value\":\"M1\"}},"
	"\"" SCIM_URN_LOCKSTEP "\":{\"aliases\":[\"b@example.com\",\"Babs@example.com\"]}}";

static const struct {
	const char *filter;
	bool holds;
} matches[] = {
	/* every operator */
	{ "userName eq \"bjensen@example.com\"", true },
	{ "userName eq \"BJensen@Example.COM\"", true },
	{ "userName ne \"bjensen@example.com\"", false },
	{ "userName ne \"x\"", true },
	{ "userName co \"SEN@\"", true },
	{ "userName co \"zzz\"", false },
	{ "userName sw \"BJ\"", true },
	{ "userName sw \"j\"", false },
	{ "userName ew \".COM\"", true },
	{ "userName ew \"bjensen\"", false },
	{ "userName gt \"a\"", true },
	{ "userName lt \"a\"", false },
	{ "userName ge \"bjensen@example.com\"", true },
	{ "userName le \"bjensen@example.com\"", true },
	{ "userName pr", true },
	{ "displayName pr", false },
	{ "nickName pr", false },
	/* names and operators in any case */
	{ "USERNAME Eq \"bjensen@example.com\" AND Title PR", true },
	{ "NOT (active EQ TRUE)", false },
	/* caseExact */
	{ "externalId eq \"Ab-1\"", true },
	{ "externalId eq \"ab-1\"", false },
	{ "id eq \"2819C223\"", false },
	{ "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"m1\"",
		false },
	/* folding beyond ASCII */
	{ "name.givenName eq \"BÄRBEL\"", true },
	{ "name.givenName co \"\\u00c4\"", true },
	/* escapes */
	{ "title eq \"tour \\\"guide\\\"\"", true },
	{ "name.familyName co \"O'Malley\"", true },
	/* boolean, also as Entra writes it */
	{ "active eq true", true },
	{ "active eq false", false },
	{ "active ne false", true },
	{ "active eq \"True\"", true },
	/* absent */
	{ "displayName eq \"x\"", false },
	{ "displayName ne \"x\"", true },
	{ "displayName eq null", true },
	{ "userName eq null", false },
	{ "userName ne null", true },
	{ "noSuchName eq \"x\"", false },
	{ "noSuchName pr", false },
	{ "urn:foreign:schema:User:thing eq \"x\"", false },
	/* types that differ */
	{ "userName eq 5", false },
	{ "userName eq true", false },
	/* as clients write it: single quotes, or none around one word */
	{ "userName eq 'bjensen@example.com'", true },
	{ "title eq 'tour \"guide\"'", true },
	{ "name.familyName eq 'o''malley'", true },
	{ "userName eq BJensen@Example.COM and externalId eq Ab-1", true },
	{ "name.givenName sw B and (emails.value co example.org or emails.value co example.com)",
		true },
	{ "emails[type eq work and value ew .com]", true },
	{ "meta.lastModified gt 2015-10-10T14:38:21.8617979-07:00", true },
	{ "userName gt 5", true }, /* text, so compared as text */
	{ "noSuchName eq x", false },
	/* lists: value by default, any element */
	{ "emails eq \"BABS@home.example\"", true },
	{ "emails.value ew \"example.com\"", true },
	{ "emails.type eq \"other\"", false },
	{ "emails pr", true },
	{ "phoneNumbers pr", false },
	/* value paths hold within one element */
	{ "emails[type eq \"work\" and value co \"@example.com\"]", true },
	{ "emails[type eq \"home\" and value co \"@example.com\"]", false },
	{ "emails[not (type eq \"work\") and value sw \"babs\"]", true },
	{ "emails[primary eq true]", true },
	{ "emails[(type eq \"x\" or type eq \"home\") and value pr]", true },
	{ "userType eq \"Employee\" and emails[type eq \"work\"]", true },
	{ "phoneNumbers[type eq \"work\"]", false },
	{ "unknown[type eq \"work\"]", false },
	/* URN prefixes, split at the last colon although the URN has a dot */
	{ "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"bj\"", true },
	{ "URN:IETF:params:scim:schemas:extension:enterprise:2.0:User:department eq \"dev: ops\"",
		true },
	{ "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:department eq \"dev: ops\"",
		true },
	{ SCIM_URN_LOCKSTEP ":aliases eq \"babs@EXAMPLE.com\"", true },
	{ SCIM_URN_LOCKSTEP ":aliases eq \"none@example.com\"", false },
	{ SCIM_URN_LOCKSTEP ":aliases[value sw \"b@\"]", true },
	/* a URN as a value does not confuse the path */
	{ "schemas eq \"" SCIM_URN_USER "\"", true },
	/* dateTime compares as time */
	{ "meta.lastModified gt \"2026-05-13T04:42:33Z\"", true },
	{ "meta.lastModified eq \"2026-05-13T06:42:34+02:00\"", true },
	{ "meta.lastModified lt \"2026-05-13T04:42:34.5Z\"", true },
	{ "meta.lastModified ge \"2026-05-13T04:42:34.000Z\"", true },
	{ "meta.created le \"2025-12-31T23:59:59Z\"", false },
	/* precedence: not, and, or; grouping */
	{ "userType eq \"x\" and userName pr or title pr", true },
	{ "userType eq \"x\" and (userName pr or title pr)", false },
	{ "title pr or userName pr and userType eq \"x\"", true },
	{ "(title pr or userName pr) and userType eq \"x\"", false },
	{ "not (userType eq \"x\") and title pr", true },
	{ "not(userType eq \"x\")", true },
	{ "not ((userType eq \"x\") or (title pr))", false },
	{ "  ( userName   pr )  ", true },
};

static const struct {
	const char *filter;
	size_t at; /* byte where the error is shown, 1-based */
} refused[] = {
	{ "", 1 },
	{ "userName", 9 },
	{ "userName eq", 12 },
	{ "userName eq ", 13 },
	{ "userName xx \"a\"", 10 },
	{ "userName eq \"a", 13 },
	{ "userName eq \"a\\u0000\"", 13 },
	{ "userName eq \"\\ud800\"", 13 },
	{ "userName eq 'a", 13 },
	{ "userName eq 'a''", 13 },
	{ "userName eq John Smith", 18 },
	{ "active eq flase", 11 },
	{ "active eq 'yes' and emails.primary eq on", 39 },
	{ "userName eq \"a\" \"b\"", 17 },
	{ "userName eq \"a\" and", 20 },
	{ "userName eq \"a\" or or title pr", 23 },
	{ "(userName pr", 13 },
	{ "userName pr)", 12 },
	{ "emails[type eq \"work\"", 22 },
	{ "emails[type eq \"work\"].value eq \"x\"", 23 },
	{ "emails[emails[type pr]]", 14 },
	{ "emails.value[type pr]", 13 },
	{ "emails[urn:x:y pr]", 8 },
	{ "name.given.x pr", 1 },
	{ "1name pr", 1 },
	{ "user%20Name pr", 1 },
	{ "active gt true", 11 },
	{ "active gt \"x\"", 11 },
	{ "userName gt null", 13 },
	{ "name eq \"x\"", 9 },
	{ "meta.created gt \"yesterday\"", 17 },
	{ "x509Certificates.value gt \"x\"", 27 },
	{ "not userName pr", 5 },
};

static void
test_filter_matches(void **state)
{
	CLEAN_JSON struct json *j = NULL;
	struct err e = { 0 };

	(void)state;
	assert_true(json_parse(str_c(user), 0, &j, &e));
	for (size_t i = 0; i < ARRAY_LEN(matches); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		const struct scim_filter *f;
		if (!scim_filter_parse(&scim_types[SCIM_USER], str_c(matches[i].filter), a, &f, &e))
			fail_msg("%s: %s", matches[i].filter, e.text);
		if (scim_filter_match(f, j, NULL) != matches[i].holds)
			fail_msg("%s: expected %d", matches[i].filter, matches[i].holds);
	}
}

static void
test_filter_refused_with_position(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		CLEAN_ARENA struct arena *a = arena_new();
		CLEAN_FREE char *at = xasprintf("at byte %zu ", refused[i].at);
		const struct scim_filter *f;
		struct err e = { 0 };
		if (scim_filter_parse(&scim_types[SCIM_USER], str_c(refused[i].filter), a, &f, &e))
			fail_msg("%s: accepted", refused[i].filter);
		assert_string_equal(e.code, "invalidFilter");
		if (!strstr(e.text, at))
			fail_msg("%s: expected %s, got: %s", refused[i].filter, at, e.text);
	}
}

static bool
parses(const char *text, size_t n)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const struct scim_filter *f;

	return scim_filter_parse(&scim_types[SCIM_USER], (struct str){ text, n }, a, &f, NULL);
}

static void
repeat(struct buf *b, const char *s, size_t n)
{
	while (n--)
		buf_adds(b, s);
}

static void
test_filter_bounds(void **state)
{
	CLEAN_BUF struct buf b = { 0 };

	(void)state;
	for (int extra = 0; extra <= 1; extra++) {
		buf_reset(&b);
		repeat(&b, "(", SCIM_FILTER_DEPTH + (size_t)extra);
		buf_adds(&b, "title pr");
		repeat(&b, ")", SCIM_FILTER_DEPTH + (size_t)extra);
		assert_int_equal(parses(b.p, b.n), !extra);
		buf_reset(&b);
		repeat(&b, "title pr or ", SCIM_FILTER_TERMS - 1 + (size_t)extra);
		buf_adds(&b, "title pr");
		assert_int_equal(parses(b.p, b.n), !extra);
	}
	buf_reset(&b);
	buf_adds(&b, "title eq \"");
	repeat(&b, "x", SCIM_FILTER_BYTES);
	buf_adds(&b, "\"");
	assert_false(parses(b.p, b.n));
	assert_false(parses("title eq \"\xff\"", 12));
	assert_false(parses("title eq \"a\0b\"", 14));
}

static bool
no_rows(void *ctx, const struct scim_filter *node)
{
	*(int *)ctx += 1;
	return str_eqc(str_c(node->path.attr->name), "members") && node->op == SCIM_EQ &&
	       strcmp(node->text, "u1") == 0;
}

static void
test_filter_rows_are_asked_outside(void **state)
{
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_JSON struct json *j = json_new_object();
	int asked = 0;
	struct scim_match m = { no_rows, &asked };
	const struct scim_filter *f;

	(void)state;
	json_set_string(j, "displayName", "g");
	assert_true(scim_filter_parse(&scim_types[SCIM_GROUP],
		STR("displayName eq \"G\" and members.value eq \"u1\" and not (members[value eq "
		    "\"u2\"])"),
		a, &f, NULL));
	assert_true(scim_filter_match(f, j, &m));
	assert_int_equal(asked, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter_matches),
		cmocka_unit_test(test_filter_refused_with_position),
		cmocka_unit_test(test_filter_bounds),
		cmocka_unit_test(test_filter_rows_are_asked_outside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
