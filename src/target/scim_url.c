/* What may stand in a request: URLs, tokens, encoded text. */
#include <string.h>
#include <strings.h>
#include "scim_http.h"

static bool
loopback(const char *host)
{
	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	size_t n = strspn(host, "0123456789.");
	return strncmp(host, "127.", 4) == 0 && host[n] == 0;
}

static bool
url_part_absent(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	bool absent = curl_url_get(u, part, &text, 0) != CURLUE_OK || !*text;
	curl_free(text);
	return absent;
}

static bool
url_check(CURLU *u, const char *url, struct err *e)
{
	char *scheme = NULL, *host = NULL;
	bool ok = false;

	if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		err_set(e, ERR_CONFIG, "bad-url", "url: not a URL; write https://HOST/PATH");
	else if (!url_part_absent(u, CURLUPART_USER) || !url_part_absent(u, CURLUPART_PASSWORD))
		err_set(e, ERR_CONFIG, "bad-url",
			"url: holds a user or a password; use token_file");
	else if (!url_part_absent(u, CURLUPART_QUERY) || !url_part_absent(u, CURLUPART_FRAGMENT))
		err_set(e, ERR_CONFIG, "bad-url", "url: must end with the path, without ? or #");
	else if (strcmp(scheme, "http") == 0 && !loopback(host))
		err_set(e, ERR_CONFIG, "bad-url",
			"url: http:// is accepted for loopback addresses alone; use https://");
	else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		err_set(e, ERR_CONFIG, "bad-url", "url: only https:// can be used");
	else
		ok = true;
	curl_free(scheme);
	curl_free(host);
	return ok;
}

bool
http_url_check(const char *url, struct buf *out, struct err *e)
{
	CURLU *u = curl_url();
	bool ok = url_check(u, url, e);
	size_t n = strlen(url);

	curl_url_cleanup(u);
	while (n && url[n - 1] == '/')
		n--;
	if (ok)
		buf_add(out, url, n);
	return ok;
}

bool
http_token_check(const struct secret *token, struct err *e)
{
	for (size_t i = 0; i < token->n; i++)
		if (token->p[i] <= ' ' || token->p[i] > '~')
			return err_set(e, ERR_CONFIG, "bad-token",
				"token_file: holds characters that no token has; one line, no "
				"blanks");
	if (!token->n)
		return err_set(e, ERR_CONFIG, "bad-token", "token_file: is empty");
	return true;
}

void
http_encode(const char *text, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
			strchr("-._~", c)) {
			buf_addc(out, (char)c);
		} else {
			buf_addc(out, '%');
			buf_addc(out, hex[c >> 4]);
			buf_addc(out, hex[c & 15]);
		}
	}
}
