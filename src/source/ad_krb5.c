/*
 * Kerberos tickets out of a keytab. They live in the memory of this process, in a cache of its own, and are
 * got anew at a bind when little is left of them. The connector's environment is empty: what the Kerberos
 * libraries look for there is set here, from options.
 */
#include "ad.h"

#include <errno.h>
#include <krb5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"

#define CACHE       "MEMORY:lockstep" /* found by GSSAPI through the environment, in this process alone */
#define LEFT        600 /* seconds a ticket must still be good for, to be used again; and half its life */
#define FAILED_WAIT 60 /* seconds in which a failure is not tried again */

struct ad_krb5 {
	krb5_context ctx;
	krb5_keytab keytab;
	krb5_ccache cache;
	krb5_principal who;
	const char *name; /* of who */
	int64_t until;    /* from then on another ticket is wanted; our clock; 0 = there is none */
	struct err failed;
	int64_t failed_at; /* monotonic ms; 0 = never */
};

static const struct krb5_cause {
	krb5_error_code code;
	enum err_kind kind;
	const char *name, *remedy;
} causes[] = {
	{ KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, ERR_CONFIG, "account-moved",
		"the directory knows no account of this name; make the keytab anew for the "
		"account as it is called now" },
	{ KRB5KDC_ERR_PREAUTH_FAILED, ERR_CONFIG, "bind-refused",
		"the key in the keytab is not the account's: its password was changed since; make "
		"the keytab anew" },
	{ KRB5KRB_AP_ERR_BAD_INTEGRITY, ERR_CONFIG, "bind-refused",
		"the key in the keytab is not the account's: its password was changed since; make "
		"the keytab anew" },
	{ KRB5KDC_ERR_CLIENT_REVOKED, ERR_CONFIG, "bind-refused",
		"the account is disabled, expired or locked; enable it" },
	{ KRB5KDC_ERR_NAME_EXP, ERR_CONFIG, "account-expired",
		"the account has expired; set its expiry to never" },
	{ KRB5KDC_ERR_KEY_EXP, ERR_CONFIG, "password-expired",
		"the password has expired; let this account's password never expire, and make the "
		"keytab anew" },
	{ KRB5KDC_ERR_ETYPE_NOSUPP, ERR_CONFIG, "bind-refused",
		"the directory wants another encryption than the keytab has a key for; allow "
		"AES-256 for the account and make the keytab anew" },
	{ KRB5_KT_NOTFOUND, ERR_CONFIG, "bind-refused",
		"the keytab has no key of an encryption that the directory wants; make it anew, "
		"with AES-256" },
	{ KRB5_KEYTAB_BADVNO, ERR_CONFIG, "bad-keytab", "this is not a keytab" },
	{ KRB5_KT_END, ERR_CONFIG, "bad-keytab", "it holds no key; make it anew" },
	{ KRB5KRB_AP_ERR_SKEW, ERR_CONFIG, "clock",
		"this computer's clock and the directory's differ by more than five minutes; set "
		"both by the same time servers" },
	{ KRB5_KDC_UNREACH, ERR_RETRY, "kdc-unreachable",
		"no key distribution centre of the domain answers; is one named in `krb5_conf` or "
		"by DNS (_kerberos._udp), and does a firewall let port 88 through?" },
	{ KRB5_REALM_UNKNOWN, ERR_RETRY, "kdc-unreachable",
		"no key distribution centre of the domain is known; name one in `krb5_conf`, or "
		"let this computer ask the domain's DNS server" },
	{ KRB5_REALM_CANT_RESOLVE, ERR_RETRY, "kdc-unreachable",
		"the name of the key distribution centre cannot be resolved; check `krb5_conf`" },
	{ KRB5_CONFIG_BADFORMAT, ERR_CONFIG, "krb5-conf", "`krb5_conf` cannot be understood" },
};

static bool
krb5_err(struct err *e, krb5_context ctx, krb5_error_code code, const char *doing)
{
	const struct krb5_cause *c = NULL;
	for (size_t i = 0; i < ARRAY_LEN(causes) && !c; i++)
		if (causes[i].code == code)
			c = &causes[i];
	const char *text = krb5_get_error_message(ctx, code);
	err_set(e, c ? c->kind : ERR_SIDE, c ? c->name : "kerberos", "%s: %s (%s)", doing,
		c ? c->remedy : "Kerberos failed", text);
	krb5_free_error_message(ctx, text);
	return false;
}

static bool
krb5_begin(struct ad *ad, struct ad_krb5 *k, struct err *e)
{
	struct secret key;
	/* is it there, and for our eyes alone? Its format is the library's affair. */
	if (!secret_read(ad->keytab, &key, e))
		return false;
	secret_wipe(&key);
	setenv("KRB5CCNAME", CACHE, 1);
	const char *conf = ad->krb5_conf;
	/* the library passes over a file that is not there */
	if (conf && access(conf, R_OK) < 0)
		return err_set(e, ERR_CONFIG, "krb5-conf", "`krb5_conf` %s cannot be read: %s",
			conf, strerror(errno));
	if (conf)
		setenv("KRB5_CONFIG", conf, 1);
	CLEAN_FREE char *path = xasprintf("FILE:%s", ad->keytab);
	krb5_error_code code = krb5_init_context(&k->ctx);
	if (code)
		return krb5_err(e, NULL, code, "starting Kerberos");
	if ((code = krb5_kt_resolve(k->ctx, path, &k->keytab)) ||
		(code = krb5_cc_resolve(k->ctx, CACHE, &k->cache)))
		return krb5_err(e, k->ctx, code, "starting Kerberos");
	return true;
}

/* The account: the one that `bind` names (in any case of letters), or the keytab's first. */
static bool
account_find(struct ad *ad, struct ad_krb5 *k, struct err *e)
{
	const char *want = ad->d.options.bind;
	bool any = ascii_ieq(want, "gssapi");
	CLEAN_BUF struct buf all = { 0 };
	krb5_kt_cursor at;
	krb5_keytab_entry entry;
	krb5_error_code code = krb5_kt_start_seq_get(k->ctx, k->keytab, &at);
	if (code) {
		krb5_err(e, k->ctx, code, "reading the keytab");
		return err_wrap(e, "%s", ad->keytab);
	}
	while (!k->who && krb5_kt_next_entry(k->ctx, k->keytab, &entry, &at) == 0) {
		char *name = NULL;
		if (krb5_unparse_name(k->ctx, entry.principal, &name) == 0) {
			if ((any || ascii_ieq(name, want)) &&
				krb5_copy_principal(k->ctx, entry.principal, &k->who) == 0)
				k->name = arena_strdup(ad->d.arena, name);
			if (all.n < 200 && !strstr(buf_cstr(&all), name))
				buf_addf(&all, "%s%s", all.n ? ", " : "", name);
		}
		krb5_free_unparsed_name(k->ctx, name);
		krb5_free_keytab_entry_contents(k->ctx, &entry);
	}
	krb5_kt_end_seq_get(k->ctx, k->keytab, &at);
	if (k->who)
		return true;
	return err_set(e, ERR_CONFIG, "bad-keytab",
		"the keytab %s has no key of '%s'%s%s; name one of these in `bind`, or make the "
		"keytab anew",
		ad->keytab, want, all.n ? ", but of " : "", buf_cstr(&all));
}

static bool
ticket_get(struct ad *ad, struct ad_krb5 *k, struct err *e)
{
	krb5_creds creds = { .magic = 0 };
	krb5_error_code code =
		krb5_get_init_creds_keytab(k->ctx, &creds, k->who, k->keytab, 0, NULL, NULL);
	if (code) {
		CLEAN_FREE char *doing = xasprintf("getting a ticket for '%.200s'", k->name);
		return krb5_err(e, k->ctx, code, doing);
	}
	/* its times are the directory's; what counts is how long it lasts: a connection ends with its ticket */
	uint32_t start =
		(uint32_t)(creds.times.starttime ? creds.times.starttime : creds.times.authtime);
	int64_t life = (int32_t)((uint32_t)creds.times.endtime - start);
	k->until = ad->d.clock->now(ad->d.clock->ctx) + (life / 2 < LEFT ? life - LEFT : life / 2);
	code = krb5_cc_initialize(k->ctx, k->cache, k->who);
	if (!code)
		code = krb5_cc_store_cred(k->ctx, k->cache, &creds);
	krb5_free_cred_contents(k->ctx, &creds);
	return !code || krb5_err(e, k->ctx, code, "keeping a ticket");
}

static bool
ticket_make(struct ad *ad, struct ad_krb5 *k, struct err *e)
{
	if (!k->cache && !krb5_begin(ad, k, e))
		return false;
	if (!k->who && !account_find(ad, k, e))
		return false;
	if (k->until > ad->d.clock->now(ad->d.clock->ctx))
		return true;
	serve_progress(ad->d.serve, 0, 0, "getting a ticket");
	return ticket_get(ad, k, e);
}

bool
ad_ticket_get(struct ad *ad, struct err *e)
{
	int64_t now = ad->d.clock->mono_ms(ad->d.clock->ctx);
	if (!ad->krb5)
		ad->krb5 = arena_alloc(ad->d.arena, sizeof(*ad->krb5));
	struct ad_krb5 *k = ad->krb5;
	/* not once for each server: a silent network costs half a minute, a wrong key locks the account */
	if (k->failed_at && now - k->failed_at < FAILED_WAIT * 1000) {
		*e = k->failed;
		return false;
	}
	if (!ticket_make(ad, k, e)) {
		k->failed = *e;
		k->failed_at = now ? now : 1;
		return false;
	}
	k->failed_at = 0;
	ad->d.bound = k->name;
	return true;
}

void
ad_ticket_free(struct ad *ad)
{
	struct ad_krb5 *k = ad->krb5;
	if (!k || !k->ctx)
		return;
	krb5_free_principal(k->ctx, k->who);
	if (k->cache)
		krb5_cc_destroy(k->ctx, k->cache);
	if (k->keytab)
		krb5_kt_close(k->ctx, k->keytab);
	krb5_free_context(k->ctx);
	*k = (struct ad_krb5){ .ctx = NULL };
}
