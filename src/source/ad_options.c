/* What the configuration says, checked before anything is connected. */
#include "ad.h"

#include <string.h>

static bool
catalog_refuse(const char *url, struct err *e)
{
	LDAPURLDesc *u = NULL;
	bool catalog = ldap_url_parse(url, &u) == LDAP_URL_SUCCESS &&
		       (u->lud_port == 3268 || u->lud_port == 3269);
	ldap_free_urldesc(u);
	return !catalog ||
	       err_set(e, ERR_CONFIG, "bad-config",
		       "server '%s' is a global catalog, which holds a part of each entry only; "
		       "leave the port out",
		       url);
}

static bool
servers_read(struct ad *ad, struct err *e)
{
	struct dir_options *o = &ad->d.options;
	const char *domain = serve_option(ad->d.serve, "domain");
	/* Kerberos seals by itself, on every controller, with or without a certificate */
	const char *scheme = o->start_tls || ad->keytab ? "ldap" : "ldaps";
	if (o->server_count == 0 && domain) {
		const char **found;
		if (!ad_srv_find(domain, scheme, ad->d.arena, &found, &o->server_count, e))
			return false;
		o->servers = found;
	}
	if (o->server_count == 0)
		return err_set(
			e, ERR_CONFIG, "bad-config", "neither `server` nor `domain` is given");
	for (size_t i = 0; i < o->server_count; i++)
		if (!dir_url_check(o, o->servers[i], e) || !catalog_refuse(o->servers[i], e))
			return false;
	return true;
}

static bool
account_read(struct ad *ad, struct err *e)
{
	struct dir_options *o = &ad->d.options;
	ad->keytab = serve_option(ad->d.serve, "keytab");
	ad->krb5_conf = serve_option(ad->d.serve, "krb5_conf");
	if (!o->bind || !*o->bind || (!o->password_file && !ad->keytab))
		return err_set(e, ERR_CONFIG, "bad-config",
			"`bind` is needed, and `password_file` or `keytab`: a directory is not "
			"read anonymously");
	if (o->password_file && ad->keytab)
		return err_set(e, ERR_CONFIG, "bad-config",
			"both `password_file` and `keytab` are given; leave one out");
	if (!ad->keytab && ascii_ieq(o->bind, "gssapi"))
		return err_set(e, ERR_CONFIG, "bad-config",
			"bind = \"gssapi\" needs `keytab`, the file with the account's key");
	if (ad->keytab && strpbrk(o->bind, "=,\\"))
		return err_set(e, ERR_CONFIG, "bad-config",
			"bind = '%s': with a `keytab`, \"gssapi\" or the name of the account in "
			"it (user@DOMAIN) is needed",
			o->bind);
	o->sealed = ad->keytab != NULL;
	return true;
}

bool
ad_options_read(struct dir *d, struct err *e)
{
	struct ad *ad = ad_of(d);
	static const char *const changes[] = { "auto", "dirsync", "usn", NULL };
	int how = 0;
	if (!dir_options_read(&ad->d, e) || !account_read(ad, e) ||
		!dir_word_option(&ad->d, "changes", changes, &how, e))
		return false;
	ad->changes = how;
	return dir_number_option(&ad->d, "page", 1024, INT32_MAX, &ad->page, e) &&
	       servers_read(ad, e);
}
