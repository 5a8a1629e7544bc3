/* Being connected, and bound. */
#include "dir.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include "base/file.h"
#include "base/log.h"

#define ANSWER_MAX   (256u * 1024 * 1024) /* one LDAP message: a group of a million members fits */
#define CONNECT_WAIT 10                   /* seconds for TCP and TLS */

/* --- connecting --- */

static bool
tls_prepare(struct dir *d, struct err *e)
{
	int demand = LDAP_OPT_X_TLS_DEMAND, is_server = 0;
	if (ldap_set_option(d->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) != LDAP_OPT_SUCCESS ||
		ldap_set_option(d->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &d->options.tls_min) !=
			LDAP_OPT_SUCCESS ||
		ldap_set_option(d->ld, LDAP_OPT_X_TLS_CACERTFILE, d->options.ca_file) !=
			LDAP_OPT_SUCCESS ||
		ldap_set_option(d->ld, LDAP_OPT_X_TLS_NEWCTX, &is_server) != LDAP_OPT_SUCCESS)
		return err_set(e, ERR_CONFIG, "ca-file",
			"the certificates of `ca_file` %s cannot be used: a readable file in PEM "
			"form is needed",
			d->options.ca_file);
	return true;
}

static bool
handle_prepare(struct dir *d, const char *url, struct err *e)
{
	int version = LDAP_VERSION3, idle = 30, probes = 3, interval = 10;
	struct timeval wait = { .tv_sec = d->options.timeout < CONNECT_WAIT ? d->options.timeout
									    : CONNECT_WAIT };
	if (ldap_initialize(&d->ld, url) != LDAP_SUCCESS)
		return err_set(e, ERR_CONFIG, "bad-config", "server '%s' cannot be used", url);
	ldap_set_option(d->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	ldap_set_option(d->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	ldap_set_option(d->ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
	ldap_set_option(d->ld, LDAP_OPT_NETWORK_TIMEOUT, &wait);
	ldap_set_option(d->ld, LDAP_OPT_X_KEEPALIVE_IDLE, &idle);
	ldap_set_option(d->ld, LDAP_OPT_X_KEEPALIVE_PROBES, &probes);
	ldap_set_option(d->ld, LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval);
	return !d->tls || tls_prepare(d, e);
}

/* A server that stops in the middle of a message must not hold us for ever: reads give up after a
 * second, and dir_wait counts. */
static void
socket_prepare(struct dir *d)
{
	int fd = -1;
	Sockbuf *sb = NULL;
	ber_len_t max = ANSWER_MAX;
	struct timeval second = { .tv_sec = 1 };
	if (ldap_get_option(d->ld, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS && fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	if (ldap_get_option(d->ld, LDAP_OPT_SOCKBUF, &sb) == LDAP_OPT_SUCCESS && sb)
		ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &max);
}

/* StartTLS (RFC 4511 4.14). Whatever goes wrong, the connection is not used: nothing was said on it yet. */
static bool
tls_start(struct dir *d, const char *url, struct err *e)
{
	int msgid, code = LDAP_OTHER;
	char *diagnostic = NULL;
	LDAPMessage *res = NULL;
	int rc = ldap_start_tls(d->ld, NULL, NULL, &msgid);
	if (rc != LDAP_SUCCESS)
		return dir_err_result(e, rc, NULL, "asking for StartTLS");
	if (!dir_wait(d, msgid, NULL, "asking for StartTLS", &res, e))
		return false;
	rc = ldap_parse_result(d->ld, res, &code, NULL, &diagnostic, NULL, NULL, 1);
	code = rc == LDAP_SUCCESS ? code : rc;
	if (code != LDAP_SUCCESS) {
		ldap_memfree(diagnostic);
		return err_set(e, ERR_CONFIG, "tls-required",
			"the server does not offer StartTLS (%s); has it a certificate? The "
			"password is not sent without",
			ldap_err2string(code));
	}
	ldap_memfree(diagnostic);
	return ldap_install_tls(d->ld) == LDAP_SUCCESS || dir_tls_err(d, url, e);
}

bool
dir_reach(struct dir *d, const char *url, struct err *e)
{
	bool ldaps = strncasecmp(url, "ldaps:", 6) == 0;
	dir_close(d);
	d->server = url;
	d->tls = ldaps || d->options.start_tls;
	if (!handle_prepare(d, url, e) ||
		(ldap_connect(d->ld) != LDAP_SUCCESS && !dir_tls_err(d, url, e)) ||
		(d->tls && !ldaps && !tls_start(d, url, e))) {
		dir_close(d);
		return err_wrap(e, "%s", url);
	}
	socket_prepare(d);
	return true;
}

void
dir_close(struct dir *d)
{
	if (d->ld)
		ldap_unbind_ext(d->ld, NULL, NULL);
	d->ld = NULL;
}

/* --- binding --- */

bool
dir_bind(struct dir *d, struct err *e)
{
	struct secret password;
	int msgid, code = LDAP_OTHER;
	char *diagnostic = NULL;
	LDAPMessage *res = NULL;
	if (!secret_read(d->options.password_file, &password, e))
		return false;
	struct berval cred = { .bv_val = password.p, .bv_len = password.n };
	int rc =
		ldap_sasl_bind(d->ld, d->options.bind, LDAP_SASL_SIMPLE, &cred, NULL, NULL, &msgid);
	secret_wipe(&password);
	if (rc != LDAP_SUCCESS)
		return dir_err_result(e, rc, NULL, "binding");
	if (!dir_wait(d, msgid, NULL, "binding", &res, e))
		return false;
	rc = ldap_parse_result(d->ld, res, &code, NULL, &diagnostic, NULL, NULL, 1);
	bool ok = rc == LDAP_SUCCESS && code == LDAP_SUCCESS;
	if (!ok) {
		CLEAN_FREE char *doing = xasprintf("binding as '%.200s'", d->options.bind);
		dir_err_result(e, rc == LDAP_SUCCESS ? code : rc, diagnostic, doing);
	}
	ldap_memfree(diagnostic);
	return ok;
}

bool
dir_open(struct dir *d, dir_use use, struct err *e)
{
	CLEAN_BUF struct buf all = { 0 };
	struct err one = { 0 };
	const struct dir_options *o = &d->options;
	for (size_t i = 0; i < o->server_count; i++) {
		if (use(d, o->servers[i], &one))
			return true;
		dir_close(d);
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
