#include <sodium.h>
#include <string.h>
#include <time.h>
#include "cloud.h"

void
id_new(const struct clock *clock, store_id id_r)
{
	uint64_t ms = (uint64_t)clock->now(clock->ctx) * 1000;

	randombytes_buf(id_r, sizeof(store_id));
	for (int i = 0; i < 6; i++)
		id_r[i] = (unsigned char)(ms >> (40 - 8 * i));
	id_r[6] = (unsigned char)((id_r[6] & 0x0f) | 0x70);
	id_r[8] = (unsigned char)((id_r[8] & 0x3f) | 0x80);
}

void
id_format(const store_id id, char text_r[ID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *p = text_r;

	for (size_t i = 0; i < sizeof(store_id); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[id[i] >> 4];
		*p++ = digits[id[i] & 15];
	}
	*p = 0;
}

static int
nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
id_parse(const char *text, store_id id_r)
{
	if (!text || strlen(text) != ID_TEXT - 1)
		return false;
	for (size_t i = 0; i < sizeof(store_id); i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		int hi = nibble(text[0]), lo = nibble(text[1]);
		if (hi < 0 || lo < 0)
			return false;
		id_r[i] = (unsigned char)(hi << 4 | lo);
		text += 2;
	}
	return true;
}
