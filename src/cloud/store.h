/*
 * What the hosted directory keeps, behind one table of functions: SQLite today (store_sqlite.c),
 * PostgreSQL beyond one machine. All SQL of the cloud is behind here.
 *
 * Rows. A resource has a `rid`: tenant, type and a number that grows within them, in 64 bits, so
 * that one range of rids is one tenant's users or groups in the order of their making - the order
 * of lists and what a cursor stands on. Its attributes are one text in normal form
 * (scim/resource.h) without id, meta and members. What it can be found by stands in `name` rows
 * (tenant, text, rid, kinds), one row for a text that is name and address at once; members of a
 * group are rows of their own.
 *
 * Transactions: one writer; whoever writes calls begin(write) first. Uniqueness is checked by the
 * caller inside its write transaction (conflict()); a store with several writers must make that
 * serializable.
 *
 * Errors: kind ERR_SIDE, code "store-full" (no space), "store-busy" (another process writes),
 * "store" (anything else). After an error in a write transaction only rollback() is possible. Texts
 * in callbacks live until the callback returns; a callback that returns false ends the walk.
 */
#pragma once
#include <stdint.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define STORE_SEQ_BITS  40
#define STORE_TYPE_BITS 2

/* tenant and type as one number; lowest rid of a set; and back */
static inline int64_t
store_first(int64_t tenant, unsigned type)
{
	return ((tenant << STORE_TYPE_BITS) | type) << STORE_SEQ_BITS;
}
static inline int64_t
store_tenant(int64_t rid)
{
	return rid >> (STORE_SEQ_BITS + STORE_TYPE_BITS);
}
static inline unsigned
store_type(int64_t rid)
{
	return (unsigned)(rid >> STORE_SEQ_BITS) & ((1u << STORE_TYPE_BITS) - 1);
}

/* What a name row says its text is. Folded without case, except for external ids. */
enum {
	STORE_USER_NAME = 1,
	STORE_GROUP_NAME = 2,
	STORE_EMAIL = 4,
	STORE_ALIAS = 8,
	STORE_EXTERNAL = 16,
};

typedef unsigned char store_id[16];

struct store_row {
	int64_t rid;
	store_id id;
	int64_t version, created, modified; /* seconds */
	struct str body;
};

struct store_tenant_info {
	int64_t tenant;
	const char *name;
	int64_t created, users, groups;
};

/* Whose token it is. */
struct store_token {
	int64_t tenant;     /* 0: nobody's */
	int64_t credential; /* an agent's; 0: the tenant's own key */
	int64_t used;       /* that credential, last, to the hour; 0: never */
};

struct store_credential_info {
	const char *name;
	int64_t created, used; /* to the hour; 0: never */
};

typedef bool store_credential_fn(void *ctx, const struct store_credential_info *c);
typedef bool store_row_fn(void *ctx, const struct store_row *row);
typedef bool store_rid_fn(void *ctx, int64_t rid);
typedef bool store_member_fn(void *ctx, int64_t rid, const store_id id);
typedef bool store_tenant_fn(void *ctx, const struct store_tenant_info *t);

struct store {
	const struct store_ops *ops;
};

struct store_ops {
	void (*close)(struct store *s);
	bool (*begin)(struct store *s, bool write, struct err *e);
	bool (*commit)(struct store *s, struct err *e);
	void (*rollback)(struct store *s);
	/* 32 random bytes made with the database: the key that cursors are signed with */
	bool (*secret)(struct store *s, unsigned char key_r[32], struct err *e);

	/* Tenants; each call is a transaction of its own. hash: SHA-256 of the token, hexadecimal.
	 * code "tenant-exists", "tenant-unknown" of kind ERR_CONFIG. */
	bool (*tenant_add)(
		struct store *s, const char *name, const char *hash, int64_t now, struct err *e);
	bool (*tenant_token)(struct store *s, const char *name, const char *hash, struct err *e);
	bool (*tenant_remove)(struct store *s, const char *name, struct err *e);
	bool (*tenant_each)(struct store *s, store_tenant_fn *fn, void *ctx, struct err *e);
	bool (*token_find)(
		struct store *s, const char *hash, struct store_token *t_r, struct err *e);

	/* Credentials of a tenant's agents: tokens of their own, which go with the tenant. The first three in the
	 * caller's transaction; the others are one, and find the tenant by name: "tenant-unknown",
	 * "agent-unknown" of kind ERR_CONFIG. */
	bool (*credential_has)(
		struct store *s, int64_t tenant, const char *name, bool *has_r, struct err *e);
	bool (*credential_count)(struct store *s, int64_t tenant, int64_t *n_r, struct err *e);
	bool (*credential_add)(struct store *s, int64_t tenant, const char *name, const char *hash,
		int64_t now, struct err *e);
	bool (*credential_each)(struct store *s, const char *tenant, store_credential_fn *fn,
		void *ctx, struct err *e);
	bool (*credential_remove)(
		struct store *s, const char *tenant, const char *name, struct err *e);
	/* Those were used in the hour that `now` is in. */
	bool (*credential_used)(
		struct store *s, const int64_t *credentials, size_t n, int64_t now, struct err *e);

	/* rid_r is 0 when there is none; of any tenant: the caller checks store_tenant(). */
	bool (*rid_of)(struct store *s, const store_id id, int64_t *rid_r, struct err *e);
	/* row_r->rid is 0 when there is none; body in the arena */
	bool (*get)(struct store *s, int64_t rid, struct arena *a, struct store_row *row_r,
		struct err *e);
	/* row->rid names tenant and type (store_first); the new rid is put there */
	bool (*insert)(struct store *s, struct store_row *row, struct err *e);
	/* version, modified, body */
	bool (*update)(struct store *s, const struct store_row *row, struct err *e);
	/* with its memberships in both directions; groups that lose it get a new version */
	bool (*remove)(struct store *s, int64_t rid, int64_t now, struct err *e);
	/* rows from..to, both inclusive, ascending, at most limit */
	bool (*scan)(struct store *s, int64_t from, int64_t to, size_t limit, store_row_fn *fn,
		void *ctx, struct err *e);
	bool (*count)(struct store *s, int64_t from, int64_t to, int64_t *n_r, struct err *e);
	/* rid of the row at this place (0-based) of the range; 0 when there are fewer */
	bool (*nth)(struct store *s, int64_t from, int64_t to, int64_t place, int64_t *rid_r,
		struct err *e);

	bool (*name_put)(
		struct store *s, int64_t rid, struct str text, unsigned kinds, struct err *e);
	bool (*name_del)(struct store *s, int64_t rid, struct str text, struct err *e);
	/* resources of the tenant with a name row of one of these kinds */
	bool (*find)(struct store *s, int64_t tenant, struct str text, unsigned kinds,
		store_rid_fn *fn, void *ctx, struct err *e);
	/* another resource of the tenant with one of these kinds for the text; 0 when none */
	bool (*conflict)(struct store *s, int64_t tenant, struct str text, unsigned kinds,
		int64_t except, int64_t *rid_r, struct err *e);

	/* changed_r: false when it was so already */
	bool (*member_add)(struct store *s, int64_t group, int64_t member, const store_id id,
		bool *changed_r, struct err *e);
	bool (*member_del)(
		struct store *s, int64_t group, int64_t member, bool *changed_r, struct err *e);
	bool (*member_has)(
		struct store *s, int64_t group, int64_t member, bool *has_r, struct err *e);
	/* members with a rid above `after`, ascending, at most limit */
	bool (*members)(struct store *s, int64_t group, int64_t after, size_t limit,
		store_member_fn *fn, void *ctx, struct err *e);
	/* groups that have it as a direct member, likewise */
	bool (*groups_of)(struct store *s, int64_t member, int64_t after, size_t limit,
		store_rid_fn *fn, void *ctx, struct err *e);
};

/* Opens or makes the database. create: make it when it is absent. */
bool store_sqlite_open(const char *path, bool create, struct store **s_r, struct err *e);
