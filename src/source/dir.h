/*
 * A directory that is spoken to by LDAP: what is the same for Active Directory and for others. One connection,
 * one request at a time; `stop` and progress are minded while it waits. Nothing here writes to a directory: no
 * file of these programs names an LDAP call that could (I9; a test looks at the symbols).
 */
#pragma once
#include <ldap.h>
#include <stdint.h>
#include <strings.h>
#include "base/clock.h"
#include "wire/serve.h"

struct dir_options {
	const char *const *servers; /* LDAP URLs */
	size_t server_count;
	const char *bind, *password_file, *ca_file;
	const char *const *bases;
	size_t base_count;
	int timeout;    /* seconds without a word from the server */
	int tls_min;    /* LDAP_OPT_X_TLS_PROTOCOL_TLS1_x */
	bool start_tls; /* servers written as ldap:// are spoken to by StartTLS */
	bool sealed;    /* Kerberos encrypts: ldap:// needs no TLS */
};

struct dir {
	struct serve *serve;
	struct arena *arena; /* lives as long as the program */
	const struct clock *clock;
	struct dir_options options;
	bool *stop;         /* the engine wants no more */
	int64_t done;       /* entries sent in this request, for progress */
	LDAP *ld;           /* NULL = not connected */
	const char *server; /* URL of the server we are at */
	bool tls;           /* LDAPS or StartTLS, as far as it came */
	const char *bound;  /* who we are */
	char digest[65];    /* of the classes and attributes that are read; "" = none yet */
};

/* --- dir_options.c --- */
/* Fills `options` from server, bind, password_file, ca_file, base, timeout, tls and tls_min. ERR_CONFIG. */
bool dir_options_read(struct dir *d, struct err *e);
/* Well-formed, and no way to send a password in the clear. */
bool dir_url_check(const struct dir_options *o, const char *url, struct err *e);
bool dir_number_option(
	struct dir *d, const char *name, long min, long max, int *n_r, struct err *e);
/* One of a few words: its place among them. */
bool dir_word_option(
	struct dir *d, const char *name, const char *const *words, int *at_r, struct err *e);
bool dir_is_loopback(const char *host);

/* --- dir_session.c: being connected --- */
/* Connects, without a bind; encrypted when the configuration says so, or not at all. */
bool dir_reach(struct dir *d, const char *url, struct err *e);
/* By DN and password_file. */
bool dir_bind(struct dir *d, struct err *e);
void dir_close(struct dir *d);
/* The first server that `use` (connect, bind, look where we are) succeeds with, in order; a refused bind is not
 * tried elsewhere (7.4: no lock-out). */
typedef bool (*dir_use)(struct dir *d, const char *url, struct err *e);
bool dir_open(struct dir *d, dir_use use, struct err *e);

/* --- dir_search.c: one search, to its proven end --- */
typedef bool (*dir_each)(void *ctx, struct dir *d, LDAPMessage *entry, struct err *e);
struct dir_search {
	const char *base;
	int scope;
	const char *filter;
	const char *const *attributes; /* NULL-ended; NULL = all */
	LDAPControl **controls;        /* NULL = none */
	const char *phase;             /* for progress lines; NULL = none are sent */
	dir_each between;  /* intermediate responses (RFC 4511 4.13); NULL = passed over */
	const char *doing; /* for errors: "reading the schema" */
};
bool dir_ignore(void *ctx, struct dir *d, LDAPMessage *entry, struct err *e); /* does nothing */
/*
 * Calls `each` for every entry as it comes. true: result code 0, nothing less. Referrals and references are
 * never followed; references are passed over, a referral as the result is an error. While it waits it
 * sends progress and listens for `stop`. controls_r (may be NULL): the controls of the result, free with
 * ldap_controls_free. code_r (may be NULL): the result code of the server, -1 when there was none.
 */
bool dir_search(struct dir *d, const struct dir_search *q, dir_each each, void *ctx,
	LDAPControl ***controls_r, int *code_r, struct err *e);
/* Waits for the answer to a request; 0 = message in *res_r. */
bool dir_wait(struct dir *d, int msgid, const char *phase, const char *doing, LDAPMessage **res_r,
	struct err *e);
/* First (or only) value of an attribute of a single entry, in the arena; n counts bytes. */
struct str dir_value_first(struct dir *d, LDAPMessage *entry, const char *name, struct arena *a);
const char *const *dir_value_list(
	struct dir *d, LDAPMessage *entry, const char *name, struct arena *a);
/* Reads one entry by base search. true with found = false: it is not there, or hidden from us. */
struct dir_values {
	struct attrs attrs;
	bool found;
	int code;
	char *dn;
};
bool dir_read_one(struct dir *d, const char *dn, const char *const *attributes,
	LDAPControl **controls, const char *doing, struct arena *a, struct dir_values *v_r,
	struct err *e);

/* --- dir_error.c: what an answer means, and what to do --- */
bool dir_err_result(struct err *e, int code, const char *diagnostic, const char *doing);

/* --- dir_tls.c: the certificate a server shows --- */
#define CERT_WAIT 4 /* seconds for one look */
struct dir_cert {
	bool reached; /* TCP */
	bool shown;   /* a TLS server with a certificate */
	char subject[256], issuer[256], names[512];
	int64_t not_before, not_after;
	bool trusted, name_matches;
	char why[256]; /* not trusted: why */
	char version[16];
};
/* Shakes hands without trusting, after StartTLS where the configuration says so. false: the server cannot be
 * reached, or nothing was shown (e says why); true and not shown: it is not spoken to by TLS. */
bool dir_cert_look(
	const struct dir *d, const char *url, int timeout, struct dir_cert *c_r, struct err *e);
/* Would we accept it? Kind ERR_CONFIG, code "certificate", with the remedy. */
bool dir_cert_judge(const struct dir *d, const struct dir_cert *c, int64_t now, struct err *e);
/* Why a TLS connection did not come about: fills e with cause and remedy. */
bool dir_tls_err(struct dir *d, const char *url, struct err *e);

/* --- dir_main.c: requests of the engine, one after the other --- */
struct dir_program {
	bool (*options)(struct dir *d, struct err *e);
	/* Connected, and classes and attributes (NULL-ended) known: fills digest. */
	bool (*ready)(struct dir *d, const char *const *classes, const char *const *attributes,
		struct err *e);
	bool (*hello)(struct dir *d, struct err *e);
	bool (*read)(struct dir *d, const char *cursor, struct err *e);
	bool (*fetch)(struct dir *d, const char *const *ids, size_t count,
		struct err *e); /* NULL = not offered */
	bool (*watch)(struct dir *d, struct err *e);
	bool (*check)(struct dir *d, const char *const *bases, size_t count, struct err *e);
	bool (*setup)(struct dir *d, const char *const *bases, size_t count, struct err *e);
};
/* Until the engine wants no more. */
bool dir_run(struct dir *d, const struct dir_program *p, struct err *e);

/* --- dir_check.c --- */
void dir_finding(struct dir *d, const char *level, const char *topic, const char *remedy,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void dir_certificate_check(struct dir *d, const char *url, const struct dir_cert *c);
