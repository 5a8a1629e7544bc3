/*
 * lockstep-source-ad: Active Directory and Samba AD, read by LDAP and the DirSync control. This header
 * is shared by the files of this program alone.
 *
 * One connection, one request at a time. Nothing here writes to a directory: no file of this program
 * names an LDAP call that could (I9; a test looks at the symbols).
 */
#pragma once
#include <stdint.h>
#include <strings.h>
#include "base/json.h"
#include "dir.h"

struct ad_attr {          /* an attribute that the engine asked for */
	const char *name; /* as the schema writes it */
	size_t name_n;
	enum dir_syntax syntax;
	bool multi;
	bool sent;        /* DirSync brings it; others are known by name only (memberOf) */
	int link_id;      /* forward links: even, their back link is link_id + 1; 0 = not linked */
	const char *back; /* name of that back link, NULL = none */
};

/*
 * One naming context, and the controller it is read from. Several contexts are a list of these, each with a
 * connection of its own; what stands before `ld`, schema and request they have in common.
 */
struct ad {
	struct dir d;    /* first: ad_of */
	struct ad *next; /* another naming context, NULL = none */
	const char *keytab,
		*krb5_conf; /* keytab: Kerberos instead of a password; NULL = not given */
	int page;           /* bytes of one DirSync answer */
	enum { AD_CHANGES_AUTO, AD_CHANGES_DIRSYNC, AD_CHANGES_USN } changes;

	bool forest;        /* one of several contexts */
	bool split;         /* the list of contexts is made */
	const char **bases; /* those of the configuration that lie in this context */
	size_t base_count;
	struct ad_krb5 *krb5;
	/* from its rootDSE and near by; texts live in arena */
	const char *nc;         /* naming context that is read */
	const char *domain_sid; /* of the naming context, NULL = it has none */
	const char *default_nc, *config_nc, *schema_nc, *subschema;
	const char *host, *invocation;
	const char *const *ncs; /* all naming contexts of the server, NULL-ended */
	const char **all_ncs;   /* those of the forest; NULL = not looked at */
	int64_t now, usn;
	bool has_dirsync, is_samba;
	bool sees_deleted; /* the container of deleted objects can be read */
	bool by_usn;       /* changes are followed by uSNChanged, not by DirSync */

	struct ad_attr *attrs; /* what was asked for */
	size_t attr_count;
	char *filter;         /* by class (SEMANTICS 4.1) */
	const char **request; /* attributes to ask the server for, NULL-ended */
	const char **request_delta, **request_usn;
};

static inline struct ad *
ad_of(struct dir *d)
{
	return (struct ad *)d;
}

/* --- ad_options.c --- */
/* Checks and keeps options; servers from DNS when `domain` is given. ERR_CONFIG. */
bool ad_options_read(struct dir *d, struct err *e);

/* --- ad_session.c: being connected --- */
/* Connects and binds to one server. Only the texts of e tell a person what to do; code and kind are stable. */
bool ad_connect(struct ad *ad, const char *url, struct err *e);
/* The first server that answers, in order; a refused bind is not tried elsewhere (7.4: no lock-out). Then
 * finds naming context and controller. */
bool ad_open(struct ad *ad, struct err *e);
/* Reads the rootDSE: needs no bind. Fills the fields above. */
bool ad_rootdse(struct ad *ad, struct err *e);
/* Its clock and highest USN, as they are now. */
bool ad_now_read(struct ad *ad, struct err *e);
/* After ad_connect: rootDSE, naming context, controller, deleted objects. */
bool ad_arrive(struct ad *ad, struct err *e);

/* --- ad_forest.c: naming contexts --- */
/* The naming context of the forest that holds a DN; ERR_CONFIG "bad-base", "bad-dn". */
const char *ad_context_of(struct ad *ad, const char *dn, struct arena *a, struct err *e);
/* Sets nc, which holds `bases`, or the domain when there are none. ERR_CONFIG "bad-base"; "other-domain": this
 * server does not hold it, another may. */
bool ad_context_find(struct ad *ad, struct err *e);
/* Opens what is not open, one list member for each naming context that the configuration's bases lie in. */
bool ad_forest_open(struct ad *first, struct err *e);
/* Reads the schema once for all. */
bool ad_forest_schema(
	struct ad *first, const char *const *classes, const char *const *attributes, struct err *e);
void ad_forest_close(struct ad *first);
/* Their ids, servers, ... in one text each, in an order that does not depend on the configuration. */
struct ad_forest_facts {
	const char *context, *server, *invocation;
	bool deltas_complete, sees_deletes;
};
struct ad_forest_facts ad_forest_facts(struct ad *first, struct arena *a);

/* --- ad_bind.c, ad_krb5.c --- */
/* By password or keytab; sets `bound`. A password goes over TLS, or to this computer. */
bool ad_bind(struct ad *ad, struct err *e);
/* Has a Kerberos ticket that lasts a while, from the keytab; kept in this process's memory. A failure is
 * remembered for a minute. Kinds: ERR_CONFIG "bind-refused", "bad-keytab", ...; ERR_RETRY "kdc-unreachable". */
bool ad_ticket_get(struct ad *ad, struct err *e);
void ad_ticket_free(struct ad *ad);

/* --- ad_schema.c --- */
/* Looks up what was asked for. ERR_CONFIG "unknown-attribute" with the nearest name. */
bool ad_schema_read(
	struct ad *ad, const char *const *classes, const char *const *attributes, struct err *e);
const struct ad_attr *ad_attr_find(const struct ad *ad, struct str name);
/* Names of attributes, compared; most differ in length already. */
static inline bool
ad_name_is(struct str a, struct str b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* --- ad_entry.c: an entry becomes lines --- */
enum ad_mode { AD_FULL, AD_DELTA, AD_FETCH, AD_CHANGED };
struct ad_todo { /* left to do when a page is through: not more than a page brings */
	struct {
		char id[37];
		const struct ad_attr *attr;
	} * parts; /* attributes of which only a range came */
	size_t part_count;
	char (*restored)[37]; /* objects that came back: their back links are looked up */
	size_t restored_count;
};
/* The other end of a link, out of a DN value; in the arena. ERR_OBJECT. */
bool ad_link_read(struct arena *a, struct str value, struct serve_link *l_r, struct err *e);
void ad_todo_free(struct ad_todo *t);
bool ad_entry_send(
	struct ad *ad, LDAPMessage *entry, enum ad_mode mode, struct ad_todo *todo, struct err *e);

/* --- ad_read.c: controls with static values, not to be freed --- */
LDAPControl *ad_control_show_deleted(void);
LDAPControl *ad_control_extended_dn(void);

/* --- ad_range.c --- */
/* Sends all values of a link attribute, by ranges until the last: first `set`, then `add`. */
bool ad_range_send(struct ad *ad, const char *id, const struct ad_attr *attr, struct err *e);
/* Sends the links that lead to an object that was restored: they come back without being reported. */
bool ad_restored_send(struct ad *ad, const char *id, struct err *e);

/* --- ad_read.c: requests of the engine, over all contexts --- */
/* Each answers with its lines and `end`; false: nothing more can be said (the engine is gone). */
bool ad_read(struct dir *d, const char *cursor, struct err *e);
bool ad_fetch(struct dir *d, const char *const *ids, size_t count, struct err *e);
/* What a page left over; its lists are empty afterwards. */
bool ad_todo_do(struct ad *ad, struct ad_todo *t, struct err *e);
/* A result that means: this account may not use DirSync here. */
bool ad_dirsync_refused(int code);

/* --- ad_usn.c: without DirSync --- */
/* May we use DirSync? false: the result code tells (ad_dirsync_refused), or e. */
bool ad_dirsync_try(struct ad *ad, int *code_r, struct err *e);
/* Sets by_usn: as the configuration says, or as the account's rights are. */
bool ad_changes_choose(struct ad *ad, struct err *e);
/* Sends what changed after that USN, or everything (-1). */
bool ad_usn_read(struct ad *ad, int64_t after, struct err *e);

/* --- ad_stamp.c --- */
/* After a delta that brought something: when the entries changed that changed after that USN, if they are few. */
bool ad_stamps_send(struct ad *ad, int64_t after, struct err *e);

/* --- ad_watch.c --- */
/* Answers `watch` until the engine wants no more. ERR_CONFIG "cannot-watch"; else the connection was lost. */
bool ad_watch(struct dir *d, struct err *e);

/* --- ad_check.c, ad_rights.c, ad_same.c, ad_setup.c --- */
/* bases: NULL-ended, one at least. */
void ad_rights_check(struct ad *ad, const char *const *bases);
/* --- ad_account.c: whether our account will go on working --- */
void ad_account_check(struct ad *ad, const char *self); /* self: its DN */
/* Topic of a finding that tells of a refused bind: "account-locked", ..., else "bind". */
const char *ad_account_topic(const char *code);
void ad_same_check(struct ad *ad, const char *const *bases);
bool ad_check(struct dir *d, const char *const *bases, size_t count, struct err *e);
bool ad_setup(struct dir *d, const char *const *bases, size_t count, struct err *e);

/* --- ad_srv.c --- */
/* URLs (scheme ldap or ldaps) of a domain's controllers, by DNS SRV (RFC 2782 order), in the arena. */
bool ad_srv_find(const char *domain, const char *scheme, struct arena *a, const char ***urls_r,
	size_t *count_r, struct err *e);
