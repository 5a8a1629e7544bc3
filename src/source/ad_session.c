/* Being connected, and where we then are. */
#include "ad.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include "base/log.h"
#include "model/dn.h"

#define ANSWER_MAX      (256u * 1024 * 1024) /* one LDAP message: a group of a million members fits */
#define CONNECT_WAIT    10                   /* seconds for TCP and TLS */
#define CAPABILITY_AD   "1.2.840.113556.1.4.800"
#define DELETED_OBJECTS "18E2EA80684F11D2B9AA00C04F79F805" /* MS-ADTS 6.1.1.4 */

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
	return !ad->tls || tls_prepare(ad, e);
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

/* StartTLS (RFC 4511 4.14). Whatever goes wrong, the connection is not used: nothing was said on it yet. */
static bool
tls_start(struct ad *ad, const char *url, struct err *e)
{
	int msgid, code = LDAP_OTHER;
	char *diagnostic = NULL;
	LDAPMessage *res = NULL;
	int rc = ldap_start_tls(ad->ld, NULL, NULL, &msgid);
	if (rc != LDAP_SUCCESS)
		return ad_err_result(e, rc, NULL, "asking for StartTLS");
	if (!ad_wait(ad, msgid, NULL, "asking for StartTLS", &res, e))
		return false;
	rc = ldap_parse_result(ad->ld, res, &code, NULL, &diagnostic, NULL, NULL, 1);
	code = rc == LDAP_SUCCESS ? code : rc;
	if (code != LDAP_SUCCESS) {
		ldap_memfree(diagnostic);
		return err_set(e, ERR_CONFIG, "tls-required",
			"the server does not offer StartTLS (%s); has it a certificate? The "
			"password is not sent without",
			ldap_err2string(code));
	}
	ldap_memfree(diagnostic);
	return ldap_install_tls(ad->ld) == LDAP_SUCCESS || ad_tls_err(ad, url, e);
}

bool
ad_reach(struct ad *ad, const char *url, struct err *e)
{
	bool ldaps = strncasecmp(url, "ldaps:", 6) == 0;
	ad_close(ad);
	ad->server = url;
	ad->tls = ldaps || ad->options.start_tls;
	if (!handle_prepare(ad, url, e) ||
		(ldap_connect(ad->ld) != LDAP_SUCCESS && !ad_tls_err(ad, url, e)) ||
		(ad->tls && !ldaps && !tls_start(ad, url, e))) {
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
	if (ad_bind(ad, e))
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
	if (!ad_rootdse(ad, e) || !ad_context_find(ad, e) || !identify(ad, e))
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
		if (ad_connect(ad, o->servers[i], &one) && ad_arrive(ad, &one) &&
			ad_changes_choose(ad, &one))
			return true;
		ad_close(ad);
		/* what is wrong with the account is wrong everywhere */
		if (one.kind == ERR_CONFIG && strcmp(one.code, "certificate") != 0 &&
			strcmp(one.code, "other-domain") != 0)
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
