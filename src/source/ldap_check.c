/* `check` and `setup`: what a person should know before the first read, each with its remedy. */
#include "ldap_source.h"
#include "ldap_value.h"

#include <stdlib.h>
#include <string.h>
#include "model/dn.h"

#define SETUP_HINT "`lockstep check --print-setup` shows how"

/* true: this server can be used. */
static bool
server_check(struct dir *d, const char *url)
{
	struct err e;
	if (!dir_reach_check(d, url))
		return false;
	if (!tree_use(d, url, &e)) {
		if (strcmp(e.code, "certificate") != 0)
			dir_finding(d, e.kind == ERR_CONFIG ? "fail" : dir_server_level(d),
				strcmp(e.code, "bind-refused") == 0 ? "bind" : "server", NULL, "%s",
				e.text);
		return false;
	}
	dir_finding(d, "ok", "bind", NULL, "%s: bound as %s", url, d->bound);
	return true;
}

static const struct dir_servers servers = { server_check, tree_use, "holds another directory than",
	"name servers of one directory only" };

static void
schema_check(struct tree *t)
{
	const char *const *attributes = serve_attributes(t->d.serve);
	struct err e;
	if (!attributes[0])
		return;
	if (!tree_schema_read(t, serve_classes(t->d.serve), attributes, &e))
		dir_finding(&t->d, "fail", "schema", "correct the name in the configuration", "%s",
			e.text);
	else
		dir_finding(&t->d, "ok", "schema", NULL, "all attributes that are read are known");
}

struct count {
	int64_t entries;
};

static bool
each_count(void *ctx, struct dir *d, LDAPMessage *entry, struct err *e)
{
	struct count *c = ctx;
	(void)d, (void)entry, (void)e;
	c->entries++;
	return true;
}

/* A refresh of everything, without attributes: does syncprov answer, and are we given all of it? */
static void
sync_check(struct tree *t)
{
	static const char *const names[] = { LDAP_NO_ATTRS, NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	LDAPControl sync, *controls[] = { &sync, NULL };
	struct count c = { 0 };
	struct err e;
	int code;
	if (!sync_request_make(SYNC_ONCE, (struct str){ "", 0 }, a, &sync, &e))
		return;
	const struct dir_search q = { .base = t->nc,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = "(objectClass=*)",
		.attributes = names,
		.controls = controls,
		.phase = "counting",
		.doing = "reading everything" };
	if (dir_search(&t->d, &q, each_count, &c, NULL, &code, &e))
		dir_finding(&t->d, "ok", "sync", NULL,
			"changes can be followed; the account sees %lld entries of %s",
			(long long)c.entries, t->nc);
	else if (code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION)
		dir_finding(&t->d, "fail", "sync",
			"on OpenLDAP load the overlay syncprov there; " SETUP_HINT,
			"%s does not offer content synchronization (RFC 4533) for %s, so nothing "
			"can be read",
			t->d.server, t->nc);
	else if (code == LDAP_SIZELIMIT_EXCEEDED || code == LDAP_TIMELIMIT_EXCEEDED ||
		 code == LDAP_ADMINLIMIT_EXCEEDED)
		dir_finding(&t->d, "fail", "limits",
			"lift the limits of size and time for this account; " SETUP_HINT,
			"the account is given %lld entries of %s and then cut off, so nothing can "
			"be "
			"read to its end",
			(long long)c.entries, t->nc);
	else
		dir_finding(&t->d, "fail", "sync", NULL, "%s", e.text);
}

/* Who reads people needs no password of theirs. */
static void
secrets_check(struct tree *t)
{
	static const char *const names[] = { "userPassword", NULL };
	struct berval cookie = { .bv_val = (char[]){ "" } };
	LDAPControl *page = NULL;
	struct count c = { 0 };
	struct err e;
	if (!t->d.ld || ldap_create_page_control(t->d.ld, 1, &cookie, 0, &page) != LDAP_SUCCESS)
		return;
	LDAPControl *controls[] = { page, NULL };
	const struct dir_search q = { .base = t->nc,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = "(userPassword=*)", /* who may not read it finds nothing by it */
		.attributes = names,
		.controls = controls,
		.doing = "looking whether passwords can be read" };
	bool ok = dir_search(&t->d, &q, each_count, &c, NULL, NULL, &e);
	ldap_control_free(page);
	if (c.entries)
		dir_finding(&t->d, "warn", "rights",
			"take userPassword out of what it may read; " SETUP_HINT,
			"the account may read the passwords of others (userPassword)");
	else if (ok)
		dir_finding(&t->d, "ok", "rights", NULL,
			"the passwords of others are hidden from the account");
}

bool
tree_check(struct dir *d, const char *const *bases, size_t count, struct err *e)
{
	struct tree *t = tree_of(d);
	const struct dir_options *o = &t->d.options;
	if (dir_servers_check(d, &servers)) {
		for (size_t i = 0; i < o->base_count; i++)
			dir_base_check(d, o->bases[i]);
		for (size_t i = 0; i < count; i++)
			dir_base_check(d, bases[i]);
		schema_check(t);
		sync_check(t);
		secrets_check(t);
	}
	serve_lock_finding(t->d.serve);
	return serve_end(t->d.serve, NULL, true, NULL, NULL, e);
}

/* --- the set-up text --- */

/* What the configuration, or else the server, says is to be read. */
static const char *
base_find(struct tree *t, const char *const *bases, size_t count)
{
	struct err e;
	if (!t->d.ld && t->d.options.server_count)
		tree_use(&t->d, t->d.options.servers[0], &e); /* the account may not exist yet */
	if (t->nc)
		return t->nc;
	return t->d.options.base_count ? t->d.options.bases[0] : count ? bases[0] : "dc=example";
}

static const char setup_format[] =
	"# OpenLDAP: an account that may read and nothing else. As whoever may change cn=config;\n"
	"# {1}mdb stands for the database of %2$s (ldapsearch -Y EXTERNAL -H ldapi:/// -b "
	"cn=config\n"
	"# '(olcSuffix=%2$s)' dn).\n"
	"\n"
	"# 1. The account, with a password from slappasswd:   ldapadd\n"
	"dn: %1$s\n"
	"objectClass: organizationalRole\n"
	"objectClass: simpleSecurityObject\n"
	"userPassword: {SSHA}...\n"
	"\n"
	"# 2. It reads everything but passwords, and is not cut off:   ldapmodify -Y EXTERNAL -H "
	"ldapi:///\n"
	"dn: olcDatabase={1}mdb,cn=config\n"
	"changetype: modify\n"
	"add: olcAccess\n"
	"olcAccess: {0}to attrs=userPassword by self =xw by anonymous auth by * none\n"
	"olcAccess: {1}to * by dn.exact=\"%1$s\" read by * break\n"
	"-\n"
	"add: olcLimits\n"
	"olcLimits: dn.exact=\"%1$s\" size=unlimited time=unlimited\n"
	"-\n"
	"add: olcDbIndex\n"
	"olcDbIndex: entryCSN,entryUUID eq\n"
	"\n"
	"# 3. Changes can be followed. The session log remembers deletions: without it each change "
	"costs a full read.\n"
	"dn: cn=module,cn=config\n"
	"changetype: add\n"
	"objectClass: olcModuleList\n"
	"cn: module\n"
	"olcModuleLoad: syncprov\n"
	"\n"
	"dn: olcOverlay=syncprov,olcDatabase={1}mdb,cn=config\n"
	"changetype: add\n"
	"objectClass: olcOverlayConfig\n"
	"objectClass: olcSyncProvConfig\n"
	"olcOverlay: syncprov\n"
	"olcSpCheckpoint: 100 10\n"
	"olcSpSessionlog: 10000\n";

bool
tree_setup(struct dir *d, const char *const *bases, size_t count, struct err *e)
{
	struct tree *t = tree_of(d);
	CLEAN_BUF struct buf text = { 0 };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dn dn;
	const char *base = base_find(t, bases, count), *bind = t->d.options.bind;
	/* a line of LDIF holds a plain name; another one is left to the reader */
	if (strpbrk(base, "\r\n\"'"))
		base = "dc=example";
	if (strpbrk(bind, "\r\n\"'") || !dn_parse(bind, a, &dn, NULL))
		bind = arena_printf(a, "cn=lockstep,%s", base);
	buf_addf(&text, setup_format, bind, base);
	struct jsonw *w = serve_line(t->d.serve, "text");
	jsonw_str(w, "text", buf_cstr(&text));
	return serve_send(t->d.serve, e) && serve_end(t->d.serve, NULL, true, NULL, NULL, e);
}
