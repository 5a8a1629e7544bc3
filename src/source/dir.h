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
#include "base/json.h"
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
	struct arena *arena;   /* lives as long as the program */
	struct arena *scratch; /* of one entry */
	const struct clock *clock;
	struct dir_options options;
	bool *stop;          /* the engine wants no more */
	int64_t done;        /* entries sent in this request, for progress */
	LDAP *ld;            /* NULL = not connected */
	const char *server;  /* URL of the server we are at */
	bool tls;            /* LDAPS or StartTLS, as far as it came */
	const char *bound;   /* who we are */
	const char *context; /* what is read there: the id of its naming context, and its DN */
	char digest[65];     /* of the classes and attributes that are read; "" = none yet */
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

/* --- dir_entry.c: an entry of an answer; what is handed out in place lives as long as the message --- */
/* ERR_RETRY "bad-answer". */
bool dir_entry_dn(struct dir *d, LDAPMessage *entry, struct str *dn_r, struct err *e);
/* Every attribute, by its description (with options). Ends at the first false; ERR_RETRY "bad-answer". */
typedef bool (*dir_attribute)(void *ctx, struct str description, const struct berval *values,
	size_t count, struct err *e);
bool dir_attributes_each(
	struct dir *d, LDAPMessage *entry, dir_attribute each, void *ctx, struct err *e);
/* Sets an attribute from its values. false: they are larger than a line may be, and are left out. */
bool dir_values_take(struct attrs *as, const char *name, const struct berval *values, size_t count);
#define DIR_VALUES_TOO_LARGE "its values are too large to hand on (more than 256 KiB)"
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
bool dir_has_value(const struct dir_values *v, const char *name, const char *value);
/* Its first value, for as long as d; NULL = none. */
const char *dir_keep_first(struct dir *d, const struct dir_values *v, const char *name);
#define DIR_CAPABILITY_AD "1.2.840.113556.1.4.800" /* in supportedCapabilities of the rootDSE */

/* --- dir_watch.c --- */
/* All that has come of that search (LDAP_RES_ANY: of all), without waiting. `each` gets every kind of message. */
bool dir_watch_drain(struct dir *d, int msgid, dir_each each, void *ctx, struct err *e);
/* The search has ended, though it should never: false. ERR_CONFIG "cannot-watch", or the connection is lost. */
bool dir_watch_ended(struct dir *d, const char *nc, LDAPMessage *result, struct err *e);

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

/* --- dir_schema.c --- */
enum dir_syntax { DIR_STRING, DIR_BYTES, DIR_LINK, DIR_INT, DIR_BOOL, DIR_TIME };
/* By its word in lockstep-connector(7); text when it is none. */
enum dir_syntax dir_syntax_of(const char *word);
/* An attribute of hello's schema. */
void dir_attribute_write(struct jsonw *w, const char *name, enum dir_syntax syntax, bool multi);
/* Entries of one of the classes, and what entries hang from: their DNs and moves are followed whoever is asked
 * for (5.1). Both lists NULL-ended. */
char *dir_class_filter(const char *const *classes, const char *const *containers, struct arena *a);
/* false. ERR_CONFIG "unknown-attribute" with the nearest of `all` (NULL-ended, or NULL). */
bool dir_unknown_attribute(
	const char *whose, const char *name, const char *const *all, struct err *e);

/* --- dir_main.c: the program; requests of the engine, one after the other --- */
/* What hello says. */
struct dir_hello {
	const char *context, *server, *invocation;
	int64_t now;                 /* the directory's clock; else ours */
	const char *capabilities[8]; /* NULL-ended */
};
/* Options that these programs have in common, as rows of their tables. */
#define DIR_OPTION_CA_FILE                                                                         \
	{                                                                                          \
		"ca_file", OPT_PATH, false, NULL,                                                  \
			"PEM file with the authorities that may sign the server's certificate; "   \
			"default: "                                                                \
			"the system's"                                                             \
	}
#define DIR_OPTION_TIMEOUT                                                                         \
	{                                                                                          \
		"timeout", OPT_INT, false, "300", "seconds to wait for a word from the server"     \
	}
#define DIR_OPTION_TLS                                                                             \
	{                                                                                          \
		"tls", OPT_STRING, false, "ldaps",                                                 \
			"start: servers written as ldap:// are spoken to by StartTLS; ldaps: TLS " \
			"is for "                                                                  \
			"those written as ldaps://"                                                \
	}
#define DIR_OPTION_TLS_MIN                                                                         \
	{                                                                                          \
		"tls_min", OPT_STRING, false, "1.2", "lowest TLS version accepted: 1.2 or 1.3"     \
	}
struct dir_program {
	const char *name; /* "ad": the program is lockstep-source-ad */
	const struct option *option_table;
	size_t option_count;
	bool (*options)(struct dir *d, struct err *e);
	/* Connected, and classes and attributes (NULL-ended) known: fills digest. */
	bool (*ready)(struct dir *d, const char *const *classes, const char *const *attributes,
		struct err *e);
	/* Fills what it knows; texts live in `a`, or as long as d. */
	void (*hello)(struct dir *d, struct arena *a, struct dir_hello *h_r);
	void (*schema)(struct dir *d, struct jsonw *w); /* by dir_attribute_write */
	bool (*read)(struct dir *d, const char *cursor, struct err *e);
	bool (*fetch)(struct dir *d, const char *const *ids, size_t count,
		struct err *e); /* NULL = not offered */
	bool (*watch)(struct dir *d, struct err *e);
	bool (*check)(struct dir *d, const char *const *bases, size_t count, struct err *e);
	bool (*setup)(struct dir *d, const char *const *bases, size_t count, struct err *e);
	void (*close)(struct dir *d);
};
/* All that `main` does; the exit status. Fills serve, stop, arenas and clock of d, and gives them back. */
int dir_main(struct dir *d, const struct dir_program *p, int argc, char **argv);

/* --- dir_check.c --- */
void dir_finding(struct dir *d, const char *level, const char *topic, const char *remedy,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Can it be reached, and would we accept its certificate? true: there is something to bind to. */
bool dir_reach_check(struct dir *d, const char *url);
/* How bad it is that one server cannot be used. */
const char *dir_server_level(const struct dir *d);
/* All servers, then back to the first that can be used; true: we are there. */
struct dir_servers {
	bool (*check)(struct dir *d, const char *url); /* finds; true: it can be used */
	dir_use use;
	const char *other,
		*remedy; /* "is of another domain than": between two servers that do not fit */
};
bool dir_servers_check(struct dir *d, const struct dir_servers *s);
/* true: it is there. */
bool dir_base_check(struct dir *d, const char *base);
