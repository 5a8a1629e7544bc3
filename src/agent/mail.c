#include "mail.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#define LINE_MOST   76  /* of quoted-printable, RFC 2045 6.7 */
#define HEADER_MOST 240 /* bytes: mail programs show less; the whole is in the text */
#define WORD_BYTES                                                                                 \
	39 /* of an encoded word: 64 characters in all, and the first shares its line, RFC 2047 2 */

bool
mail_address_check(const char *address, struct err *e)
{
	static const char atoms[] = "!#$%&'*+-/=?^_`{|}~.";
	const char *at = strrchr(address, '@');
	bool ok = at && at > address && at[1] && strlen(address) <= 254;

	for (const char *p = address; ok && *p; p++) {
		unsigned char c = (unsigned char)*p;

		ok = p == at || (c < 0x80 && isalnum(c)) || strchr(p < at ? atoms : "-.[]:", c);
	}
	if (ok)
		return true;
	CLEAN_BUF struct buf shown = { 0 };

	text_escape(address, strlen(address), 100, &shown);
	return err_set(e, ERR_CONFIG, "bad-address", "'%s' is not a mail address (name@domain)",
		buf_cstr(&shown));
}

/* --- headers --- */

/* Control characters become spaces: a header is one line. */
static char *
one_line(const char *s)
{
	char *line = xstrdup(s);

	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	return line;
}

static bool
is_plain(const char *s)
{
	size_t n = 0;

	for (; *s; s++, n++)
		if ((unsigned char)*s >= 0x7f)
			return false;
	return n <= 60 && !strstr(s - n, "=?");
}

/* Encoded words, each whole characters, folded one a line. */
static void
encoded_words(const char *s, struct buf *out)
{
	size_t left = strlen(s);

	while (left) {
		size_t n = left < WORD_BYTES ? left : WORD_BYTES;

		while (n < left && n > 1 && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
		buf_adds(out, "=?UTF-8?B?");
		base64_encode(s, n, out);
		buf_adds(out, "?=");
		s += n;
		left -= n;
		if (left)
			buf_adds(out, "\r\n ");
	}
}

static void
header_text(const char *name, const char *value, struct buf *out)
{
	CLEAN_FREE char *line = one_line(value);
	CLEAN_BUF struct buf text = { 0 };

	text_escape(line, strlen(line), HEADER_MOST, &text);
	buf_addf(out, "%s: ", name);
	if (is_plain(buf_cstr(&text)))
		buf_add(out, text.p, text.n);
	else
		encoded_words(buf_cstr(&text), out);
	buf_adds(out, "\r\n");
}

static void
header_date(int64_t at, struct buf *out)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)at;
	struct tm tm;
	long off;

	localtime_r(&t, &tm);
	off = tm.tm_gmtoff < 0 ? -tm.tm_gmtoff : tm.tm_gmtoff;
	buf_addf(out, "Date: %s, %d %s %d %02d:%02d:%02d %c%02ld%02ld\r\n", days[tm.tm_wday],
		tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
		tm.tm_gmtoff < 0 ? '-' : '+', off / 3600, off / 60 % 60);
}

/* --- body --- */

static bool
body_is_plain(const char *s)
{
	size_t line = 0;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		line = c == '\n' ? 0 : line + 1;
		if (c >= 0x7f || (c < 0x20 && c != '\n' && c != '\t') || line > LINE_MOST ||
			(c == ' ' && (s[1] == '\n' || !s[1])))
			return false;
	}
	return true;
}

static void
body_plain(const char *s, struct buf *out)
{
	for (; *s; s++) {
		if (*s == '\n')
			buf_addc(out, '\r');
		buf_addc(out, *s);
	}
}

static void
body_quoted(const char *s, struct buf *out)
{
	size_t line = 0;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool blank = c == ' ' || c == '\t', last = s[1] == '\n' || !s[1];
		bool same = (c > 0x20 && c < 0x7f && c != '=') || (blank && !last);

		if (c == '\n') {
			buf_adds(out, "\r\n");
			line = 0;
			continue;
		}
		if (line + (same ? 1 : 3) > LINE_MOST - 1) {
			buf_adds(out, "=\r\n");
			line = 0;
		}
		if (same)
			buf_addc(out, (char)c);
		else
			buf_addf(out, "=%02X", c);
		line += same ? 1 : 3;
	}
}

bool
mail_make(const struct mail *m, struct buf *out, struct err *e)
{
	bool plain = body_is_plain(m->text);

	if (!mail_address_check(m->from, e))
		return err_wrap(e, "sender");
	if (!m->to[0])
		return err_set(e, ERR_CONFIG, "bad-address", "no address to send to");
	for (size_t i = 0; m->to[i]; i++)
		if (!mail_address_check(m->to[i], e))
			return false;
	buf_addf(out, "From: Lockstep <%s>\r\n", m->from);
	for (size_t i = 0; m->to[i]; i++)
		buf_addf(out, "%s%s", i ? ",\r\n " : "To: ", m->to[i]);
	buf_adds(out, "\r\n");
	header_text("Subject", m->subject, out);
	header_date(m->date, out);
	buf_addf(out, "Message-ID: <%s@%s>\r\n", m->id, strrchr(m->from, '@') + 1);
	buf_addf(out,
		"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n"
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
		"Content-Transfer-Encoding: %s\r\n\r\n",
		plain ? "7bit" : "quoted-printable");
	(plain ? body_plain : body_quoted)(m->text, out);
	if (out->n < 2 || out->p[out->n - 1] != '\n')
		buf_adds(out, "\r\n");
	return true;
}
