/* What `check` finds in the same way in every directory. */
#include "dir.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CERTIFICATE_SOON (30 * 86400)

void
dir_finding(struct dir *d, const char *level, const char *topic, const char *remedy,
	const char *fmt, ...)
{
	CLEAN_FREE char *text = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	serve_finding(d->serve, level, topic, text, remedy);
}

void
dir_certificate_check(struct dir *d, const char *url, const struct dir_cert *c)
{
	int64_t now = d->clock->now(d->clock->ctx);
	char until[24];
	struct err e;
	if (!c->shown) {
		dir_finding(d, "info", "certificate", NULL,
			d->options.sealed ? "%s: no TLS; Kerberos encrypts"
					  : "%s: not encrypted, on this computer",
			url);
		return;
	}
	time_format(c->not_after, until);
	if (!dir_cert_judge(d, c, now, &e))
		dir_finding(d, "fail", "certificate", NULL, "%s: %s", url, e.text);
	else if (c->not_after - now < CERTIFICATE_SOON)
		dir_finding(d, "warn", "certificate", "renew it on the server",
			"%s: the certificate (%s) expires soon, at %s", url, c->names, until);
	else
		dir_finding(d, "ok", "certificate", NULL, "%s: %s, valid until %s, %s", url,
			c->names, until, c->version);
}
