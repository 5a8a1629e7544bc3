/*
 * libldap says of a refused certificate "(unknown error code)" (its TLS is GnuTLS here). So when a
 * connection fails, and for `check`, we shake hands once more without sending anything, look at what
 * the server shows, and say what is wrong with it.
 */
#include "dir.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int
tcp_try(const struct addrinfo *ai, int timeout)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct timeval wait = { .tv_sec = timeout };
	int error = 0;
	socklen_t n = sizeof(error);
	if (fd < 0)
		return -1;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		error = errno == EINPROGRESS ? 0 : errno;
		if (!error && poll(&p, 1, timeout * 1000) != 1)
			error = ETIMEDOUT;
		if (!error)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n);
	}
	if (error) {
		close(fd);
		errno = error;
		return -1;
	}
	fcntl(fd, F_SETFL, 0); /* blocking from here, with limits */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return fd;
}

static int
tcp_open(const char *host, int port, int timeout, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	char service[8];
	int fd = -1;
	snprintf(service, sizeof(service), "%d", port);
	int rc = getaddrinfo(host, service, &hints, &list);
	if (rc != 0) {
		err_set(e, ERR_RETRY, "unreachable",
			"the name %s cannot be resolved (%s); check it, and the DNS server this "
			"computer asks",
			host, gai_strerror(rc));
		return -1;
	}
	for (const struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
		fd = tcp_try(ai, timeout);
	if (fd < 0)
		err_set(e, ERR_RETRY, "unreachable",
			"%s port %d cannot be reached (%s); is the server up, does it listen "
			"there, does a firewall "
			"let us through?",
			host, port, strerror(errno));
	freeaddrinfo(list);
	return fd;
}

static int64_t
asn1_seconds(const ASN1_TIME *t)
{
	struct tm tm;
	return t && ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

/* "dc1.corp.example, *.corp.example": what the certificate is for. */
static void
names_list(X509 *cert, struct dir_cert *c)
{
	CLEAN_BUF struct buf out = { 0 };
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		if (g->type != GEN_DNS)
			continue;
		if (out.n)
			buf_adds(&out, ", ");
		text_escape((const char *)ASN1_STRING_get0_data(g->d.dNSName),
			(size_t)ASN1_STRING_length(g->d.dNSName), 255, &out);
	}
	GENERAL_NAMES_free(names);
	snprintf(c->names, sizeof(c->names), "%s", out.n ? buf_cstr(&out) : c->subject);
}

static void
cert_describe(SSL *ssl, X509 *cert, const char *host, struct dir_cert *c)
{
	long verdict = SSL_get_verify_result(ssl);
	X509_NAME_oneline(X509_get_subject_name(cert), c->subject, sizeof(c->subject));
	X509_NAME_oneline(X509_get_issuer_name(cert), c->issuer, sizeof(c->issuer));
	names_list(cert, c);
	c->not_before = asn1_seconds(X509_get0_notBefore(cert));
	c->not_after = asn1_seconds(X509_get0_notAfter(cert));
	c->name_matches = X509_check_host(cert, host, 0, 0, NULL) == 1 ||
			  X509_check_ip_asc(cert, host, 0) == 1;
	c->trusted = verdict == X509_V_OK;
	snprintf(c->why, sizeof(c->why), "%s", X509_verify_cert_error_string(verdict));
	snprintf(c->version, sizeof(c->version), "%s", SSL_get_version(ssl));
	c->shown = true;
}

static bool
handshake(int fd, const char *host, const char *ca_file, struct dir_cert *c, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = NULL;
	if (ctx) {
		SSL_CTX_set_min_proto_version(ctx, 0); /* to name an old version, not to use it */
		SSL_CTX_set_cipher_list(ctx, "DEFAULT@SECLEVEL=0");
		SSL_CTX_load_verify_file(
			ctx, ca_file); /* none: then nothing is trusted, and we say so */
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
		ssl = SSL_new(ctx);
	}
	if (ssl) {
		SSL_set_tlsext_host_name(ssl, host);
		SSL_set_fd(ssl, fd);
		if (SSL_connect(ssl) == 1) {
			X509 *cert = SSL_get1_peer_certificate(ssl);
			if (cert)
				cert_describe(ssl, cert, host, c);
			X509_free(cert);
			SSL_shutdown(ssl);
		}
	}
	if (!c->shown) {
		char text[160] = "the connection was closed";
		unsigned long code = ERR_get_error();
		if (code)
			ERR_error_string_n(code, text, sizeof(text));
		err_set(e, ERR_RETRY, "tls",
			"no TLS there (%s); is that the right port, and has the server a "
			"certificate?",
			text);
	}
	ERR_clear_error();
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return c->shown;
}

/* StartTLS by hand: libldap keeps its session for itself. Request name: RFC 4511 4.14.1. */
static bool
tls_ask(int fd, struct err *e)
{
	static char oid[] = LDAP_EXOP_START_TLS;
	Sockbuf *sb = ber_sockbuf_alloc();
	BerElement *ask = ber_alloc_t(LBER_USE_DER), *answer = ber_alloc_t(LBER_USE_DER);
	ber_len_t n, max = 64 * 1024;
	ber_int_t id = 0, code = LDAP_OTHER;
	ber_tag_t tag = LBER_ERROR;
	ber_sockbuf_add_io(sb, &ber_sockbuf_io_tcp, LBER_SBIOD_LEVEL_PROVIDER, &fd);
	ber_sockbuf_ctrl(sb, LBER_SB_OPT_SET_MAX_INCOMING, &max);
	if (ber_printf(ask, "{it{ts}}", 1, LDAP_REQ_EXTENDED, LDAP_TAG_EXOP_REQ_OID, oid) >= 0 &&
		ber_flush2(sb, ask, LBER_FLUSH_FREE_NEVER) == 0)
		do
			tag = ber_get_next(sb, &n, answer);
		while (tag == LBER_DEFAULT && (errno == EINTR));
	bool ok = tag == LDAP_TAG_MESSAGE &&
		  ber_scanf(answer, "it{e", &id, &tag, &code) != LBER_ERROR && code == LDAP_SUCCESS;
	ber_free(ask, 1);
	ber_free(answer, 1);
	/* the descriptor stays ours */
	ber_sockbuf_remove_io(sb, &ber_sockbuf_io_tcp, LBER_SBIOD_LEVEL_PROVIDER);
	ber_sockbuf_free(sb);
	return ok || err_set(e, ERR_CONFIG, "tls-required",
			     "the server does not offer StartTLS; has it a certificate?");
}

bool
dir_cert_look(
	const struct dir *d, const char *url, int timeout, struct dir_cert *c_r, struct err *e)
{
	LDAPURLDesc *u = NULL;
	*c_r = (struct dir_cert){ .reached = false };
	if (ldap_url_parse(url, &u) != LDAP_URL_SUCCESS)
		return err_set(e, ERR_CONFIG, "bad-config", "server '%s' cannot be read", url);
	int fd = tcp_open(u->lud_host, u->lud_port, timeout, e);
	c_r->reached = fd >= 0;
	bool ldaps = strcasecmp(u->lud_scheme, "ldaps") == 0, tls = ldaps || d->options.start_tls;
	bool ok = fd >= 0 && (ldaps || !tls || tls_ask(fd, e)) &&
		  (!tls || handshake(fd, u->lud_host, d->options.ca_file, c_r, e));
	if (fd >= 0)
		close(fd);
	ldap_free_urldesc(u);
	return ok;
}

bool
dir_cert_judge(const struct dir *d, const struct dir_cert *c, int64_t now, struct err *e)
{
	char until[24];
	time_format(c->not_after, until);
	if (now > c->not_after)
		return err_set(e, ERR_CONFIG, "certificate",
			"the server's certificate (%s) expired at %s; renew it on the server",
			c->subject, until);
	if (now < c->not_before)
		return err_set(e, ERR_CONFIG, "certificate",
			"the server's certificate (%s) is not valid yet; are the clocks right?",
			c->subject);
	if (!c->trusted)
		return err_set(e, ERR_CONFIG, "certificate",
			"the server's certificate (%s) is not trusted: %s; it was issued by %s: "
			"put that authority's "
			"certificate into a PEM file and name it in `ca_file` (now %s)",
			c->subject, c->why, c->issuer, d->options.ca_file);
	if (!c->name_matches)
		return err_set(e, ERR_CONFIG, "certificate",
			"the server's certificate is for another host name (%s); write `server` "
			"with that name",
			c->names);
	if (d->options.tls_min == LDAP_OPT_X_TLS_PROTOCOL_TLS1_3
			? strcmp(c->version, "TLSv1.3") != 0
			: strcmp(c->version, "TLSv1.2") != 0 && strcmp(c->version, "TLSv1.3") != 0)
		return err_set(e, ERR_CONFIG, "certificate",
			"the server offers %s at best, which `tls_min` forbids; update the server",
			c->version);
	return true;
}

bool
dir_tls_err(struct dir *d, const char *url, struct err *e)
{
	struct dir_cert c;
	char *diagnostic = NULL;
	int64_t now = d->clock->now(d->clock->ctx);
	if (!dir_cert_look(d, url, CERT_WAIT, &c, e))
		return false;
	if (c.shown && !dir_cert_judge(d, &c, now, e))
		return false;
	ldap_get_option(d->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diagnostic);
	dir_err_result(e, LDAP_CONNECT_ERROR, diagnostic, "connecting");
	ldap_memfree(diagnostic);
	return false;
}
