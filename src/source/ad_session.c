#include "ad.h"

#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include "base/file.h"
#include "base/log.h"
#include "model/dn.h"

#define CA_DEFAULT      "/etc/ssl/certs/ca-certificates.crt"
#define ANSWER_MAX      (256u * 1024 * 1024) /* one LDAP message: a group of a million members fits */
#define CONNECT_WAIT    10                   /* seconds for TCP and TLS */
#define CAPABILITY_AD   "1.2.840.113556.1.4.800"
#define DELETED_OBJECTS "18E2EA80684F11D2B9AA00C04F79F805" /* MS-ADTS 6.1.1.4 */

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

/* --- options --- */

static bool
url_check(const char *url, struct err *e)
{
	LDAPURLDesc *u = NULL;
	if (ldap_url_parse(url, &u) != LDAP_URL_SUCCESS || !u->lud_host || !*u->lud_host ||
		(u->lud_dn && *u->lud_dn)) {
		ldap_free_urldesc(u);
		return err_set(e, ERR_CONFIG, "bad-config",
			"server '%s' is not of the form ldaps://HOST or ldaps://HOST:PORT", url);
	}
	bool ldaps = ascii_ieq(u->lud_scheme, "ldaps");
	bool plain = ascii_ieq(u->lud_scheme, "ldap") && ad_is_loopback(u->lud_host);
	bool catalog = u->lud_port == 3268 || u->lud_port == 3269;
	ldap_free_urldesc(u);
	if (catalog)
		return err_set(e, ERR_CONFIG, "bad-config",
			"server '%s' is a global catalog, which holds a part of each entry only; "
			"leave the port out",
			url);
	if (!ldaps && !plain)
		return err_set(e, ERR_CONFIG, "bad-config",
			"server '%s' would send the password in the clear; write ldaps://HOST",
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

static bool
servers_read(struct ad *ad, struct err *e)
{
	struct ad_options *o = &ad->options;
	const char *domain = serve_option(ad->serve, "domain");
	o->servers = serve_option_list(ad->serve, "server", &o->server_count);
	if (o->server_count == 0 && domain) {
		const char **found;
		if (!ad_srv_find(domain, ad->arena, &found, &o->server_count, e))
			return false;
		o->servers = found;
	}
	if (o->server_count == 0)
		return err_set(
			e, ERR_CONFIG, "bad-config", "neither `server` nor `domain` is given");
	for (size_t i = 0; i < o->server_count; i++)
		if (!url_check(o->servers[i], e))
			return false;
	return true;
}

bool
ad_options_read(struct ad *ad, struct err *e)
{
	struct ad_options *o = &ad->options;
	const char *tls = serve_option(ad->serve, "tls_min");
	o->bind = serve_option(ad->serve, "bind");
	o->password_file = serve_option(ad->serve, "password_file");
	o->ca_file = serve_option(ad->serve, "ca_file");
	o->bases = serve_option_list(ad->serve, "base", &o->base_count);
	if (!o->ca_file)
		o->ca_file = CA_DEFAULT;
	if (!o->bind || !*o->bind || !o->password_file)
		return err_set(e, ERR_CONFIG, "bad-config",
			"`bind` and `password_file` are needed: a directory is not read "
			"anonymously");
	if (ascii_ieq(o->bind, "gssapi"))
		return err_set(e, ERR_CONFIG, "bad-config",
			"bind = \"gssapi\" is not offered yet; give a user name (user@domain) and "
			"`password_file`");
	if (strcmp(tls, "1.2") != 0 && strcmp(tls, "1.3") != 0)
		return err_set(
			e, ERR_CONFIG, "bad-config", "tls_min = '%s': 1.2 or 1.3 is needed", tls);
	o->tls_min =
		tls[2] == '2' ? LDAP_OPT_X_TLS_PROTOCOL_TLS1_2 : LDAP_OPT_X_TLS_PROTOCOL_TLS1_3;
	return number_option(ad, "page", 1024, INT32_MAX, &o->page, e) &&
	       number_option(ad, "timeout", 5, 86400, &o->timeout, e) && servers_read(ad, e);
}

/* --- connecting --- */

static bool
tls_prepare(struct ad *ad, struct err *e)
{
	int demand = LDAP_OPT_X_TLS_DEMAND, is_server = 0;
	if (ldap_set_option(ad->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) != LDAP_OPT_SUCCESS ||
		ldap_set_option(ad->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &ad->options.tls_min) !=
			LDAP_OPT_SUCCESS ||
		ldap_set_option(ad->ld, LDAP_OPT_X_TLS_CACERTFILE, ad->options.ca_file) !=
			LDAP_OPT_SUCCESS ||
		ldap_set_option(ad->ld, LDAP_OPT_X_TLS_NEWCTX, &is_server) != LDAP_OPT_SUCCESS)
		return err_set(e, ERR_CONFIG, "ca-file",
			"the certificates of `ca_file` %s cannot be used: a readable file in PEM "
			"form is needed",
			ad->options.ca_file);
	return true;
}

static bool
handle_prepare(struct ad *ad, const char *url, struct err *e)
{
	int version = LDAP_VERSION3, idle = 30, probes = 3, interval = 10;
	struct timeval wait = { .tv_sec = ad->options.timeout < CONNECT_WAIT ? ad->options.timeout
									     : CONNECT_WAIT };
	if (ldap_initialize(&ad->ld, url) != LDAP_SUCCESS)
		return err_set(e, ERR_CONFIG, "bad-config", "server '%s' cannot be used", url);
	ldap_set_option(ad->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	ldap_set_option(ad->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	ldap_set_option(ad->ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
	ldap_set_option(ad->ld, LDAP_OPT_NETWORK_TIMEOUT, &wait);
	ldap_set_option(ad->ld, LDAP_OPT_X_KEEPALIVE_IDLE, &idle);
	ldap_set_option(ad->ld, LDAP_OPT_X_KEEPALIVE_PROBES, &probes);
	ldap_set_option(ad->ld, LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval);
	return strncasecmp(url, "ldaps:", 6) != 0 || tls_prepare(ad, e);
}

/* A server that stops in the middle of a message must not hold us for ever: reads give up after a
 * second, and ad_wait counts. */
static void
socket_prepare(struct ad *ad)
{
	int fd = -1;
	Sockbuf *sb = NULL;
	ber_len_t max = ANSWER_MAX;
	struct timeval second = { .tv_sec = 1 };
	if (ldap_get_option(ad->ld, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS && fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	if (ldap_get_option(ad->ld, LDAP_OPT_SOCKBUF, &sb) == LDAP_OPT_SUCCESS && sb)
		ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &max);
}

static bool
bind_send(struct ad *ad, struct err *e)
{
	struct secret password;
	int msgid, code = LDAP_OTHER;
	char *diagnostic = NULL;
	LDAPMessage *res = NULL;
	if (!secret_read(ad->options.password_file, &password, e))
		return false;
	struct berval cred = { .bv_val = password.p, .bv_len = password.n };
	int rc = ldap_sasl_bind(
		ad->ld, ad->options.bind, LDAP_SASL_SIMPLE, &cred, NULL, NULL, &msgid);
	secret_wipe(&password);
	if (rc != LDAP_SUCCESS)
		return ad_err_result(e, rc, NULL, "binding");
	if (!ad_wait(ad, msgid, NULL, "binding", &res, e))
		return false;
	rc = ldap_parse_result(ad->ld, res, &code, NULL, &diagnostic, NULL, NULL, 1);
	bool ok = rc == LDAP_SUCCESS && code == LDAP_SUCCESS;
	if (!ok) {
		CLEAN_FREE char *doing = xasprintf("binding as '%.200s'", ad->options.bind);
		ad_err_result(e, rc == LDAP_SUCCESS ? code : rc, diagnostic, doing);
	}
	ldap_memfree(diagnostic);
	return ok;
}

bool
ad_reach(struct ad *ad, const char *url, struct err *e)
{
	ad_close(ad);
	ad->server = url;
	if (!handle_prepare(ad, url, e) ||
		(ldap_connect(ad->ld) != LDAP_SUCCESS && !ad_tls_err(ad, url, e))) {
		ad_close(ad);
		return err_wrap(e, "%s", url);
	}
	socket_prepare(ad);
	return true;
}

bool
ad_connect(struct ad *ad, const char *url, struct err *e)
{
	if (!ad_reach(ad, url, e))
		return false;
	if (bind_send(ad, e))
		return true;
	ad_close(ad);
	return err_wrap(e, "%s", url);
}

void
ad_close(struct ad *ad)
{
	if (ad->ld)
		ldap_unbind_ext(ad->ld, NULL, NULL);
	ad->ld = NULL;
}

/* --- where we are --- */

static const char *
keep_first(struct ad *ad, const struct ad_values *v, const char *name)
{
	struct str s = attrs_first(&v->attrs, name);
	return s.n ? arena_strndup(ad->arena, s.p, s.n) : NULL;
}

static bool
has_value(const struct ad_values *v, const char *name, const char *value)
{
	return attr_has(attrs_get(&v->attrs, name), str_c(value));
}

bool
ad_now_read(struct ad *ad, struct err *e)
{
	static const char *const names[] = { "currentTime", "highestCommittedUSN", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct ad_values v;
	if (!ad_read_one(ad, "", names, NULL, "reading the server's rootDSE", a, &v, e))
		return false;
	struct str usn = attrs_first(&v.attrs, "highestCommittedUSN");
	if (!usn.n || !time_parse_generalized(attrs_first(&v.attrs, "currentTime"), &ad->now))
		return err_set(e, ERR_SIDE, "bad-answer",
			"the server's rootDSE lacks its time or its USN");
	ad->usn = strtoll(usn.p, NULL, 10);
	return true;
}

bool
ad_rootdse(struct ad *ad, struct err *e)
{
	static const char *const names[] = { "defaultNamingContext", "namingContexts",
		"configurationNamingContext", "schemaNamingContext", "subschemaSubentry",
		"dnsHostName", "dsServiceName", "supportedControl", "supportedCapabilities",
		"vendorName", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct ad_values v;
	if (!ad_read_one(ad, "", names, NULL, "reading the server's rootDSE", a, &v, e))
		return false;
	if (!has_value(&v, "supportedCapabilities", CAPABILITY_AD))
		return err_set(e, ERR_CONFIG, "not-ad",
			"this server is not an Active Directory domain controller; use a source of "
			"type \"ldap\"");
	ad->default_nc = keep_first(ad, &v, "defaultNamingContext");
	ad->config_nc = keep_first(ad, &v, "configurationNamingContext");
	ad->schema_nc = keep_first(ad, &v, "schemaNamingContext");
	ad->subschema = keep_first(ad, &v, "subschemaSubentry");
	ad->host = keep_first(ad, &v, "dnsHostName");
	ad->invocation = keep_first(ad, &v, "dsServiceName"); /* until its id is looked up */
	ad->is_samba = attrs_first(&v.attrs, "vendorName").n &&
		       strstr(keep_first(ad, &v, "vendorName"), "Samba");
	ad->has_dirsync = has_value(&v, "supportedControl", LDAP_CONTROL_X_DIRSYNC);
	const struct attr *ncs = attrs_get(&v.attrs, "namingContexts");
	size_t n = ncs ? ncs->count : 0;
	const char **list = arena_alloc(ad->arena, (n + 1) * sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = arena_strndup(ad->arena, ncs->values[i].p, ncs->values[i].n);
	ad->ncs = list;
	if (!ad->default_nc || !ad->schema_nc || !ad->invocation)
		return err_set(
			e, ERR_SIDE, "bad-answer", "the server's rootDSE lacks naming contexts");
	return ad_now_read(ad, e);
}

/* The longest naming context that holds `base`; NULL = none. */
static const char *
context_of(struct ad *ad, const char *base, struct arena *a, struct err *e)
{
	struct dn want, nc;
	const char *found = NULL;
	size_t depth = 0;
	if (!dn_parse(base, a, &want, e)) {
		if (e)
			e->kind = ERR_CONFIG;
		err_wrap(e, "base");
		return NULL;
	}
	for (size_t i = 0; ad->ncs[i]; i++)
		if (dn_parse(ad->ncs[i], a, &nc, NULL) && dn_under(&want, &nc) &&
			nc.count > depth) {
			found = ad->ncs[i];
			depth = nc.count;
		}
	if (!found)
		err_set(e, ERR_CONFIG, "bad-base", "base '%s' is not in this domain (%s)", base,
			ad->default_nc);
	return found;
}

bool
ad_context_find(struct ad *ad, const char *const *bases, size_t count, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	ad->nc = count ? NULL : ad->default_nc;
	for (size_t i = 0; i < count; i++) {
		const char *nc = context_of(ad, bases[i], a, e);
		if (!nc)
			return false;
		if (ad->nc && strcmp(ad->nc, nc) != 0)
			return err_set(e, ERR_CONFIG, "bad-base",
				"the bases lie in two naming contexts (%s and %s); make a source "
				"for each",
				ad->nc, nc);
		ad->nc = nc;
	}
	return true;
}

/* Ids of the naming context and of this controller. */
static bool
identify(struct ad *ad, struct err *e)
{
	static const char *const nc_names[] = { "objectGUID", "objectSid", NULL };
	static const char *const dsa_names[] = { "invocationId", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct ad_values v;
	char guid[37];
	if (!ad_read_one(ad, ad->nc, nc_names, NULL, "reading the naming context", a, &v, e))
		return false;
	if (!guid_from_bytes(attrs_first(&v.attrs, "objectGUID"), guid))
		return err_set(e, ERR_CONFIG, "no-right",
			"the account cannot read %s; let it read the domain", ad->nc);
	ad->context = arena_printf(ad->arena, "%s %s", guid, ad->nc);
	struct str sid = attrs_first(&v.attrs, "objectSid");
	ad->domain_sid = sid.n ? sid_from_bytes(sid, ad->arena) : NULL;
	if (!ad_read_one(ad, ad->invocation, dsa_names, NULL, "reading this controller's settings",
		    a, &v, e))
		return false;
	if (!guid_from_bytes(attrs_first(&v.attrs, "invocationId"), guid))
		return err_set(e, ERR_CONFIG, "no-right",
			"the account cannot read invocationId of %s; without it a restored "
			"controller cannot be told",
			ad->invocation);
	ad->invocation = arena_strdup(ad->arena, guid);
	return true;
}

/* The container's name is shown to everybody (Samba does); its attributes to those who may look inside. */
static void
deleted_look(struct ad *ad)
{
	static const char *const names[] = { "objectClass", NULL };
	LDAPControl *controls[] = { ad_control_show_deleted(), NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct ad_values v;
	struct err e;
	const char *dn = arena_printf(a, "<WKGUID=" DELETED_OBJECTS ",%s>", ad->nc);
	ad->sees_deleted =
		ad_read_one(ad, dn, names, controls, "reading Deleted Objects", a, &v, &e) &&
		attrs_get(&v.attrs, "objectClass");
}

bool
ad_arrive(struct ad *ad, struct err *e)
{
	const struct ad_options *o = &ad->options;
	if (!ad_rootdse(ad, e) || !ad_context_find(ad, o->bases, o->base_count, e) ||
		!identify(ad, e))
		return err_wrap(e, "%s", ad->server);
	deleted_look(ad);
	return true;
}

bool
ad_open(struct ad *ad, struct err *e)
{
	CLEAN_BUF struct buf all = { 0 };
	struct err one = { 0 };
	const struct ad_options *o = &ad->options;
	for (size_t i = 0; i < o->server_count; i++) {
		if (ad_connect(ad, o->servers[i], &one) && ad_arrive(ad, &one))
			return true;
		ad_close(ad);
		/* what is wrong with the account is wrong everywhere */
		if (one.kind == ERR_CONFIG && strcmp(one.code, "certificate") != 0)
			break;
		log_err(LOG_WARN, "server-failed", &one);
		buf_addf(&all, "%s%s", all.n ? "\n" : "", one.text);
	}
	if (!all.n || one.kind == ERR_CONFIG) {
		*e = one;
		return false;
	}
	return err_set(e, one.kind, one.code, "%s", buf_cstr(&all));
}
