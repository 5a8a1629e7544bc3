/* Tokens: whose they are, and the credentials of tenants' agents. */
#include "store_sqlite.h"

#define HOUR 3600

static struct store_sqlite *
self(struct store *s)
{
	return (struct store_sqlite *)s;
}

bool
sqlite_token_find(struct store *st, const char *hash, struct store_token *t_r, struct err *e)
{
	struct store_sqlite *s = self(st);
	struct str h = str_c(hash);
	sqlite3_stmt *q = sqlite_bind(s, Q_TOKEN_FIND, "t", &h);
	int rc = sqlite3_step(q);
	bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE || sqlite_fail(s, "read", e);

	*t_r = (struct store_token){ 0 };
	if (rc == SQLITE_ROW)
		*t_r = (struct store_token){ sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
			sqlite3_column_int64(q, 2) };
	sqlite3_reset(q);
	return ok;
}

bool
sqlite_credential_has(
	struct store *st, int64_t tenant, const char *name, bool *has_r, struct err *e)
{
	struct store_sqlite *s = self(st);
	struct str n = str_c(name);
	int64_t one = 0;
	bool ok = sqlite_number(s, sqlite_bind(s, Q_CREDENTIAL_HAS, "it", tenant, &n), &one, e);

	*has_r = one != 0;
	return ok;
}

bool
sqlite_credential_count(struct store *st, int64_t tenant, int64_t *n_r, struct err *e)
{
	struct store_sqlite *s = self(st);

	return sqlite_number(s, sqlite_bind(s, Q_CREDENTIAL_COUNT, "i", tenant), n_r, e);
}

bool
sqlite_credential_add(struct store *st, int64_t tenant, const char *name, const char *hash,
	int64_t now, struct err *e)
{
	struct store_sqlite *s = self(st);
	struct str n = str_c(name), h = str_c(hash);

	return sqlite_run(
		s, sqlite_bind(s, Q_CREDENTIAL_ADD, "itti", tenant, &n, &h, now), NULL, e);
}

bool
sqlite_credential_each(
	struct store *st, const char *tenant, store_credential_fn *fn, void *ctx, struct err *e)
{
	struct store_sqlite *s = self(st);
	sqlite3_stmt *q;
	bool ok = true;
	int64_t t;
	int rc;

	if (!sqlite_tenant(s, tenant, &t, e))
		return false;
	q = sqlite_bind(s, Q_CREDENTIAL_EACH, "i", t);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct store_credential_info c = { (const char *)sqlite3_column_text(q, 0),
			sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2) };
		if (!fn(ctx, &c))
			break;
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		ok = sqlite_fail(s, "read", e);
	sqlite3_reset(q);
	return ok;
}

bool
sqlite_credential_remove(struct store *st, const char *tenant, const char *name, struct err *e)
{
	struct store_sqlite *s = self(st);
	struct str n = str_c(name);
	bool gone = false;
	int64_t t;

	if (!sqlite_tenant(s, tenant, &t, e) ||
		!sqlite_run(s, sqlite_bind(s, Q_CREDENTIAL_DEL, "it", t, &n), &gone, e))
		return false;
	return gone || err_set(e, ERR_CONFIG, "agent-unknown",
			       "tenant \"%s\" has no agent \"%s\"; `tenant agents %s` shows those "
			       "there are",
			       tenant, name, tenant);
}

bool
sqlite_credential_used(
	struct store *st, const int64_t *credentials, size_t n, int64_t now, struct err *e)
{
	struct store_sqlite *s = self(st);
	int64_t hour = now - now % HOUR;
	bool ok = sqlite_begin(st, true, e);

	for (size_t i = 0; ok && i < n; i++)
		ok = sqlite_run(
			s, sqlite_bind(s, Q_CREDENTIAL_USED, "ii", hour, credentials[i]), NULL, e);
	if (ok && sqlite_commit(st, e))
		return true;
	sqlite_rollback(st);
	return false;
}
