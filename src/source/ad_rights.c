/* What the account may do (SEMANTICS 10). The directory computes effective rights for whoever asks:
 * allowedAttributesEffective (what it could write), allowedChildClassesEffective (create),
 * sDRightsEffective (owner, permissions). More than reading is a finding. */
#include "ad.h"

#include <stdlib.h>
#include <string.h>
#include "model/dn.h"

static const struct {
	const char *sid_end; /* of the domain; or a whole SID */
	const char *name;
} privileged[] = {
	{ "-512", "Domain Admins" },
	{ "-516", "Domain Controllers" },
	{ "-518", "Schema Admins" },
	{ "-519", "Enterprise Admins" },
	{ "-520", "Group Policy Creator Owners" },
	{ "-526", "Key Admins" },
	{ "-527", "Enterprise Key Admins" },
	{ "S-1-5-32-544", "Administrators" },
	{ "S-1-5-32-548", "Account Operators" },
	{ "S-1-5-32-549", "Server Operators" },
	{ "S-1-5-32-550", "Print Operators" },
	{ "S-1-5-32-551", "Backup Operators" },
};

/* "displayName, mail and 12 more" */
static void
some_names(const struct attr *names, struct buf *out)
{
	size_t n = names ? names->count : 0, shown = n > 4 ? 3 : n;
	for (size_t i = 0; i < shown; i++)
		buf_addf(out, "%s%.*s", i ? ", " : "", (int)names->values[i].n, names->values[i].p);
	if (n > shown)
		buf_addf(out, " and %zu more", n - shown);
}

static void
rights_check(struct ad *ad, const char *dn, const char *what, bool self)
{
	static const char *const names[] = { "allowedAttributesEffective",
		"allowedChildClassesEffective", "sDRightsEffective", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf text = { 0 };
	struct dir_values v;
	struct err e;
	if (!dir_read_one(&ad->d, dn, names, NULL, "reading effective rights", a, &v, &e) ||
		!v.found)
		return;
	const struct attr *write = attrs_get(&v.attrs, names[0]),
			  *create = attrs_get(&v.attrs, names[1]);
	struct str sd = attrs_first(&v.attrs, names[2]);
	bool owns = sd.n && strtol(sd.p, NULL, 10) != 0;
	if (write && write->count) {
		buf_adds(&text, "change ");
		some_names(write, &text);
	}
	if (create && create->count) {
		buf_adds(&text, text.n ? "; create " : "create ");
		some_names(create, &text);
	}
	if (owns)
		buf_adds(&text,
			text.n ? "; set its owner or permissions" : "set its owner or permissions");
	if (!text.n)
		dir_finding(&ad->d, "ok", "rights", NULL, "%s (%s): the account may only read",
			what, dn);
	else if (self)
		dir_finding(&ad->d, "info", "rights", NULL,
			"%s (%s): the account may, as accounts usually may on themselves, %s", what,
			dn, buf_cstr(&text));
	else
		dir_finding(&ad->d, "warn", "rights",
			"use an account of its own that may only read; `lockstep check "
			"--print-setup` prints the commands",
			"%s (%s): the account may %s", what, dn, buf_cstr(&text));
}

struct sample {
	struct arena *a;
	const char *dn;
};

static bool
sample_keep(void *ctx, struct dir *dir, LDAPMessage *entry, struct err *e)
{
	struct ad *ad = ad_of(dir);
	struct sample *s = ctx;
	char *dn = ldap_get_dn(ad->d.ld, entry);
	(void)e;
	if (!s->dn && dn)
		s->dn = arena_strdup(s->a, dn);
	ldap_memfree(dn);
	return true;
}

/* One entry below base that the filter finds; NULL = none. A page of one, so that no limit is met. */
static const char *
sample_find(struct ad *ad, const char *base, const char *filter, struct arena *a)
{
	static const char *const names[] = { "1.1", NULL };
	struct berval cookie = { .bv_val = (char[]){ "" } };
	LDAPControl *page = NULL;
	struct sample s = { .a = a };
	struct err e;
	if (!ad->d.ld || ldap_create_page_control(ad->d.ld, 1, &cookie, 0, &page) != LDAP_SUCCESS)
		return NULL;
	LDAPControl *controls[] = { page, NULL };
	const struct dir_search q = { .base = base,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = filter,
		.attributes = names,
		.controls = controls,
		.doing = "looking for a sample" };
	dir_search(&ad->d, &q, sample_keep, &s, NULL, NULL, &e);
	ldap_control_free(page);
	return s.dn;
}

/* Our own entry, by what `bind` says; NULL = not found. */
static const char *
self_find(struct ad *ad, struct arena *a)
{
	const char *bind = ad->d.bound, *at = strchr(bind, '@'), *slash = strchr(bind, '\\');
	if (strchr(bind, '=') && strchr(bind, ','))
		return bind;
	const char *name = slash ? slash + 1 : bind;
	CLEAN_BUF struct buf value = { 0 };
	for (const char *p = name; *p; p++) {
		if (strchr("*()\\", *p))
			buf_addf(&value, "\\%02x", (unsigned)(unsigned char)*p);
		else
			buf_addc(&value, *p);
	}
	const char *whole = arena_strdup(a, buf_cstr(&value));
	size_t local = at && !slash ? strcspn(whole, "@") : strlen(whole);
	/* DOMAIN\user and an implicit user@domain are known by account name alone */
	return sample_find(ad, ad->default_nc,
		arena_printf(a,
			"(|(userPrincipalName=%s)(&(objectClass=user)(sAMAccountName=%.*s)))",
			whole, (int)local, whole),
		a);
}

static void
groups_check(struct ad *ad, const char *self)
{
	static const char *const names[] = { "tokenGroups", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	struct err e;
	size_t found = 0;
	if (!dir_read_one(&ad->d, self, names, NULL, "reading group membership", a, &v, &e) ||
		!v.found)
		return;
	const struct attr *groups = attrs_get(&v.attrs, "tokenGroups");
	for (size_t i = 0; groups && i < groups->count; i++) {
		const char *sid = sid_from_bytes(groups->values[i], a);
		for (size_t k = 0; sid && k < ARRAY_LEN(privileged); k++) {
			const char *want = privileged[k].sid_end;
			size_t n = strlen(sid), m = strlen(want);
			bool same = *want == 'S' ? strcmp(sid, want) == 0
						 : strncmp(sid, "S-1-5-21-", 9) == 0 && n > m &&
							   strcmp(sid + n - m, want) == 0;
			if (same && ++found)
				dir_finding(&ad->d, "warn", "groups",
					"take it out, or use another account",
					"the account is a member of %s, which may far more than "
					"read",
					privileged[k].name);
		}
	}
	if (!found)
		dir_finding(&ad->d, "ok", "groups", NULL, "the account is in no privileged group");
}

void
ad_rights_check(struct ad *ad, const char *const *bases)
{
	CLEAN_ARENA struct arena *a = arena_new();
	const char *user =
		sample_find(ad, bases[0], "(&(objectClass=user)(!(objectClass=computer)))", a);
	const char *group = sample_find(ad, bases[0], "(objectClass=group)", a);
	const char *self = self_find(ad, a);
	rights_check(ad, ad->nc, "the domain", false);
	for (; *bases; bases++)
		if (!ascii_ieq(*bases, ad->nc))
			rights_check(ad, *bases, "a base", false);
	if (user && (!self || !ascii_ieq(user, self)))
		rights_check(ad, user, "a user", false);
	if (group)
		rights_check(ad, group, "a group", false);
	if (!self) {
		dir_finding(&ad->d, "info", "groups", NULL,
			"the account's own entry was not found; its groups are not looked at");
		return;
	}
	rights_check(ad, self, "itself", true);
	groups_check(ad, self);
	ad_account_check(ad, self);
}
