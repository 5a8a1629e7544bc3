#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <string.h>
#include "cursor.h"

#define MAC 24

static void
put64(unsigned char *p, int64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)((uint64_t)v >> (56 - 8 * i));
}

static void
sign(const struct cloud *c, int64_t tenant, struct str bound, int64_t rid,
	unsigned char raw_r[8 + MAC])
{
	CLEAN_BUF struct buf msg = { 0 };
	unsigned char number[8], mac[EVP_MAX_MD_SIZE];
	unsigned n = sizeof(mac);

	put64(number, tenant);
	buf_add(&msg, number, 8);
	put64(raw_r, rid);
	buf_add(&msg, raw_r, 8);
	buf_add(&msg, bound.p, bound.n);
	if (!HMAC(EVP_sha256(), c->key, sizeof(c->key), (const unsigned char *)msg.p, msg.n, mac,
		    &n))
		abort(); /* SHA-256 is always there */
	memcpy(raw_r + 8, mac, MAC);
}

void
cursor_make(const struct cloud *c, int64_t tenant, struct str bound, int64_t rid,
	char text_r[CURSOR_TEXT])
{
	unsigned char raw[8 + MAC];

	sign(c, tenant, bound, rid, raw);
	sodium_bin2hex(text_r, CURSOR_TEXT, raw, sizeof(raw));
}

bool
cursor_read(
	const struct cloud *c, int64_t tenant, struct str bound, const char *text, int64_t *rid_r)
{
	unsigned char raw[8 + MAC], right[8 + MAC];
	uint64_t rid = 0;
	size_t n;

	if (strlen(text) != CURSOR_TEXT - 1 ||
		sodium_hex2bin(raw, sizeof(raw), text, CURSOR_TEXT - 1, NULL, &n, NULL) != 0 ||
		n != sizeof(raw))
		return false;
	for (int i = 0; i < 8; i++)
		rid = rid << 8 | raw[i];
	sign(c, tenant, bound, (int64_t)rid, right);
	*rid_r = (int64_t)rid;
	return sodium_memcmp(raw, right, sizeof(raw)) == 0;
}
