/* What every tool says of its LDAP server, as a source of ours; and the target that no such tool has. */
#include <string.h>

#include "import.h"
#include "model/dn.h"
#include "rules/filter.h"

bool
import_dn(const char *text)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct dn dn;

	return strchr(text, '=') && strlen(text) <= DN_LENGTH_MAX && dn_parse(text, a, &dn, NULL) &&
	       dn.count > 0;
}

bool
import_filter(struct import *im, const char *text, const char **why_r)
{
	struct filter *f;
	struct err e = { 0 };

	if (filter_parse(text, im->arena, &f, &e))
		return true;
	if (why_r)
		*why_r = arena_printf(im->arena,
			"it is no filter that Lockstep reads: see FILTERS in lockstep.conf(5)");
	return false;
}

static bool
is_host(const char *s)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:[]-";

	return s[0] && strlen(s) < 256 && strspn(s, good) == strlen(s);
}

static bool
is_loopback(const char *host)
{
	return ascii_ieq(host, "localhost") || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, "[::1]") == 0;
}

/* A global catalog holds a part of each entry only; the same controllers answer at the usual port. */
static const char *
port_checked(struct import *im, const struct import_server *s, const xmlNode *n)
{
	if (strcmp(s->port, "3268") != 0 && strcmp(s->port, "3269") != 0)
		return s->port;
	import_miss(im, n, "the port of a global catalog, which holds a part of each entry only",
		"the usual port is taken; for several domains make one source of each");
	return "";
}

void
import_server(
	struct import *im, struct draft *source, const struct import_server *s, const xmlNode *n)
{
	const char *port = port_checked(im, s, n);
	bool clear = strcmp(s->scheme, "ldap") == 0;

	if (!is_host(s->host) || strlen(s->port) > 5 ||
		strspn(s->port, "0123456789") != strlen(s->port)) {
		import_miss(im, n, "not the name of a server and its port",
			"write server = 'ldaps://HOST'");
		return;
	}
	draft_option(im, source, "server",
		arena_printf(
			im->arena, "%s://%s%s%s", s->scheme, s->host, port[0] ? ":" : "", port),
		n, NULL);
	if (!clear || is_loopback(s->host) || draft_find(source, "tls", NULL))
		return;
	draft_option(im, source, "tls", "start", s->start_tls ? n : NULL,
		"a password never goes in the clear: StartTLS, or ldaps:// above");
	if (!s->start_tls)
		import_miss(im, n, "LDAP without TLS: Lockstep sends no password in the clear",
			"StartTLS is asked for (tls = 'start'); the server needs a certificate "
			"that "
			"ca_file verifies");
}

/* What a source needs and the document did not say. */
void
import_source_end(struct import *im, struct draft *source, const char *title)
{
	if (!draft_find(source, "server", NULL))
		draft_option(im, source, "server", "ldaps://dc1.example", NULL,
			"TO BE FILLED IN: no server was found");
	if (!draft_find(source, "bind", NULL))
		draft_option(im, source, "bind", "CHANGE-ME", NULL,
			"TO BE FILLED IN: the account that reads");
	if (!draft_find(source, "keytab", NULL))
		draft_option(im, source, "password_file",
			arena_printf(im->arena, "/etc/lockstep/%s.password", title), NULL,
			"TO BE MADE: the account's password, mode 0600");
}

void
import_nobody(struct import *im, struct draft *scope, const char *remark)
{
	draft_option(im, scope, "when", "false", NULL, remark);
}

void
import_target(struct import *im, const char *why)
{
	struct draft *t = draft_section(im, im->draft, "target", "hosted", NULL);

	t->remark = why;
	draft_option(im, t, "type", "scim", NULL, NULL);
	draft_option(im, t, "url", "https://hosted.example/scim/v2", NULL,
		"TO BE FILLED IN: the service that Lockstep writes to");
	draft_option(im, t, "token_file", "/etc/lockstep/hosted.token", NULL,
		"TO BE MADE: its token, mode 0600");
}

void
import_complete(struct import *im)
{
	struct draft *source = draft_find(im->draft, "source", NULL), *sync;

	if (draft_find(im->draft, "sync", NULL))
		return;
	if (!source) {
		source = draft_section(im, im->draft, "source", "corp", NULL);
		draft_option(im, source, "type", "ad", NULL, NULL);
		import_source_end(im, source, source->title);
	}
	sync = draft_section(im, im->draft, "sync", "imported", NULL);
	draft_option(im, sync, "from", source->title, NULL, NULL);
	draft_option(im, sync, "to", "hosted", NULL, NULL);
	import_nobody(im, draft_section(im, sync, "scope", NULL, NULL),
		"TO BE FILLED IN: nothing that is synchronized could be carried over");
}
