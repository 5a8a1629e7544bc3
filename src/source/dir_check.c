/* What `check` finds in the same way in every directory. */
#include "dir.h"

#include <stdarg.h>
#include <string.h>

#define CERTIFICATE_SOON (30 * 86400)

void
dir_finding(struct dir *d, const char *level, const char *topic, const char *remedy,
	const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	CLEAN_FREE char *text = xvasprintf(fmt, args);
	va_end(args);
	serve_finding(d->serve, level, topic, text, remedy);
}

static void
certificate_check(struct dir *d, const char *url, const struct dir_cert *c)
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

const char *
dir_server_level(const struct dir *d)
{
	return d->options.server_count > 1 ? "warn" : "fail";
}

bool
dir_reach_check(struct dir *d, const char *url)
{
	struct dir_cert c;
	struct err e;
	if (!dir_cert_look(d, url, CERT_WAIT, &c, &e)) {
		dir_finding(d, dir_server_level(d), "server", NULL, "%s: %s", url, e.text);
		return false;
	}
	dir_finding(d, "ok", "server", NULL, "%s: it can be reached", url);
	certificate_check(d, url, &c);
	return true;
}

/* The first that can be used, NULL = none; all others are of the same directory, or it is said. */
static const char *
servers_try(struct dir *d, const struct dir_servers *s)
{
	const struct dir_options *o = &d->options;
	CLEAN_FREE char *context = NULL;
	const char *first = NULL;
	for (size_t i = 0; i < o->server_count && !*d->stop; i++) {
		const char *url = o->servers[i];
		serve_progress(d->serve, (int64_t)i, (int64_t)o->server_count, "trying servers");
		if (!s->check(d, url))
			continue;
		if (!first) {
			first = url;
			context = xstrdup(d->context);
		} else if (strcmp(context, d->context) != 0) {
			dir_finding(
				d, "fail", "server", s->remedy, "%s %s %s", url, s->other, first);
		}
	}
	return first;
}

bool
dir_servers_check(struct dir *d, const struct dir_servers *s)
{
	const char *first = servers_try(d, s);
	struct err e;
	if (!first) {
		dir_finding(d, "fail", "server",
			"mend what is said above; without a server nothing is read",
			"no server can be used");
		return false;
	}
	if ((strcmp(d->server, first) == 0 && d->ld) || s->use(d, first, &e))
		return true;
	dir_finding(d, "fail", "server", NULL, "%s", e.text);
	return false;
}

bool
dir_base_check(struct dir *d, const char *base)
{
	static const char *const names[] = { "objectClass", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	struct err e;
	if (!dir_read_one(d, base, names, NULL, "reading a base", a, &v, &e)) {
		dir_finding(d, "fail", "base", NULL, "%s: %s", base, e.text);
		return false;
	}
	if (!v.found || !attrs_get(&v.attrs, "objectClass")) {
		dir_finding(d, "fail", "base",
			"check its spelling, and that the account may read it",
			"%s does not exist, or the account may not see it", base);
		return false;
	}
	dir_finding(d, "ok", "base", NULL, "%s is there", base);
	return true;
}
