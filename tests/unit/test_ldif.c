#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "ldif_group.h"
#include "ldif_send.h"

static int
file_of(const char *text, size_t n)
{
	int fd = memfd_create("ldif", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* A record as one line of text: change dn|name=value|... !why; records are separated by "/". */
static const char *
parsed(const char *text, size_t n, struct arena *a)
{
	static const char *const changes[] = { "", "add ", "delete ", "modify ", "modrdn " };
	static const char forms[] = "=:<-?";
	CLEAN_FD int fd = file_of(text, n);
	struct ldif *l = ldif_open(fd, "f");
	CLEAN_BUF struct buf out = { 0 };
	const struct ldif_record *r;
	struct err e = { 0 };
	int got;

	while ((got = ldif_next(l, &r, &e)) == 1) {
		buf_addf(&out, "%s%s", changes[r->change], r->dn ? r->dn : "?");
		for (size_t i = 0; !r->why && i < r->count; i++) {
			struct str v = r->lines[i].raw;
			const char *why;

			buf_addf(&out, "|%s%c", r->lines[i].name, forms[r->lines[i].form]);
			if (r->lines[i].form < LDIF_DASH && ldif_value(&r->lines[i], a, &v, &why))
				text_escape(v.p, v.n, 0, &out);
			else if (r->lines[i].form < LDIF_DASH)
				buf_addf(&out, "(%s)", why);
		}
		if (r->why)
			buf_addf(&out, " !%s", r->why);
		buf_addc(&out, '/');
	}
	if (got < 0)
		buf_addf(&out, "!! %s", e.text);
	ldif_close(&l);
	return arena_strndup(a, buf_cstr(&out), out.n);
}

static void
test_ldif_records(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ "version: 1\n", "" },
		{ "version: 1\n\ndn: a=1\nb: 2\n", "a=1|b=2/" },
		{ "version: 1\ndn: a=1\nb: 2\n\n\n\ndn: a=2\n", "a=1|b=2/a=2/" },
		{ "\xef\xbb\xbf"
		  "dn: a=1\r\nb: 2\r\n\r\ndn: a=2\r\n",
			"a=1|b=2/a=2/" },
		{ "# one\n# two\n folded\ndn: a=1\n# in\nb: 2\n\n# end\n", "a=1|b=2/" },
		{ "dn: a=\n 1\nb: lo\n ng\n  er\n", "a=1|b=long er/" },
		{ "dn:: YT0x\nb:: AP8=\nc:\nd: \ne:x\n", "a=1|b:\\x00\\xff|c=|d=|e=x/" },
		{ "dn:: YT0\n x\nb:< file:///etc/passwd\nc:: ?\nd: \xff\n",
			"a=1|b<(is a URL, which is never followed)|c:(is not base64)"
			"|d=(is not UTF-8 text; such a value must stand in base64)/" },
		{ "dn: a=1\nuserCertificate;binary:: AA==\ncn;lang-de: x\n",
			"a=1|userCertificate;binary:\\x00|cn;lang-de=x/" },
		{ "dn: a=1\nchangetype: add\nb: 2\n\ndn: a=1\nchangetype: delete\n",
			"add a=1|b=2/delete a=1/" },
		{ "dn: a=1\nchangetype: modify\nadd: b\nb: 2\n-\ndelete: c\n-\n",
			"modify a=1|add=b|b=2|-|delete=c|-/" },
		{ "dn: a=1\nchangetype: moddn\nnewrdn: a=2\ndeleteoldrdn: 1\n",
			"modrdn a=1|newrdn=a=2|deleteoldrdn=1/" },
		{ "dn: a=1\ncontrol: 1.2.3\ncontrol: 1.2.4 false: x\nchangetype: delete\n",
			"delete a=1/" },
		/* malformed */
		{ "dn: a=1\ncontrol: 1.2.3 true\nchangetype: delete\n\ndn: a=2\n",
			"a=1 !line 2: a critical control, which is not supported/a=2/" },
		{ "dn: a=1\nchangetype: rename\n", "a=1 !line 2: an unknown changetype/" },
		{ "cn: x\ndn: a=1\n", "? !line 1: the record does not start with dn:/" },
		{ "\n\ndn:: ?\n", "? !line 3: the DN is not readable/" },
		{ "dn: \n", "? !line 1: the DN is not readable/" },
		{ "dn:: AA==\n", "? !line 1: the DN is not readable/" },
		{ "dn: a=1\nb 2\n\ndn: a=2\n",
			"a=1 !line 2: neither \"name: value\" nor a folded line/a=2/" },
		{ "dn: a=1\nb: 2\ndn: a=2\n",
			"a=1 !line 3: a second dn: in one record, a blank line is missing/" },
		{ " x\n", "? !line 1: the record does not start with dn:/" },
		/* not whole */
		{ "dn: a=1\nb: 2", "!! f:2: the file ends in the middle of a line: it is not "
				   "written to its end, or was cut" },
		{ "dn: a=1\n\ndn: a=2", "a=1/!! f:3: the file ends in the middle of a line: it is "
					"not written to its end, or was cut" },
		{ "version: 2\n\ndn: a=1\n", "!! f:1: only version 1 of LDIF is known" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_ARENA struct arena *a = arena_new();

		assert_string_equal(
			parsed(rows[i].text, strlen(rows[i].text), a), rows[i].expected);
	}
}

/* A record over many blocks, values over their borders. */
static void
test_ldif_large_record(void **state)
{
	(void)state;
	CLEAN_BUF struct buf b = { 0 };
	const struct ldif_record *r;
	struct err e = { 0 };

	buf_adds(&b, "dn: cn=g\n");
	for (int i = 0; i < 50000; i++)
		buf_addf(&b, "member: CN=User %d,OU=\n Folded,DC=x\n", i);
	buf_adds(&b, "\ndn: cn=h\n");
	CLEAN_FD int fd = file_of(b.p, b.n);
	struct ldif *l = ldif_open(fd, "f");

	assert_int_equal(ldif_next(l, &r, &e), 1);
	assert_int_equal(r->count, 50000);
	assert_true(str_eqc(r->lines[0].raw, "CN=User 0,OU=Folded,DC=x"));
	assert_true(str_eqc(r->lines[49999].raw, "CN=User 49999,OU=Folded,DC=x"));
	assert_int_equal(r->lines[49999].line, 100000);
	assert_int_equal(ldif_next(l, &r, &e), 1);
	assert_string_equal(r->dn, "cn=h");
	assert_int_equal(r->line, 100003);
	assert_int_equal(ldif_next(l, &r, &e), 0);
	ldif_close(&l);
}

static void
test_ldif_3_1_identity(void **state)
{
	(void)state;
	CLEAN_ARENA struct arena *a = arena_new();
	static const struct str bytes = {
		"\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16
	};

	assert_string_equal(
		ldif_identity("objectguid", bytes, a), "00112233-4455-6677-8899-aabbccddeeff");
	assert_string_equal(
		ldif_identity("entryUUID", STR("00112233-4455-6677-8899-AABBCCDDEEFF"), a),
		"00112233-4455-6677-8899-aabbccddeeff");
	assert_string_equal(
		ldif_identity("nsUniqueId", STR("00112233-44556677-8899aabb-ccddeeff"), a),
		"00112233-4455-6677-8899-aabbccddeeff");
	assert_string_equal(ldif_identity("employeeNumber", STR(" 0042 "), a), "0042");
	assert_string_equal(ldif_identity("uid", STR("sixteen-letters!"), a), "sixteen-letters!");
	assert_null(ldif_identity("employeeNumber", STR(""), a));
	assert_null(ldif_identity("employeeNumber", STR("  "), a));
	assert_null(ldif_identity("employeeNumber", bytes, a));
}

/* --- records into messages --- */

static const char *
sent(const char *text, const char *const *classes, const char *const *attributes, struct arena *a)
{
	static const char *const ids[] = { "objectGUID", "entryUUID", NULL };
	static const char *const none[] = { NULL };
	CLEAN_FD int fd = file_of(text, strlen(text));
	CLEAN_FD int out = memfd_create("out", MFD_CLOEXEC);
	CLEAN_ARENA struct arena *record = arena_new();
	struct ldif_send x = { .s = serve_new("ldif", "source", NULL, 0),
		.arena = record,
		.file = "f",
		.classes = classes ? classes : none,
		.attributes = attributes ? attributes : none,
		.ids = ids,
		.known = map_new(),
		.known_arena = a };
	struct ldif *l = ldif_open(fd, "f");
	const struct ldif_record *r;
	char got[8192] = "";
	struct err e = { 0 };
	size_t n;

	serve_descriptors(x.s, -1, out);
	while (ldif_next(l, &r, &e) == 1 && ldif_send_record(&x, r, &e))
		;
	assert_true(serve_flush(x.s, NULL));
	n = (size_t)pread(out, got, sizeof(got) - 1, 0);
	if (e.kind != ERR_NONE)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "!! %s\n", e.text);
	ldif_close(&l);
	serve_free(x.s);
	map_free(x.known, NULL);
	return arena_strndup(a, got, n);
}

#define UUID "00112233-4455-6677-8899-aabbccddeeff"
#define ID   "entryUUID: " UUID "\n"

static void
test_ldif_messages(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "dn: cn=a\nobjectClass: user\n" ID "mail: a@x\nMail: b@x\nsn: unasked\n",
			"{\"type\":\"entry\",\"id\":\"" UUID
			"\",\"dn\":\"cn=a\",\"full\":{\"objectClass\":[\"user\"],\"mail\":[\"a@x\","
			"\"b@x\"]}}\n" },
		/* a class that was not asked for; none at all */
		{ "dn: cn=a\nobjectClass: device\n" ID, "" },
		{ "dn: cn=a\n" ID, "{\"type\":\"bad\",\"dn\":\"cn=a\",\"why\":\"f: line 1: the "
				   "entry has no readable objectClass\"}\n" },
		{ "dn: cn=a\nobjectClass: user\n",
			"{\"type\":\"bad\",\"dn\":\"cn=a\",\"why\":\"f: line 1: the entry has no "
			"readable identity (objectGUID)\"}\n" },
		{ "dn: cn=a\nobjectClass: user\nobjectGUID: odd\n" ID,
			"{\"type\":\"entry\",\"id\":\"odd\",\"dn\":\"cn=a\",\"full\":{"
			"\"objectClass\":[\"user\"]}}\n" },
		/* links, in lines of their own; the primary group */
		{ "dn: cn=g\nchangetype: add\nobjectClass: group\n" ID
		  "member: cn=a\nmember:: Y249w6Q=\n",
			"{\"type\":\"entry\",\"id\":\"" UUID
			"\",\"dn\":\"cn=g\",\"full\":{\"objectClass\":[\"group\"]}}\n"
			"{\"type\":\"links\",\"id\":\"" UUID
			"\",\"attribute\":\"member\",\"set\":[{\"dn\":\"cn=a\"},{\"dn\":\"cn="
			"\xc3\xa4\"}]}\n" },
		{ "dn: cn=a\nobjectClass: user\n" ID
		  "objectSid: S-1-5-21-1-2-3-1000\nprimaryGroupID: 513\n",
			"{\"type\":\"entry\",\"id\":\"" UUID
			"\",\"dn\":\"cn=a\",\"sid\":\"S-1-5-21-1-2-3-1000\",\"full\":{"
			"\"objectClass\":[\"user\"],\"primaryGroupID\":[\"513\"]}}\n"
			"{\"type\":\"links\",\"id\":\"" UUID
			"\",\"attribute\":\"primaryGroup\",\"set\":[{\"sid\":\"S-1-5-21-1-2-3-"
			"513\"}]}\n" },
		/* I1: what cannot be read is held back, the rest goes on */
		{ "dn: cn=g\nobjectClass: group\n" ID "mail:< http://x\nmember;range=0-1: cn=a\n",
			"{\"type\":\"entry\",\"id\":\"" UUID
			"\",\"dn\":\"cn=g\",\"full\":{\"objectClass\":[\"group\"]}}\n"
			"{\"type\":\"bad\",\"id\":\"" UUID
			"\",\"dn\":\"cn=g\",\"attribute\":\"mail\",\"why\":\"f: line 4: the value "
			"of mail is a URL, which is never followed\"}\n"
			"{\"type\":\"bad\",\"id\":\"" UUID
			"\",\"dn\":\"cn=g\",\"attribute\":\"member\",\"why\":\"f: line 5: "
			"member;range=0-1 is only a range of the values; export with all of "
			"them\"}\n" },
		{ "dn: cn=a\nodd\n\ndn: cn=b\nmail: x\ndn: cn=c\n",
			"{\"type\":\"bad\",\"dn\":\"cn=a\",\"why\":\"f: line 2: neither \\\"name: "
			"value\\\" nor a folded line\"}\n"
			"{\"type\":\"bad\",\"dn\":\"cn=b\",\"why\":\"f: line 6: a second dn: in "
			"one record, a blank line is missing\"}\n"
			"{\"type\":\"bad\",\"dn\":\"cn=c\",\"why\":\"f: line 6: a second dn: in "
			"one record, a blank line is missing\"}\n" },
		{ "dn: cn=a\nmail: x\ndn nn\n",
			"{\"type\":\"bad\",\"dn\":\"cn=a\",\"why\":\"f: line 3: neither \\\"name: "
			"value\\\" nor a folded line\"}\n"
			"!! f: line 3: neither \"name: value\" nor a folded line\n" },
		{ "dn: nonsense\n",
			"!! f:1: \"nonsense\" is not a distinguished name: see RFC 4514\n" },
		{ "mail: x\n", "!! f: line 1: the record does not start with dn:\n" },
		/* changes */
		{ "dn: cn=a\nchangetype: delete\n",
			"{\"type\":\"gone\",\"dn\":\"cn=a\",\"proof\":\"delete\"}\n" },
		{ "dn: cn=a\nchangetype: modify\nadd: mail\nmail: x\n-\ndelete: mail\nmail: "
		  "y\n-\nreplace: mail\nmail: z\n-\n"
		  "delete: mail\n-\nreplace: mail\n-\nadd: sn\nsn: unasked\n-\n",
			"{\"type\":\"values\",\"dn\":\"cn=a\",\"attribute\":\"mail\",\"add\":["
			"\"x\"]}\n"
			"{\"type\":\"values\",\"dn\":\"cn=a\",\"attribute\":\"mail\",\"remove\":["
			"\"y\"]}\n"
			"{\"type\":\"entry\",\"dn\":\"cn=a\",\"part\":{\"mail\":[\"z\"]}}\n"
			"{\"type\":\"entry\",\"dn\":\"cn=a\",\"part\":{\"mail\":[]}}\n"
			"{\"type\":\"entry\",\"dn\":\"cn=a\",\"part\":{\"mail\":[]}}\n" },
		{ "dn: cn=g\nchangetype: modify\nadd: member\nmember: cn=a\n-\ndelete: "
		  "member\nmember: cn=b\n-\n"
		  "replace: member\nmember: cn=c\n-\ndelete: member\n-\n",
			"{\"type\":\"links\",\"dn\":\"cn=g\",\"attribute\":\"member\",\"add\":[{"
			"\"dn\":\"cn=a\"}]}\n"
			"{\"type\":\"links\",\"dn\":\"cn=g\",\"attribute\":\"member\",\"remove\":[{"
			"\"dn\":\"cn=b\"}]}\n"
			"{\"type\":\"links\",\"dn\":\"cn=g\",\"attribute\":\"member\",\"set\":[{"
			"\"dn\":\"cn=c\"}]}\n"
			"{\"type\":\"links\",\"dn\":\"cn=g\",\"attribute\":\"member\",\"set\":[]}"
			"\n" },
		{ "dn: cn=a\nchangetype: modify\nadd: mail\nsn: x\n-\n",
			"{\"type\":\"bad\",\"dn\":\"cn=a\",\"why\":\"f: line 4: a value of mail "
			"was expected\"}\n" },
		{ "dn: cn=a\nchangetype: modify\nincrement: uid\nuid: 1\n-\n",
			"{\"type\":\"bad\",\"dn\":\"cn=a\",\"why\":\"f: line 3: add:, delete: or "
			"replace: was expected\"}\n" },
		{ "dn: cn=a\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: 514\n-\n",
			"{\"type\":\"bad\",\"dn\":\"cn=a\",\"attribute\":\"primaryGroup\",\"why\":"
			"\"f: primaryGroupID was changed by a "
			"record that has no objectSid; write a new content file\"}\n"
			"{\"type\":\"entry\",\"dn\":\"cn=a\",\"part\":{\"primaryGroupID\":[\"514\"]"
			"}}\n" },
		{ "dn: cn=a\\,b,ou=x\nchangetype: modrdn\nnewrdn: cn=c\ndeleteoldrdn: 1\n",
			"{\"type\":\"rename\",\"dn\":\"cn=a\\\\,b,ou=x\",\"new_dn\":\"cn=c,ou=x\"}"
			"\n"
			"{\"type\":\"values\",\"dn\":\"cn=c,ou=x\",\"attribute\":\"cn\",\"remove\":"
			"[\"a,b\"]}\n"
			"{\"type\":\"values\",\"dn\":\"cn=c,ou=x\",\"attribute\":\"cn\",\"add\":["
			"\"c\"]}\n" },
		{ "dn: cn=a,ou=x\nchangetype: moddn\nnewrdn: cn=a\ndeleteoldrdn: 0\nnewsuperior: "
		  "ou=y\n",
			"{\"type\":\"rename\",\"dn\":\"cn=a,ou=x\",\"new_dn\":\"cn=a,ou=y\"}\n" },
		{ "dn: cn=a\nchangetype: modrdn\nnewrdn: cn=c\n",
			"{\"type\":\"bad\",\"dn\":\"cn=a\",\"why\":\"f: line 1: newrdn or "
			"deleteoldrdn is missing\"}\n" },
		{ "dn: cn=a\nchangetype: modrdn\nnewrdn: cn=c,cn=d\ndeleteoldrdn: 1\n",
			"{\"type\":\"bad\",\"dn\":\"cn=a\",\"why\":\"f: line 1: newrdn or "
			"newsuperior is no name\"}\n" },
	};
	static const char *const classes[] = { "user", "Group", NULL };
	static const char *const attributes[] = { "mail", "member", "cn", "primaryGroupID", NULL };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEAN_ARENA struct arena *a = arena_new();

		assert_string_equal(sent(rows[i].text, classes, attributes, a), rows[i].expected);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ldif_records),
		cmocka_unit_test(test_ldif_large_record),
		cmocka_unit_test(test_ldif_3_1_identity),
		cmocka_unit_test(test_ldif_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
