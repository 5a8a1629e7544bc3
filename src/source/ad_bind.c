/* Who we are: a password inside TLS, or Kerberos (GSSAPI), which needs none of it. */
#include "ad.h"

#include <sasl/sasl.h>
#include <string.h>
#include "base/file.h"

#define SEALED                                                                                     \
	56 /* a security factor from here on means that what is said is encrypted (RFC 4422) */

/* --- Kerberos --- */

/* The library asks for a name to act for: ours. */
static int
nothing_to_add(LDAP *ld, unsigned flags, void *ctx, void *questions)
{
	(void)ld, (void)flags, (void)ctx;
	for (sasl_interact_t *q = questions; q->id != SASL_CB_LIST_END; q++) {
		q->result = "";
		q->len = 0;
	}
	return LDAP_SUCCESS;
}

/* What the Kerberos libraries say of the service's ticket; they have it in words alone. */
static const struct {
	const char *said;
	enum err_kind kind;
	const char *code, *remedy;
} service_causes[] = {
	{ "not found in Kerberos database", ERR_CONFIG, "bind-refused",
		"the directory knows no service ldap/ of this host name; write `server` with the "
		"controller's full DNS name" },
	{ "Clock skew", ERR_CONFIG, "clock",
		"this computer's clock and the directory's differ by more than five minutes; set "
		"both by the same time servers" },
	{ "Cannot contact any KDC", ERR_RETRY, "kdc-unreachable",
		"no key distribution centre of the domain answers; check `krb5_conf`" },
	{ "No worthy mechs", ERR_CONFIG, "no-gssapi",
		"the GSSAPI module of SASL is not installed; install libsasl2-modules-gssapi-mit" },
	{ "nknown authentication method", ERR_CONFIG, "no-gssapi",
		"the GSSAPI module of SASL is not installed; install libsasl2-modules-gssapi-mit" },
};

static bool
kerberos_err(struct ad *ad, int code, struct err *e)
{
	char *said = NULL;
	CLEAN_FREE char *doing = xasprintf("binding as '%.200s' by Kerberos", ad->d.bound);
	bool known = false;
	ldap_get_option(ad->d.ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said);
	if (code == LDAP_STRONG_AUTH_REQUIRED && ad->d.tls) {
		err_set(e, ERR_CONFIG, "tls-required",
			"%s: the server does not take Kerberos inside TLS; write the server as "
			"ldap:// without `tls` (Kerberos encrypts by itself), or on Samba set "
			"`ldap server require strong auth = allow_sasl_over_tls`",
			doing);
		known = true;
	}
	for (size_t i = 0; said && !known && i < ARRAY_LEN(service_causes); i++)
		if (strstr(said, service_causes[i].said)) {
			CLEAN_BUF struct buf text = { 0 };
			text_escape(said, strlen(said), 300, &text);
			err_set(e, service_causes[i].kind, service_causes[i].code, "%s: %s (%s)",
				doing, service_causes[i].remedy, buf_cstr(&text));
			known = true;
		}
	if (!known)
		dir_err_result(e, code, said, doing);
	ldap_memfree(said);
	return false;
}

/*
 * Inside TLS: no layer of its own (Active Directory refuses two), but bound to this very TLS session, so that
 * nobody who ends TLS in between can pass it on (RFC 5929 tls-server-end-point, sent whether asked for or
 * not). Without TLS: sealed, or not at all.
 */
static bool
kerberos_prepare(struct ad *ad, struct err *e)
{
	static char inside[] = "noanonymous,noplain,maxssf=0";
	static char sealed[] = "noanonymous,noplain,minssf=56";
	int binding = LDAP_OPT_X_SASL_CBINDING_TLS_ENDPOINT;
	if (ldap_set_option(ad->d.ld, LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON) != LDAP_OPT_SUCCESS ||
		ldap_set_option(ad->d.ld, LDAP_OPT_X_SASL_SECPROPS, ad->d.tls ? inside : sealed) !=
			LDAP_OPT_SUCCESS ||
		(ad->d.tls && ldap_set_option(ad->d.ld, LDAP_OPT_X_SASL_CBINDING, &binding) !=
				      LDAP_OPT_SUCCESS))
		return err_set(e, ERR_CONFIG, "no-gssapi",
			"the LDAP library of this computer cannot bind by Kerberos (SASL)");
	return true;
}

static bool
kerberos_bind(struct ad *ad, struct err *e)
{
	LDAPMessage *res = NULL;
	const char *mechanism = NULL;
	ber_len_t ssf = 0;
	int msgid, rc;
	if (!ad_ticket_get(ad, e) || !kerberos_prepare(ad, e))
		return false;
	for (;;) {
		rc = ldap_sasl_interactive_bind(ad->d.ld, NULL, "GSSAPI", NULL, NULL,
			LDAP_SASL_QUIET, nothing_to_add, NULL, res, &mechanism, &msgid);
		ldap_msgfree(res);
		res = NULL;
		if (rc != LDAP_SASL_BIND_IN_PROGRESS)
			break;
		if (!dir_wait(&ad->d, msgid, NULL, "binding by Kerberos", &res, e))
			return false;
	}
	if (rc != LDAP_SUCCESS)
		return kerberos_err(ad, rc, e);
	ldap_get_option(ad->d.ld, LDAP_OPT_X_SASL_SSF, &ssf);
	return ad->d.tls || ssf >= SEALED ||
	       err_set(e, ERR_CONFIG, "not-sealed",
		       "the server does not encrypt by Kerberos; write it as ldaps://");
}

bool
ad_bind(struct ad *ad, struct err *e)
{
	return ad->keytab ? kerberos_bind(ad, e) : dir_bind(&ad->d, e);
}
