#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "cloud.h"

void
token_new(const char *prefix, char token_r[TOKEN_TEXT], char hash_r[65])
{
	unsigned char raw[32];
	size_t n = (size_t)snprintf(token_r, TOKEN_TEXT - 64, "%s", prefix);

	randombytes_buf(raw, sizeof(raw));
	sodium_bin2hex(token_r + n, 65, raw, sizeof(raw));
	sodium_memzero(raw, sizeof(raw));
	sha256_hex(token_r, strlen(token_r), hash_r);
}

bool
credential_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= 64 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
		       n;
}

/* "dc1", or the first of "dc1-2", "dc1-3", ... that nobody has. */
static bool
free_name(struct call *k, const char *name, const char **name_r, struct err *e)
{
	bool taken = true;

	for (int i = 1; taken; i++) {
		*name_r = i == 1 ? name : arena_printf(k->a, "%s-%d", name, i);
		if (!k->c->db->credential_has(k->c->store, k->tenant, *name_r, &taken, e))
			return false;
	}
	return true;
}

bool
credential_make(struct call *k, const char *name, const char **name_r, char token_r[TOKEN_TEXT],
	struct err *e)
{
	struct cloud *c = k->c;
	char hash[65];
	int64_t n;

	if (k->agent)
		return err_set(e, ERR_OBJECT, "forbidden",
			"this token is an agent's credential, which makes no others: the "
			"account's own key is needed");
	if (!credential_name(name))
		return err_set(e, ERR_OBJECT, "invalidValue",
			"name: 1 to 64 letters, digits, dots, hyphens or underscores are needed");
	if (!cloud_write(c, e))
		return false;
	if (!c->db->credential_count(c->store, k->tenant, &n, e))
		return cloud_spoil(c, e);
	if (n >= CLOUD_AGENTS_MAX)
		return err_set(e, ERR_OBJECT, "forbidden",
			"there are %d agents already, and no more can be: revoke those that are "
			"not used any more",
			CLOUD_AGENTS_MAX);
	token_new("lsa_", token_r, hash);
	if (!free_name(k, name, name_r, e) ||
		!c->db->credential_add(c->store, k->tenant, *name_r, hash, k->now, e))
		return cloud_spoil(c, e);
	return true;
}

void
credential_note(struct cloud *c, const struct store_token *t)
{
	int64_t now = c->clock->now(c->clock->ctx);

	if (!t->credential || now / 3600 <= t->used / 3600 || c->n_used == CLOUD_USED_MAX)
		return;
	for (size_t i = 0; i < c->n_used; i++)
		if (c->used[i] == t->credential)
			return;
	c->used[c->n_used++] = t->credential;
}

void
credential_keep(struct cloud *c)
{
	struct err e = { 0 };

	if (c->n_used && !c->db->credential_used(
				 c->store, c->used, c->n_used, c->clock->now(c->clock->ctx), &e))
		log_err(LOG_DEBUG, "use-not-noted", &e);
	c->n_used = 0;
}
