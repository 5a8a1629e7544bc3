/* How to get to the service: TLS with its certificates, the proxy; and why it did not come about. */
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "scim_http.h"

/* --- what is asked for --- */

static bool
bad(struct err *e, const char *what)
{
	return err_set(e, ERR_CONFIG, "bad-option", "%s", what);
}

static bool
part_is(CURLU *u, CURLUPart part, const char *expected)
{
	char *text = NULL;
	bool found = curl_url_get(u, part, &text, 0) == CURLUE_OK;
	bool is = expected ? found && strcasecmp(text, expected) == 0 : found;

	curl_free(text);
	return is;
}

static bool
proxy_check(CURLU *u, const char *proxy, struct err *e)
{
	if (curl_url_set(u, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		return bad(e, "proxy: not a URL; write http://HOST:PORT");
	if (part_is(u, CURLUPART_USER, NULL) || part_is(u, CURLUPART_PASSWORD, NULL))
		return bad(e, "proxy: holds a user or a password; use proxy_login_file");
	if (!part_is(u, CURLUPART_SCHEME, "http") || !part_is(u, CURLUPART_PORT, NULL) ||
		!part_is(u, CURLUPART_PATH, "/") || part_is(u, CURLUPART_QUERY, NULL) ||
		part_is(u, CURLUPART_FRAGMENT, NULL))
		return bad(e, "proxy: only an HTTP proxy can be used; write http://HOST:PORT");
	return true;
}

static bool
login_check(const struct secret *login, struct err *e)
{
	for (size_t i = 0; i < login->n; i++)
		if ((unsigned char)login->p[i] < ' ')
			return bad(e, "proxy_login_file: one line, user:password");
	return memchr(login->p, ':', login->n) || bad(e, "proxy_login_file: write user:password");
}

bool
http_transport_check(const struct http_options *o, struct err *e)
{
	if (!o->client_cert != !o->client_key)
		return bad(e, "client_cert_file and client_key_file belong together: give both");
	if (!o->proxy && (o->proxy_login || o->no_proxy))
		return bad(e, "proxy_login_file and no_proxy mean nothing without proxy");
	if (o->proxy) {
		CURLU *u = curl_url();
		bool ok = proxy_check(u, o->proxy, e);
		curl_url_cleanup(u);
		if (!ok)
			return false;
	}
	/* libcurl would take a blank for another separator */
	if (o->no_proxy && strpbrk(o->no_proxy, " \t\r\n"))
		return bad(e, "no_proxy: blanks in a name; write a list of names");
	return !o->proxy_login || login_check(o->proxy_login, e);
}

static void
set_certificates(CURL *c, const struct http_options *o)
{
	struct curl_blob key = { .flags = CURL_BLOB_NOCOPY };

	if (o->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, o->ca_file);
	if (!o->client_cert)
		return;
	key.data = o->client_key->p;
	key.len = o->client_key->n;
	curl_easy_setopt(c, CURLOPT_SSLCERT, o->client_cert);
	curl_easy_setopt(c, CURLOPT_SSLKEY_BLOB, &key);
	curl_easy_setopt(c, CURLOPT_KEYPASSWD, ""); /* else OpenSSL would ask at a terminal */
}

void
http_transport_set(CURL *c, const struct http_options *o)
{
	bool plain = strncasecmp(o->url, "http:", 5) == 0;

	curl_easy_setopt(c, CURLOPT_SSLVERSION,
		(long)(o->tls13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
	set_certificates(c, o);
	/* never what an environment says; and plain http is for this machine: a proxy would read the
	 * token and look for the service on its own machine */
	curl_easy_setopt(c, CURLOPT_PROXY, o->proxy && !plain ? o->proxy : "");
	curl_easy_setopt(c, CURLOPT_NOPROXY, o->no_proxy ? o->no_proxy : "");
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	if (o->proxy_login) {
		curl_easy_setopt(c, CURLOPT_PROXYAUTH, (long)CURLAUTH_ANY);
		curl_easy_setopt(c, CURLOPT_PROXYUSERPWD, o->proxy_login->p);
	}
}

void
http_certificate(struct http_slot *s, const char *field, struct buf *out)
{
	struct curl_certinfo *chain = NULL;
	size_t n = strlen(field);

	curl_easy_getinfo(s->curl, CURLINFO_CERTINFO, &chain);
	if (!chain || chain->num_of_certs < 1)
		return;
	for (struct curl_slist *l = chain->certinfo[0]; l; l = l->next) {
		if (strncmp(l->data, field, n) != 0 || l->data[n] != ':')
			continue;
		text_escape(l->data + n + 1, strlen(l->data + n + 1), 400, out);
		return;
	}
}

/* --- what went wrong --- */

/* Failures that come before a request is on its way, with what a person can do. */
static const struct unsent {
	CURLcode code;
	enum err_kind kind;
	const char *name, *remedy;
} unsent[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, ERR_SIDE, "unreachable",
		"its name is not found: check url and DNS" },
	{ CURLE_COULDNT_RESOLVE_PROXY, ERR_SIDE, "unreachable", "the proxy's name is not found" },
	{ CURLE_COULDNT_CONNECT, ERR_SIDE, "unreachable",
		"it does not accept connections: check url, firewall, service" },
	{ CURLE_PEER_FAILED_VERIFICATION, ERR_CONFIG, "certificate",
		"its certificate is not trusted: check name, date, ca_file" },
	{ CURLE_SSL_CACERT_BADFILE, ERR_CONFIG, "certificate", "ca_file cannot be read" },
	{ CURLE_SSL_CERTPROBLEM, ERR_CONFIG, "client-certificate",
		"client_cert_file and client_key_file must be PEM, belong together, and the key "
		"have no "
		"passphrase" },
	{ CURLE_SSL_CONNECT_ERROR, ERR_SIDE, "unreachable",
		"TLS fails: is this an https port? does it demand a client certificate "
		"(client_cert_file)?" },
	{ CURLE_SSL_CIPHER, ERR_SIDE, "unreachable", "TLS fails" },
	{ CURLE_PROXY, ERR_SIDE, "unreachable", "the proxy refuses" },
	{ CURLE_URL_MALFORMAT, ERR_CONFIG, "bad-url", "check url" },
	{ CURLE_UNSUPPORTED_PROTOCOL, ERR_CONFIG, "bad-url", "check url" },
};

/* What either end says when TLS does not come about, in OpenSSL's words. In TLS 1.3 the service judges our
 * certificate after we have sent: it comes as a failure to read, and yet nothing was done. */
static const struct alert {
	const char *words;
	enum err_kind kind;
	const char *code, *remedy;
} alerts[] = {
	{ "alert certificate required", ERR_CONFIG, "client-certificate",
		"the service demands a client certificate: set client_cert_file and "
		"client_key_file" },
	{ "alert bad certificate", ERR_CONFIG, "client-certificate",
		"the service refuses our certificate: check client_cert_file" },
	{ "alert unknown ca", ERR_CONFIG, "client-certificate",
		"the service does not know who issued our certificate: check client_cert_file" },
	{ "alert certificate", ERR_CONFIG, "client-certificate",
		"the service refuses our certificate (expired, revoked): check client_cert_file" },
	{ "alert access denied", ERR_CONFIG, "client-certificate",
		"the service refuses our certificate: check client_cert_file" },
	{ "alert handshake failure", ERR_CONFIG, "client-certificate",
		"TLS fails: the service may demand a client certificate (client_cert_file), or no "
		"cipher "
		"suits both" },
	{ "protocol version", ERR_CONFIG, "tls-version",
		"the service offers no TLS version that is allowed here: see tls_min" },
	{ "unsupported protocol", ERR_CONFIG, "tls-version",
		"the service offers no TLS version that is allowed here: see tls_min" },
};

static void
failed_unsent(struct http_slot *s, enum err_kind kind, const char *code, const char *url,
	CURLcode why, const char *remedy)
{
	CLEAN_BUF struct buf words = { 0 };
	const char *said = s->said[0] ? s->said : curl_easy_strerror(why);

	text_escape(said, strlen(said), 300, &words);
	s->outcome = HTTP_UNSENT;
	err_set(&s->err, kind, code, "%s: %s: %s", url, buf_cstr(&words), remedy);
}

/* True when it is known that the service did nothing. */
static bool
unsent_find(struct http_slot *s, const char *url, CURLcode code)
{
	for (size_t i = 0; i < ARRAY_LEN(alerts); i++) {
		const struct alert *a = &alerts[i];
		if (!strstr(s->said, a->words))
			continue;
		failed_unsent(s, a->kind, a->code, url, code, a->remedy);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(unsent); i++) {
		const struct unsent *u = &unsent[i];
		/* a kept connection that ends without an answer makes libcurl connect anew before it asks to read
		 * the body again: that this fails says nothing of the request that was sent (I3) */
		if (u->code != code || s->sent)
			continue;
		failed_unsent(s, u->kind, u->name, url, code, u->remedy);
		return true;
	}
	return false;
}

void
http_transport_failed(struct http_slot *s, const char *url, CURLcode code)
{
	long requested = 0, proxied = 0;

	curl_easy_getinfo(s->curl, CURLINFO_REQUEST_SIZE, &requested);
	curl_easy_getinfo(s->curl, CURLINFO_HTTP_CONNECTCODE, &proxied);
	if (proxied && proxied != 200) {
		s->outcome = HTTP_UNSENT;
		err_set(&s->err, proxied == 407 ? ERR_CONFIG : ERR_SIDE, "proxy-refused",
			"the proxy answered %ld; check proxy and proxy_login_file", proxied);
		return;
	}
	if (unsent_find(s, url, code))
		return;
	if (code == CURLE_OPERATION_TIMEDOUT && !requested) {
		failed_unsent(s, ERR_SIDE, "unreachable", url, code,
			"no connection within the time limit");
		return;
	}
	s->outcome = HTTP_LOST;
	err_set(&s->err, ERR_UNKNOWN, code == CURLE_OPERATION_TIMEDOUT ? "timeout" : "lost-answer",
		"%s %s: %s; whether it was done is not known", s->method, buf_cstr(&s->path),
		s->too_big ? "the answer is larger than 8 MiB" : curl_easy_strerror(code));
}
