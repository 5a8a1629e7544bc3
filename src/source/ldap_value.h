/*
 * What RFC 4533 (content synchronization) and RFC 4512 (schema) put into bytes and text, taken apart. Pure;
 * everything handed out lives in the arena given or in the bytes given.
 *
 * By hand and not by libldap's ldap_sync_*: that blocks without an end while it waits, asserts on bytes that a server
 * got wrong, and hides the result code that tells a cookie that is too old from a search that failed.
 */
#pragma once
#include <ldap.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define SYNC_COOKIE_MAX (64 * 1024)

enum sync_mode { SYNC_ONCE = 1, SYNC_PERSIST = 3 };
/* The request control (2.2), critical; cookie n = 0: from nothing. In the arena. */
bool sync_request_make(
	enum sync_mode mode, struct str cookie, struct arena *a, LDAPControl *c_r, struct err *e);

/* What an entry is said to be (2.3). */
enum sync_state { SYNC_PRESENT, SYNC_ADD, SYNC_MODIFY, SYNC_DELETE };
struct sync_entry {
	enum sync_state state;
	char id[37]; /* entryUUID, canonical */
	struct str cookie;
};
/* ERR_RETRY "bad-answer". */
bool sync_state_read(struct str value, struct sync_entry *s_r, struct err *e);

/* The end of a refresh (2.4). */
struct sync_done {
	struct str cookie;
	bool deletes; /* what is gone was named; else it is what was not named as present */
};
bool sync_done_read(struct str value, struct sync_done *d_r, struct err *e);

/* What comes between (2.5). */
enum sync_info_type { SYNC_NEW_COOKIE, SYNC_REFRESH_DELETE, SYNC_REFRESH_PRESENT, SYNC_ID_SET };
struct sync_info {
	enum sync_info_type type;
	struct str cookie;
	bool done;       /* refreshDone of the two phases */
	bool deletes;    /* SYNC_ID_SET: these are gone; else they are present */
	char (*ids)[37]; /* SYNC_ID_SET */
	size_t count;
};
bool sync_info_read(struct str value, struct arena *a, struct sync_info *i_r, struct err *e);

/*
 * Can a refresh go on from it? A cookie is opaque, but slapd's own look like
 * "rid=000,sid=001,csn=20261129091629.026734Z#000000#000#000000;...", and one of these without a time it takes (2.5) for
 * none at all: it sends everything as added, names nothing as gone, and says that what is gone was named.
 */
bool sync_cookie_usable(struct str cookie);

/* A DN out of a value of Name and Optional UID (RFC 4517 3.3.21): without the bits behind it. */
struct str unique_name_dn(struct str value);
