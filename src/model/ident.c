/* objectGUID, UUID texts, objectSid. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "model/dn.h"

/* MS-DTYP 2.3.4: Data1, Data2 and Data3 are little-endian in memory and big-endian in text. */
static const unsigned char guid_order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14,
	15 };

static bool
dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

bool
guid_from_bytes(struct str bytes, char out[37])
{
	static const char digits[] = "0123456789abcdef";
	char *p = out;

	if (bytes.n != 16)
		return false;
	for (size_t i = 0; i < 16; i++) {
		unsigned char c = (unsigned char)bytes.p[guid_order[i]];

		if (dash_before(i))
			*p++ = '-';
		*p++ = digits[c >> 4];
		*p++ = digits[c & 15];
	}
	*p = '\0';
	return true;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
guid_to_bytes(const char *text, unsigned char out[16])
{
	char uuid[37];
	const char *p = uuid;

	if (!uuid_canonical(text, uuid))
		return false;
	for (size_t i = 0; i < 16; i++) {
		if (dash_before(i))
			p++;
		out[guid_order[i]] =
			(unsigned char)((unsigned)hex_value(p[0]) << 4 | (unsigned)hex_value(p[1]));
		p += 2;
	}
	return true;
}

bool
uuid_canonical(const char *text, char out[37])
{
	size_t n = strlen(text), digits = 0, at = 0;
	bool dashes;

	if (n > 2 && text[0] == '{' && text[n - 1] == '}') {
		text++;
		n -= 2;
	}
	/* 8-4-4-4-12 (RFC 4122), 8-8-8-8 (389 DS: nsUniqueId), or 32 digits without any dash. */
	dashes = n == 36;
	if (n != 36 && n != 35 && n != 32)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool dash = dashes ? i == 8 || i == 13 || i == 18 || i == 23
				   : n == 35 && (i == 8 || i == 17 || i == 26);
		int v = hex_value(text[i]);

		if (dash != (text[i] == '-') || (!dash && v < 0))
			return false;
		if (dash)
			continue;
		if (digits % 2 == 0 && dash_before(digits / 2))
			out[at++] = '-';
		out[at++] = "0123456789abcdef"[v];
		digits++;
	}
	out[at] = '\0';
	return true;
}

/* MS-DTYP 2.4.2.2: revision 1, count of sub-authorities (at most 15), 48-bit big-endian authority,
 * 32-bit little-endian sub-authorities. */
char *
sid_from_bytes(struct str bytes, struct arena *a)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	uint64_t authority = 0;
	char text[256];
	int n;

	if (bytes.n < 8 || p[0] != 1 || p[1] > 15 || bytes.n != 8 + 4 * (size_t)p[1])
		return NULL;
	for (int i = 2; i < 8; i++)
		authority = authority << 8 | p[i];
	/* 2.4.2.1: an authority of 2^32 or more is written in hexadecimal. */
	if (authority >> 32)
		n = snprintf(text, sizeof(text), "S-1-0x%012" PRIX64, authority);
	else
		n = snprintf(text, sizeof(text), "S-1-%" PRIu64, authority);
	for (int i = 0; i < p[1]; i++) {
		const unsigned char *s = p + 8 + 4 * i;
		uint32_t sub =
			s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;

		n += snprintf(text + n, sizeof(text) - (size_t)n, "-%" PRIu32, sub);
	}
	return arena_strndup(a, text, (size_t)n);
}

static bool
number32(const char *s)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > UINT32_MAX)
			return false;
	}
	return true;
}

char *
sid_with_rid(const char *sid, const char *rid, struct arena *a)
{
	const char *dash = strrchr(sid, '-');

	if (strncmp(sid, "S-1-", 4) != 0 || dash < sid + 4 || !number32(dash + 1) || !number32(rid))
		return NULL;
	return arena_printf(a, "%.*s-%s", (int)(dash - sid), sid, rid);
}
