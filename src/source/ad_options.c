/* What the configuration says, checked before anything is connected. */
#include "ad.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define CA_DEFAULT "/etc/ssl/certs/ca-certificates.crt"

bool
ad_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (ascii_ieq(host, "localhost"))
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool
url_check(const struct ad_options *o, const char *url, struct err *e)
{
	LDAPURLDesc *u = NULL;
	if (ldap_url_parse(url, &u) != LDAP_URL_SUCCESS || !u->lud_host || !*u->lud_host ||
		(u->lud_dn && *u->lud_dn)) {
		ldap_free_urldesc(u);
		return err_set(e, ERR_CONFIG, "bad-config",
			"server '%s' is not of the form ldaps://HOST or ldaps://HOST:PORT", url);
	}
	bool ldaps = ascii_ieq(u->lud_scheme, "ldaps"), ldap = ascii_ieq(u->lud_scheme, "ldap");
	bool safe = o->start_tls || o->keytab || ad_is_loopback(u->lud_host);
	bool catalog = u->lud_port == 3268 || u->lud_port == 3269;
	ldap_free_urldesc(u);
	if (catalog)
		return err_set(e, ERR_CONFIG, "bad-config",
			"server '%s' is a global catalog, which holds a part of each entry only; "
			"leave the port out",
			url);
	if (!ldaps && !(ldap && safe))
		return err_set(e, ERR_CONFIG, "bad-config",
			"server '%s' would send the password in the clear; write ldaps://HOST, or "
			"tls = \"start\"",
			url);
	return true;
}

static bool
number_option(struct ad *ad, const char *name, long min, long max, int *n_r, struct err *e)
{
	const char *text = serve_option(ad->serve, name);
	char *end;
	long n = strtol(text, &end, 10);
	if (end == text || *end || n < min || n > max)
		return err_set(e, ERR_CONFIG, "bad-config",
			"%s = '%s': a number from %ld to %ld is needed", name, text, min, max);
	*n_r = (int)n;
	return true;
}

/* One of a few words: its place among them. */
static bool
word_option(struct ad *ad, const char *name, const char *const *words, int *at_r, struct err *e)
{
	const char *text = serve_option(ad->serve, name);
	CLEAN_BUF struct buf all = { 0 };
	for (int i = 0; words[i]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*at_r = i;
			return true;
		}
		buf_addf(&all, "%s%s", i ? " or " : "", words[i]);
	}
	return err_set(
		e, ERR_CONFIG, "bad-config", "%s = '%s': %s is needed", name, text, buf_cstr(&all));
}

static bool
servers_read(struct ad *ad, struct err *e)
{
	struct ad_options *o = &ad->options;
	const char *domain = serve_option(ad->serve, "domain");
	/* Kerberos seals by itself, on every controller, with or without a certificate */
	const char *scheme = o->start_tls || o->keytab ? "ldap" : "ldaps";
	o->servers = serve_option_list(ad->serve, "server", &o->server_count);
	if (o->server_count == 0 && domain) {
		const char **found;
		if (!ad_srv_find(domain, scheme, ad->arena, &found, &o->server_count, e))
			return false;
		o->servers = found;
	}
	if (o->server_count == 0)
		return err_set(
			e, ERR_CONFIG, "bad-config", "neither `server` nor `domain` is given");
	for (size_t i = 0; i < o->server_count; i++)
		if (!url_check(o, o->servers[i], e))
			return false;
	return true;
}

static bool
account_read(struct ad *ad, struct err *e)
{
	struct ad_options *o = &ad->options;
	o->bind = serve_option(ad->serve, "bind");
	o->password_file = serve_option(ad->serve, "password_file");
	o->keytab = serve_option(ad->serve, "keytab");
	o->krb5_conf = serve_option(ad->serve, "krb5_conf");
	if (!o->bind || !*o->bind || (!o->password_file && !o->keytab))
		return err_set(e, ERR_CONFIG, "bad-config",
			"`bind` is needed, and `password_file` or `keytab`: a directory is not "
			"read anonymously");
	if (o->password_file && o->keytab)
		return err_set(e, ERR_CONFIG, "bad-config",
			"both `password_file` and `keytab` are given; leave one out");
	if (!o->keytab && ascii_ieq(o->bind, "gssapi"))
		return err_set(e, ERR_CONFIG, "bad-config",
			"bind = \"gssapi\" needs `keytab`, the file with the account's key");
	if (o->keytab && strpbrk(o->bind, "=,\\"))
		return err_set(e, ERR_CONFIG, "bad-config",
			"bind = '%s': with a `keytab`, \"gssapi\" or the name of the account in "
			"it (user@DOMAIN) is needed",
			o->bind);
	ad->bound = o->bind;
	return true;
}

bool
ad_options_read(struct ad *ad, struct err *e)
{
	static const int tls_version[] = { LDAP_OPT_X_TLS_PROTOCOL_TLS1_2,
		LDAP_OPT_X_TLS_PROTOCOL_TLS1_3 };
	static const char *const tls_min[] = { "1.2", "1.3", NULL };
	static const char *const tls[] = { "ldaps", "start", NULL };
	static const char *const changes[] = { "auto", "dirsync", "usn", NULL };
	struct ad_options *o = &ad->options;
	int version = 0, start = 0, how = 0;
	o->ca_file = serve_option(ad->serve, "ca_file");
	o->bases = serve_option_list(ad->serve, "base", &o->base_count);
	if (!o->ca_file)
		o->ca_file = CA_DEFAULT;
	if (!account_read(ad, e) || !word_option(ad, "tls_min", tls_min, &version, e) ||
		!word_option(ad, "tls", tls, &start, e) ||
		!word_option(ad, "changes", changes, &how, e))
		return false;
	o->tls_min = tls_version[version];
	o->start_tls = start == 1;
	o->changes = how;
	return number_option(ad, "page", 1024, INT32_MAX, &o->page, e) &&
	       number_option(ad, "timeout", 5, 86400, &o->timeout, e) && servers_read(ad, e);
}
