/* Which directory this is, and what part of it is read. */
#include "ldap_source.h"

#include <string.h>
#include "model/dn.h"

bool
tree_options_read(struct dir *d, struct err *e)
{
	struct tree *t = tree_of(d);
	struct dir_options *o = &t->d.options;
	if (!dir_options_read(&t->d, e))
		return false;
	if (o->server_count == 0)
		return err_set(e, ERR_CONFIG, "bad-config", "`server` is not given");
	if (!o->bind || !*o->bind || !o->password_file)
		return err_set(e, ERR_CONFIG, "bad-config",
			"`bind` and `password_file` are needed: a directory is not read "
			"anonymously");
	for (size_t i = 0; i < o->server_count; i++)
		if (!dir_url_check(o, o->servers[i], e))
			return false;
	return true;
}

/* The naming context that holds a base. */
static bool
context_holds(struct str nc, const char *base, struct arena *a)
{
	struct dn upper, lower;
	return nc.n && dn_parse(arena_strndup(a, nc.p, nc.n), a, &upper, NULL) &&
	       dn_parse(base, a, &lower, NULL) && dn_under(&lower, &upper);
}

static bool
context_of_bases(struct tree *t, const struct attr *ncs, struct arena *a, struct err *e)
{
	const struct dir_options *o = &t->d.options;
	const struct str *found = NULL;
	for (size_t i = 0; i < o->base_count; i++) {
		const struct str *here = NULL;
		for (size_t k = 0; ncs && k < ncs->count; k++)
			if (context_holds(ncs->values[k], o->bases[i], a))
				here = &ncs->values[k];
		if (!here)
			return err_set(e, ERR_CONFIG, "bad-base",
				"%s holds no naming context with the base %s", t->d.server,
				o->bases[i]);
		if (found && found != here)
			return err_set(e, ERR_CONFIG, "bad-base",
				"the bases %s and %s lie in two naming contexts; write a source "
				"for "
				"each",
				o->bases[0], o->bases[i]);
		found = here;
	}
	t->nc = arena_strndup(t->d.arena, found->p, found->n);
	return true;
}

/* Without a base: the only context there is, besides the server's own. */
static bool
context_find(struct tree *t, const struct attr *ncs, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	size_t n = 0;
	if (t->d.options.base_count)
		return context_of_bases(t, ncs, a, e);
	for (size_t i = 0; ncs && i < ncs->count; i++) {
		struct str nc = ncs->values[i];
		bool own =
			nc.n >= 3 && strncasecmp(nc.p, "cn=", 3) == 0; /* cn=config, cn=accesslog */
		if (own || !nc.n)
			continue;
		t->nc = arena_strndup(t->d.arena, nc.p, nc.n);
		n++;
	}
	if (n == 1)
		return true;
	return err_set(e, ERR_CONFIG, "bad-base",
		n ? "%s holds several naming contexts; say in `base` which is meant"
		  : "%s names no naming context; say in `base` what to read",
		t->d.server);
}

static bool
identify(struct tree *t, struct err *e)
{
	static const char *const names[] = { "entryUUID", "nsUniqueId", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	if (!dir_read_one(&t->d, t->nc, names, NULL, "reading the naming context", a, &v, e))
		return false;
	struct str id = attrs_first(&v.attrs, "entryUUID");
	if (!id.n)
		id = attrs_first(&v.attrs, "nsUniqueId");
	if (!v.found || !id.n)
		return err_set(e, ERR_CONFIG, "no-right",
			"the account cannot read entryUUID of %s; give it the right to read the "
			"whole tree (`lockstep check --print-setup` shows how)",
			t->nc);
	t->d.context = arena_printf(t->d.arena, "%.*s %s", (int)id.n, id.p, t->nc);
	return true;
}

bool
tree_arrive(struct tree *t, struct err *e)
{
	static const char *const names[] = { "namingContexts", "subschemaSubentry",
		"supportedControl", "supportedCapabilities", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	if (!dir_read_one(&t->d, "", names, NULL, "reading the server's rootDSE", a, &v, e))
		return false;
	if (dir_has_value(&v, "supportedCapabilities", DIR_CAPABILITY_AD))
		return err_set(e, ERR_CONFIG, "is-ad",
			"%s is an Active Directory domain controller; use a source of type \"ad\"",
			t->d.server);
	t->subschema = dir_keep_first(&t->d, &v, "subschemaSubentry");
	t->has_sync = dir_has_value(&v, "supportedControl", LDAP_CONTROL_SYNC);
	return (context_find(t, attrs_get(&v.attrs, "namingContexts"), e) && identify(t, e)) ||
	       err_wrap(e, "%s", t->d.server);
}

bool
tree_use(struct dir *d, const char *url, struct err *e)
{
	if (!dir_reach(d, url, e))
		return false;
	if (!dir_bind(d, e)) {
		dir_close(d);
		return err_wrap(e, "%s", url);
	}
	return tree_arrive(tree_of(d), e);
}

bool
tree_open(struct tree *t, struct err *e)
{
	return t->d.ld || dir_open(&t->d, tree_use, e);
}
