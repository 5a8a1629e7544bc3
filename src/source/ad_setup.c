/* The commands that make an account that may read and nothing else (SEMANTICS 10), with the names of this
 * domain filled in. The commands themselves are setup.samba*.sh and setup.ad*.ps1, beside this file. */
#include "ad.h"

#include <string.h>
#include "model/dn.h"

#define EMBED(symbol, path)                                                                        \
	__asm__(".section .rodata\n.global " #symbol "\n" #symbol ":\n.incbin \"" path             \
		"\"\n.byte 0\n.previous\n")
extern const char setup_samba[], setup_samba_keytab[], setup_ad[], setup_ad_keytab[];
EMBED(setup_samba, SETUP "/setup.samba.sh");
EMBED(setup_samba_keytab, SETUP "/setup.samba.keytab.sh");
EMBED(setup_ad, SETUP "/setup.ad.ps1");
EMBED(setup_ad_keytab, SETUP "/setup.ad.keytab.ps1");

#define ACCOUNT_MAX     20 /* sAMAccountName of a user */
#define ACCOUNT_DEFAULT "svc-lockstep"

/* sAMAccountName out of what `bind` says: a DN, user@domain, DOMAIN\user, or a name. */
static const char *
account_of(const char *bind, struct arena *a)
{
	if (ascii_ieq(bind, "gssapi"))
		return ACCOUNT_DEFAULT;
	const char *start = strchr(bind, '\\');
	start = start ? start + 1 : bind;
	if (strchr(bind, '=') && strchr(bind, ','))
		start = strchr(bind, '=') + 1;
	size_t n = strcspn(start, "@,");
	const char *usual = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	if (n == 0 || n > ACCOUNT_MAX || strspn(start, usual) < n)
		return ACCOUNT_DEFAULT;
	return arena_strndup(a, start, n);
}

/* "DC=corp,DC=example" to "corp.example"; NULL when it is of another form. */
static const char *
domain_of(const char *base, struct arena *a)
{
	CLEAN_BUF struct buf name = { 0 };
	struct dn dn;
	if (!dn_parse(base, a, &dn, NULL))
		return NULL;
	for (size_t i = 0; i < dn.count; i++)
		if (strncmp(dn.key[i], "dc=", 3) == 0)
			buf_addf(&name, "%s%s", name.n ? "." : "", dn.rdn[i] + 3);
	return name.n ? arena_strdup(a, buf_cstr(&name)) : NULL;
}

/* The DC= end of a DN: the domain it lies in. */
static const char *
domain_dn(const char *base, struct arena *a)
{
	struct dn dn;
	if (!base || !dn_parse(base, a, &dn, NULL))
		return NULL;
	for (size_t i = 0; i < dn.count; i++)
		if (strncmp(dn.key[i], "dc=", 3) == 0)
			return dn_text(&dn, i, a);
	return NULL;
}

/* Asks the servers, without binding: the account may not exist yet. NULL = none said it. */
static const char *
context_ask(struct ad *ad, bool *samba_r, bool *known_r)
{
	struct err e;
	for (size_t i = 0; i < ad->d.options.server_count; i++)
		if (dir_reach(&ad->d, ad->d.options.servers[i], &e) && ad_rootdse(ad, &e)) {
			*known_r = true;
			*samba_r = ad->is_samba;
			return ad->default_nc;
		}
	return NULL;
}

/* In single quotes for shell and PowerShell alike: a DN with a quote in it is refused, not escaped. */
static bool
quotable(const char *text)
{
	for (; *text; text++)
		if (*text == '\'' || (unsigned char)*text < ' ')
			return false;
	return true;
}

struct naming {
	const char *account, *base, *domain;
	const char *keytab; /* NULL: a password */
};

static void
samba_write(const struct naming *n, struct buf *text)
{
	buf_addf(text, "ACCOUNT=%s\nBASE='%s'\n", n->account, n->base);
	if (n->keytab)
		buf_addf(text, "KEYTAB='%s'\n", n->keytab);
	buf_addf(text, "%s%s", setup_samba, n->keytab ? setup_samba_keytab : "");
}

static void
ad_write(const struct naming *n, struct buf *text)
{
	buf_addf(text, "$Account = '%s'\n$Base = '%s'\n$Domain = '%s'\n", n->account, n->base,
		n->domain ? n->domain : "corp.example");
	if (n->keytab)
		buf_addf(text, "$Keytab = '%s'\n", strrchr(n->keytab, '/') + 1);
	buf_addf(text, "%s%s", setup_ad, n->keytab ? setup_ad_keytab : "");
}

/* The naming context to grant rights on, as well as it can be found out. */
static const char *
base_find(struct ad *ad, const char *const *bases, size_t count, struct arena *a, bool *samba_r,
	bool *known_r)
{
	const char *base = ad->d.ld ? ad->nc : context_ask(ad, samba_r, known_r);
	if (ad->d.ld && ad->nc) {
		*known_r = true;
		*samba_r = ad->is_samba;
	}
	if (!base)
		base = domain_dn(ad->d.options.base_count ? ad->d.options.bases[0]
				 : count                  ? bases[0]
							  : NULL,
			a);
	return base && quotable(base) ? base : "DC=corp,DC=example";
}

bool
ad_setup(struct dir *d, const char *const *bases, size_t count, struct err *e)
{
	struct ad *ad = ad_of(d);
	CLEAN_ARENA struct arena *a = arena_new();
	CLEAN_BUF struct buf text = { 0 };
	bool samba = true, known = false;
	const char *keytab = ad->keytab;
	struct naming n = { .account = account_of(ad->d.options.bind, a),
		.base = base_find(ad, bases, count, a, &samba, &known) };
	n.domain = domain_of(n.base, a);
	if (keytab)
		n.keytab = *keytab == '/' && quotable(keytab) ? keytab : "/etc/lockstep/keytab";
	if (!known || samba)
		samba_write(&n, &text);
	if (!known)
		buf_adds(&text, "\n# --- or, on Windows:\n");
	if (!known || !samba)
		ad_write(&n, &text);
	struct jsonw *w = serve_line(ad->d.serve, "text");
	jsonw_str(w, "text", buf_cstr(&text));
	return serve_send(ad->d.serve, e) && serve_end(ad->d.serve, NULL, true, NULL, NULL, e);
}
