/* Private to the files store_sqlite*.c. */
#pragma once
#include <sqlite3.h>
#include "store.h"

enum stmt {
	Q_BEGIN_READ,
	Q_BEGIN_WRITE,
	Q_COMMIT,
	Q_ROLLBACK,
	Q_SECRET,
	Q_TENANT_ADD,
	Q_TENANT_TOKEN,
	Q_TENANT_BY_NAME,
	Q_TENANT_DEL,
	Q_TENANT_EACH,
	Q_TOKEN_FIND,
	Q_CREDENTIAL_HAS,
	Q_CREDENTIAL_COUNT,
	Q_CREDENTIAL_ADD,
	Q_CREDENTIAL_EACH,
	Q_CREDENTIAL_DEL,
	Q_CREDENTIAL_USED,
	Q_WIPE_CREDENTIAL,
	Q_WIPE_RESOURCE,
	Q_WIPE_NAME,
	Q_WIPE_MEMBER,
	Q_RID_OF,
	Q_GET,
	Q_LAST,
	Q_INSERT,
	Q_UPDATE,
	Q_DELETE,
	Q_SCAN,
	Q_COUNT,
	Q_NTH,
	Q_NAME_PUT,
	Q_NAME_DEL,
	Q_FIND,
	Q_CONFLICT,
	Q_MEMBER_ADD,
	Q_MEMBER_DEL,
	Q_MEMBER_HAS,
	Q_MEMBERS,
	Q_GROUPS_OF,
	Q_LEFT_GROUPS,
	Q_MEMBER_WIPE,
	Q_GROUP_WIPE,
	Q_MAX,
};

struct store_sqlite {
	struct store store;
	sqlite3 *db;
	sqlite3_stmt *stmt[Q_MAX];
	int64_t last_set, last_rid; /* highest rid given out in the set used last; 0: ask */
};

/* Fills e from the connection's last error; returns false. */
bool sqlite_fail(struct store_sqlite *s, const char *what, struct err *e);
/* Binds by format: i int64_t, t struct str * (text), b const unsigned char * (16 bytes). */
sqlite3_stmt *sqlite_bind(struct store_sqlite *s, enum stmt q, const char *format, ...);
/* Steps once and resets; rows are of no interest. changed_r may be NULL. */
bool sqlite_run(struct store_sqlite *s, sqlite3_stmt *st, bool *changed_r, struct err *e);
/* One number; 0 when there is no row. */
bool sqlite_number(struct store_sqlite *s, sqlite3_stmt *st, int64_t *n_r, struct err *e);

extern const struct store_ops store_sqlite_ops;
bool sqlite_begin(struct store *s, bool write, struct err *e);
bool sqlite_commit(struct store *s, struct err *e);
void sqlite_rollback(struct store *s);
/* code "tenant-unknown" */
bool sqlite_tenant(struct store_sqlite *s, const char *name, int64_t *tenant_r, struct err *e);
bool sqlite_token_find(struct store *s, const char *hash, struct store_token *t_r, struct err *e);
bool sqlite_credential_has(
	struct store *s, int64_t tenant, const char *name, bool *has_r, struct err *e);
bool sqlite_credential_count(struct store *s, int64_t tenant, int64_t *n_r, struct err *e);
bool sqlite_credential_add(struct store *s, int64_t tenant, const char *name, const char *hash,
	int64_t now, struct err *e);
bool sqlite_credential_each(
	struct store *s, const char *tenant, store_credential_fn *fn, void *ctx, struct err *e);
bool sqlite_credential_remove(struct store *s, const char *tenant, const char *name, struct err *e);
bool sqlite_credential_used(
	struct store *s, const int64_t *credentials, size_t n, int64_t now, struct err *e);
bool sqlite_rid_of(struct store *s, const store_id id, int64_t *rid_r, struct err *e);
bool sqlite_get(
	struct store *s, int64_t rid, struct arena *a, struct store_row *row_r, struct err *e);
bool sqlite_insert(struct store *s, struct store_row *row, struct err *e);
bool sqlite_update(struct store *s, const struct store_row *row, struct err *e);
bool sqlite_remove(struct store *s, int64_t rid, int64_t now, struct err *e);
bool sqlite_scan(struct store *s, int64_t from, int64_t to, size_t limit, store_row_fn *fn,
	void *ctx, struct err *e);
bool sqlite_count(struct store *s, int64_t from, int64_t to, int64_t *n_r, struct err *e);
bool sqlite_nth(
	struct store *s, int64_t from, int64_t to, int64_t place, int64_t *rid_r, struct err *e);
bool sqlite_name_put(struct store *s, int64_t rid, struct str text, unsigned kinds, struct err *e);
bool sqlite_name_del(struct store *s, int64_t rid, struct str text, struct err *e);
bool sqlite_find(struct store *s, int64_t tenant, struct str text, unsigned kinds, store_rid_fn *fn,
	void *ctx, struct err *e);
bool sqlite_conflict(struct store *s, int64_t tenant, struct str text, unsigned kinds,
	int64_t except, int64_t *rid_r, struct err *e);
bool sqlite_member_add(struct store *s, int64_t group, int64_t member, const store_id id,
	bool *changed_r, struct err *e);
bool sqlite_member_del(
	struct store *s, int64_t group, int64_t member, bool *changed_r, struct err *e);
bool sqlite_member_has(struct store *s, int64_t group, int64_t member, bool *has_r, struct err *e);
bool sqlite_members(struct store *s, int64_t group, int64_t after, size_t limit,
	store_member_fn *fn, void *ctx, struct err *e);
bool sqlite_groups_of(struct store *s, int64_t member, int64_t after, size_t limit,
	store_rid_fn *fn, void *ctx, struct err *e);
