/*
 * The hosted directory's middle: what one request means, between HTTP (http.c) and the store.
 *
 * A `cloud` is the process's one state; a `call` is one request (or one operation of a Bulk) of one
 * tenant. Requests that arrive together share one write transaction (cloud_write opens it on first
 * use) and are answered after cloud_end has committed it, so that one fsync serves them all.
 *
 * Error codes and their HTTP status stand in one table in reply.c; code is the scimType where
 * SCIM has one.
 */
#pragma once
#include "base/clock.h"
#include "base/json.h"
#include "scim/patch.h"
#include "scim/resource.h"
#include "store.h"

#define CLOUD_BODY_MAX      ((size_t)8 << 20) /* one request */
#define CLOUD_BULK_MAX      ((size_t)4 << 20) /* one Bulk */
#define CLOUD_BULK_OPS      1000
#define CLOUD_RESOURCE_MAX  ((size_t)256 << 10) /* one resource in normal form, members apart */
#define CLOUD_PAGE_BYTES    ((size_t)8 << 20)   /* a page of a list ends early beyond this */
#define CLOUD_PAGE_DEFAULT  100
#define CLOUD_PAGE_MAX      1000
#define CLOUD_SORT_MAX      10000  /* startIndex + count of a sorted list */
#define CLOUD_COLLECT_MAX   400000 /* entries of the indexes read for one list */
#define CLOUD_FIND_TERMS    500    /* advertised: comparisons by key in one filter */
#define CLOUD_REQUESTS      16     /* advertised: requests of one client in flight */
#define CLOUD_PATCH_MEMBERS 5000   /* advertised: members in one PATCH */
#define CLOUD_AGENTS_MAX    1000   /* credentials of a tenant's agents */
#define CLOUD_USED_MAX      256

enum cloud_tx { TX_NONE, TX_READ, TX_WRITE };

struct cloud {
	struct store *store;
	const struct store_ops *db;
	const struct clock *clock;
	const char *url;       /* base of locations, or NULL: from the Host header */
	unsigned char key[32]; /* signs cursors */
	enum cloud_tx tx;
	struct err broken;            /* the error that spoiled the open write transaction */
	struct buf text;              /* scratch: normal form being made */
	int64_t used[CLOUD_USED_MAX]; /* credentials of which that is to be noted */
	size_t n_used;
};

struct bulk;
struct call {
	struct cloud *c;
	struct arena *a;
	int64_t tenant, now;
	bool agent;        /* known by a credential, not by the tenant's key */
	const char *base;  /* "http://host/scim/v2" */
	struct bulk *bulk; /* NULL outside a Bulk */
};

/* Transactions. A failed write spoils the transaction: everything in it is answered with that
 * error. */
bool cloud_read(struct cloud *c, struct err *e);
bool cloud_write(struct cloud *c, struct err *e);
bool cloud_end(struct cloud *c, struct err *e);
/* Notes a store error inside a write transaction; returns false. */
bool cloud_spoil(struct cloud *c, const struct err *e);

/* credential.c: an agent's own token, which the tenant's key is exchanged for. */
#define TOKEN_TEXT      80
#define CREDENTIAL_PATH "/.lockstep/credentials"
/* 256 random bits behind the prefix; what is kept of them is their SHA-256. */
void token_new(const char *prefix, char token_r[TOKEN_TEXT], char hash_r[65]);
/* 1 to 64 of letters, digits, . - _ */
bool credential_name(const char *name);
/* Another agent of the name keeps its credential, and this one gets a name with a number, in *name_r: two machines
 * may well be called the same. Errors: "invalidValue", "forbidden" (an agent asks, or there are too many). */
bool credential_make(struct call *k, const char *name, const char **name_r,
	char token_r[TOKEN_TEXT], struct err *e);
/* Of a request that came with it; written down, to the hour, by credential_keep, which wants no open
 * transaction. Nothing depends on it: what cannot be written is noted again by the next request. */
void credential_note(struct cloud *c, const struct store_token *t);
void credential_keep(struct cloud *c);

/* id.c: RFC 9562 version 7: time-ordered, so that the index on ids grows at its end; 74 random
 * bits. */
#define ID_TEXT 37
void id_new(const struct clock *clock, store_id id_r);
void id_format(const store_id id, char text_r[ID_TEXT]);
bool id_parse(const char *text, store_id id_r); /* canonical lower case alone */

/* resource.c. Errors: scimTypes, "not-found", "precondition". row_r->body lives until the next
 * call. */
bool resource_load(
	struct call *k, unsigned type, const char *id, struct store_row *row_r, struct err *e);
/* id: given to it beforehand, or NULL. data may be changed. */
bool resource_create(struct call *k, unsigned type, struct json *data, const unsigned char *id,
	struct store_row *row_r, struct err *e);
bool resource_replace(
	struct call *k, unsigned type, struct json *data, struct store_row *row, struct err *e);
bool resource_patch(struct call *k, unsigned type, const struct json *body, struct store_row *row,
	struct err *e);
bool resource_remove(struct call *k, unsigned type, const struct store_row *row, struct err *e);
/* ETag lists: does If-Match let the change pass? NULL: yes. */
bool resource_match(const char *header, const struct store_row *row);

/* names.c: what a resource is found by. */
struct name {
	struct str text;
	unsigned kinds;
};
struct names {
	struct name *list; /* sorted by text, each once */
	size_t n;
};
void names_of(struct call *k, unsigned type, const struct scim_keys *keys, struct names *n_r);
bool names_check(struct call *k, const struct names *n, int64_t self, struct err *e);
bool names_store(struct call *k, int64_t rid, const struct names *was, const struct names *now,
	struct err *e);

/* members.c */
struct member {
	int64_t rid;
	store_id id;
};
struct members {
	struct member *list;
	size_t n;
};
/* A list, an object or a bare id; unknown ones are an error, or passed over when removing. */
bool members_resolve(struct call *k, const struct json *value, bool removing, struct members *m_r,
	struct err *e);
bool members_add(
	struct call *k, int64_t group, const struct members *m, bool *changed, struct err *e);
bool members_replace(
	struct call *k, int64_t group, const struct members *m, bool *changed, struct err *e);
/* One operation on `members`; resolved before anything is written. */
struct member_op {
	const struct scim_patch_op *op;
	struct members m;
};
bool member_op_prepare(
	struct call *k, const struct scim_patch_op *op, struct member_op *o_r, struct err *e);
bool member_op_apply(
	struct call *k, int64_t group, const struct member_op *o, bool *changed, struct err *e);
/* Does a filter node on members (of a group) or groups (of a user) hold? */
bool members_match(
	struct call *k, int64_t rid, const struct scim_filter *node, bool *holds_r, struct err *e);

/* bulk.c: is this the id of a resource that a later operation of the Bulk will make? If so the
 * membership is kept for then. */
bool bulk_pending(struct bulk *b, const store_id id);
