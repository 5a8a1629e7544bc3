#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include "base/mem.h"
#include "base/str.h"
#include "utf8_step.h"

/* How many bytes from p on are ASCII, eight at a time. */
static size_t
ascii_span(const char *p, size_t n)
{
	size_t i = 0;
	uint64_t w;

	for (; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		if (w & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < n && (unsigned char)p[i] < 0x80)
		i++;
	return i;
}

bool
utf8_valid(const char *p, size_t n)
{
	size_t i = 0, len;

	while ((i += ascii_span(p + i, n - i)) < n) {
		len = utf8_step((const unsigned char *)p + i, n - i);
		if (!len)
			return false;
		i += len;
	}
	return true;
}

static void
fold_ascii(const char *p, size_t n, struct buf *out)
{
	size_t at = out->n;

	buf_add(out, p, n);
	for (size_t i = at; i < out->n; i++)
		if (out->p[i] >= 'A' && out->p[i] <= 'Z')
			out->p[i] = (char)(out->p[i] | 0x20);
}

void
utf8_fold(const char *p, size_t n, struct buf *out)
{
	const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
				      UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
	utf8proc_uint8_t *folded = NULL;
	utf8proc_ssize_t len;

	if (ascii_span(p, n) == n || !utf8_valid(p, n)) {
		fold_ascii(p, n, out);
		return;
	}
	len = utf8proc_map((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)n, &folded, how);
	if (len < 0)
		fold_ascii(p, n, out);
	else
		buf_add(out, folded, (size_t)len);
	free(folded);
}

/* What turns the direction of what follows, or ends a line where nobody sees it: U+061C, U+200E, U+200F, U+2028 to
 * U+202E, U+2066 to U+2069. A name could hide behind them what stands there (UTS 55, Trojan Source). */
static bool
is_bidi(const unsigned char *p, size_t len)
{
	if (len == 2)
		return p[0] == 0xD8 && p[1] == 0x9C;
	if (len != 3 || p[0] != 0xE2)
		return false;
	return (p[1] == 0x80 && (p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xA8 && p[2] <= 0xAE))) ||
	       (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9);
}

/* U+0080 to U+009F are controls too, and some terminals obey them. */
static bool
must_escape(const unsigned char *p, size_t len)
{
	return len == 0 || p[0] < 0x20 || p[0] == 0x7F || (p[0] == 0xC2 && p[1] < 0xA0) ||
	       is_bidi(p, len);
}

void
text_escape(const char *text, size_t n, size_t max, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t start = out->n, fits = start, len, i;

	for (i = 0; i < n; i += len) {
		len = utf8_step(p + i, n - i);
		if (must_escape(p + i, len)) {
			len = len ? len : 1;
			for (size_t k = 0; k < len; k++)
				buf_addf(out, "\\x%02x", p[i + k]);
		} else {
			buf_add(out, p + i, len);
		}
		if (max && out->n - start > max)
			break;
		/* the last place where "..." can still follow */
		if (!max || out->n - start + 3 <= max)
			fits = out->n;
	}
	if (i >= n)
		return;
	out->n = fits;
	buf_adds(out, "...");
}
