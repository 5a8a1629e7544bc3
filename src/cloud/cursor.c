#include <sodium.h>
#include <string.h>
#include "cursor.h"

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD  16 /* when it was made, rid */
#define RAW   (NONCE + HEAD + SCIM_SORT_BYTES + TAG)

_Static_assert(sizeof(((struct cloud *)0)->key) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
	"the database's key is one of this cipher");

static void
put64(unsigned char *p, int64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)((uint64_t)v >> (56 - 8 * i));
}

static int64_t
get64(const unsigned char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

/* What is authenticated beside the place. */
static void
context(int64_t tenant, struct str bound, struct buf *out)
{
	unsigned char number[8];

	put64(number, tenant);
	buf_add(out, number, sizeof(number));
	buf_add(out, bound.p, bound.n);
}

void
cursor_make(const struct cloud *c, int64_t tenant, struct str bound, const struct place *p,
	struct buf *text)
{
	CLEAN_BUF struct buf with = { 0 };
	unsigned char plain[HEAD + SCIM_SORT_BYTES], raw[RAW];
	char shown[sodium_base64_ENCODED_LEN(RAW, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
	unsigned long long n;

	context(tenant, bound, &with);
	put64(plain, c->clock->now(c->clock->ctx));
	put64(plain + 8, p->rid);
	memcpy(plain + HEAD, p->key, p->n);
	randombytes_buf(raw, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(raw + NONCE, &n, plain, HEAD + p->n,
		(const unsigned char *)with.p, with.n, NULL, raw, c->key);
	sodium_bin2base64(shown, sizeof(shown), raw, NONCE + (size_t)n,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	buf_adds(text, shown);
}

bool
cursor_read(const struct cloud *c, int64_t tenant, struct str bound, const char *text,
	struct place *p_r, struct err *e)
{
	CLEAN_BUF struct buf with = { 0 };
	unsigned char plain[HEAD + SCIM_SORT_BYTES], raw[RAW];
	unsigned long long n = 0;
	size_t size = 0;
	const char *end;

	context(tenant, bound, &with);
	if (sodium_base642bin(raw, sizeof(raw), text, strlen(text), NULL, &size, &end,
		    sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
		*end || size < NONCE + HEAD + TAG ||
		crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &n, NULL, raw + NONCE,
			size - NONCE, (const unsigned char *)with.p, with.n, raw, c->key) != 0)
		return err_set(e, ERR_OBJECT, "invalidCursor",
			"the cursor is not one of ours for this query; begin again with cursor= "
			"(empty)");
	if (c->clock->now(c->clock->ctx) - get64(plain) > CURSOR_SECONDS)
		return err_set(e, ERR_OBJECT, "expiredCursor",
			"the cursor is older than %d seconds; begin again with cursor= (empty)",
			CURSOR_SECONDS);
	p_r->rid = get64(plain + 8);
	p_r->n = (unsigned short)(n - HEAD);
	memcpy(p_r->key, plain + HEAD, p_r->n);
	return true;
}
