/* Private to base: one step through UTF-8. */
#pragma once
#include <stddef.h>

/*
 * Length of the valid UTF-8 sequence at p (n > 0 bytes left), 0 when there is none (RFC 3629, table
 * 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing beyond U+10FFFF).
 */
static inline size_t
utf8_step(const unsigned char *p, size_t n)
{
	unsigned char c = p[0], lo = 0x80, hi = 0xBF;
	size_t len;

	if (c < 0x80)
		return 1;
	if (c < 0xC2 || c > 0xF4)
		return 0;
	len = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	if (n < len)
		return 0;
	if (c == 0xE0)
		lo = 0xA0;
	else if (c == 0xED)
		hi = 0x9F;
	else if (c == 0xF0)
		lo = 0x90;
	else if (c == 0xF4)
		hi = 0x8F;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	return len;
}
