/* src/agent/mail.h: messages as RFC 5322 has them, whatever is put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "base/mem.h"
#include "mail.h"

static const char *const to[] = { "ops@example.test", "it@example.test", NULL };

static void
make(const char *subject, const char *text, struct buf *out)
{
	struct mail m = { .from = "lockstep@sync1.example.test",
		.to = to,
		.subject = subject,
		.text = text,
		.date = 1790000000,
		.id = "1.2.3" };
	struct err e = { 0 };

	if (!mail_make(&m, out, &e))
		fail_msg("%s", e.text);
	for (size_t i = 0, line = 0; i < out->n; i++) {
		if (out->p[i] == '\n')
			assert_int_equal(out->p[i - 1], '\r');
		line = out->p[i] == '\n' ? 0 : line + 1;
		assert_true(line <= 79);
		assert_true((unsigned char)out->p[i] < 0x80);
	}
}

static void
plain_text_stays_readable(void **state)
{
	CLEAN_BUF struct buf out = { 0 };

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	make("all is well", "one\ntwo\n", &out);
	assert_non_null(strstr(out.p, "From: Lockstep <lockstep@sync1.example.test>\r\n"));
	assert_non_null(strstr(out.p, "To: ops@example.test,\r\n it@example.test\r\n"));
	assert_non_null(strstr(out.p, "\r\nSubject: all is well\r\n"));
	assert_non_null(strstr(out.p, "\r\nDate: Mon, 21 Sep 2026 14:13:20 +0000\r\n"));
	assert_non_null(strstr(out.p, "\r\nMessage-ID: <1.2.3@sync1.example.test>\r\n"));
	assert_non_null(strstr(out.p, "\r\nAuto-Submitted: auto-generated\r\n"));
	assert_non_null(strstr(out.p, "7bit\r\n\r\none\r\ntwo\r\n"));
}

static void
other_letters_are_encoded(void **state)
{
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_BUF struct buf back = { 0 };
	const char *subject =
		"Störung: Änne Müller-Lüdenscheidt — das Verzeichnis antwortet nicht, "
		"seit heute früh";
	const char *p;

	(void)state;
	make(subject,
		"Gr\xc3\xbc\xc3\x9f"
		"e = 1 \nund\tmehr ",
		&out);
	for (p = strstr(out.p, "=?UTF-8?B?"); p; p = strstr(p, "=?UTF-8?B?")) {
		p += 10;
		size_t n = strcspn(p, "?"), from = back.n;

		assert_true(base64_decode(p, n, &back));
		assert_true(utf8_valid(back.p + from, back.n - from)); /* whole characters */
	}
	assert_string_equal(back.p, subject);
	assert_non_null(strstr(out.p, "\r\n\r\nGr=C3=BC=C3=9Fe =3D 1=20\r\nund\tmehr=20\r\n"));
}

static void
long_lines_are_broken_softly(void **state)
{
	CLEAN_BUF struct buf out = { 0 };
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	make("x", text, &out);
	assert_non_null(strstr(out.p, "x=\r\nx"));
	memset(text, '=', sizeof(text) - 1);
	buf_reset(&out);
	make("x", text, &out);
}

static void
nothing_gets_into_the_headers(void **state)
{
	CLEAN_BUF struct buf out = { 0 };

	(void)state;
	make("hello\r\nBcc: evil@example.test\n\n<html>", "text", &out);
	assert_null(strstr(out.p, "\nBcc:"));
	buf_reset(&out);
	make("=?UTF-8?B?aGVsbG8=?=", "text", &out); /* is not taken for an encoded word */
	assert_null(strstr(out.p, "aGVsbG8="));
	buf_reset(&out);
	make("\xff\xfe bytes", "text", &out);
}

static void
a_subject_ends_somewhere(void **state)
{
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_BUF struct buf back = { 0 };
	char long_one[5000];
	const char *p;

	(void)state;
	memset(long_one, 'x', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	memcpy(long_one,
		"a\xe2\x80\xae"
		"b\xc2\x85"
		"c",
		8); /* right to left; next line */
	make(long_one, "text", &out);
	for (p = strstr(out.p, "=?UTF-8?B?"); p; p = strstr(p, "=?UTF-8?B?")) {
		p += 10;
		assert_true(base64_decode(p, strcspn(p, "?"), &back));
	}
	assert_true(back.n <= 240);
	assert_true(strncmp(back.p, "a\\xe2\\x80\\xaeb\\xc2\\x85cxxx", 26) == 0);
	assert_string_equal(back.p + back.n - 4, "x...");
}

static void
addresses_are_addresses(void **state)
{
	static const char *const good[] = { "a@b", "first.last+tag@sub.example.test",
		"o'x@[127.0.0.1]" };
	static const char *const bad[] = { "", "@", "a@", "@b", "a b@c", "a@b\r\nRCPT TO:<x@y>",
		"<a@b>", "a,b@c", "a@b,c@d", "Anna <a@b>", "\xc3\xa4@b", "a@b\x01" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(mail_address_check(good[i], &e));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(mail_address_check(bad[i], &e));
		assert_string_equal(e.code, "bad-address");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays_readable),
		cmocka_unit_test(other_letters_are_encoded),
		cmocka_unit_test(long_lines_are_broken_softly),
		cmocka_unit_test(nothing_gets_into_the_headers),
		cmocka_unit_test(a_subject_ends_somewhere),
		cmocka_unit_test(addresses_are_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
