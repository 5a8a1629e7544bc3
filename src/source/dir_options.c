/* What the configuration says of servers and encryption, checked before anything is connected. */
#include "dir.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define CA_DEFAULT "/etc/ssl/certs/ca-certificates.crt"

bool
dir_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (ascii_ieq(host, "localhost"))
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool
dir_url_check(const struct dir_options *o, const char *url, struct err *e)
{
	LDAPURLDesc *u = NULL;
	if (ldap_url_parse(url, &u) != LDAP_URL_SUCCESS || !u->lud_host || !*u->lud_host ||
		(u->lud_dn && *u->lud_dn)) {
		ldap_free_urldesc(u);
		return err_set(e, ERR_CONFIG, "bad-config",
			"server '%s' is not of the form ldaps://HOST or ldaps://HOST:PORT", url);
	}
	bool ldaps = ascii_ieq(u->lud_scheme, "ldaps"), ldap = ascii_ieq(u->lud_scheme, "ldap");
	bool safe = o->start_tls || o->sealed || dir_is_loopback(u->lud_host);
	ldap_free_urldesc(u);
	if (!ldaps && !(ldap && safe))
		return err_set(e, ERR_CONFIG, "bad-config",
			"server '%s' would send the password in the clear; write ldaps://HOST, or "
			"tls = \"start\"",
			url);
	return true;
}

bool
dir_number_option(struct dir *d, const char *name, long min, long max, int *n_r, struct err *e)
{
	const char *text = serve_option(d->serve, name);
	char *end;
	long n = strtol(text, &end, 10);
	if (end == text || *end || n < min || n > max)
		return err_set(e, ERR_CONFIG, "bad-config",
			"%s = '%s': a number from %ld to %ld is needed", name, text, min, max);
	*n_r = (int)n;
	return true;
}

bool
dir_word_option(struct dir *d, const char *name, const char *const *words, int *at_r, struct err *e)
{
	const char *text = serve_option(d->serve, name);
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

bool
dir_options_read(struct dir *d, struct err *e)
{
	static const int tls_version[] = { LDAP_OPT_X_TLS_PROTOCOL_TLS1_2,
		LDAP_OPT_X_TLS_PROTOCOL_TLS1_3 };
	static const char *const tls_min[] = { "1.2", "1.3", NULL };
	static const char *const tls[] = { "ldaps", "start", NULL };
	struct dir_options *o = &d->options;
	int version = 0, start = 0;
	o->ca_file = serve_option(d->serve, "ca_file");
	o->bases = serve_option_list(d->serve, "base", &o->base_count);
	o->servers = serve_option_list(d->serve, "server", &o->server_count);
	o->bind = serve_option(d->serve, "bind");
	o->password_file = serve_option(d->serve, "password_file");
	d->bound = o->bind;
	if (!o->ca_file)
		o->ca_file = CA_DEFAULT;
	if (!dir_word_option(d, "tls_min", tls_min, &version, e) ||
		!dir_word_option(d, "tls", tls, &start, e))
		return false;
	o->tls_min = tls_version[version];
	o->start_tls = start == 1;
	return dir_number_option(d, "timeout", 5, 86400, &o->timeout, e);
}
