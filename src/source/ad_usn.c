/*
 * Reading without DirSync: for accounts that lack the right to it. Everything at first, by pages; then every
 * entry whose uSNChanged is higher than the server's highest before the last read (MS-ADTS 3.1.1.1.9). Entries
 * come whole, links included, and tombstones with them where the account sees these. What this does not
 * see, and a full read does: entries that moved or were hidden out of our sight, or came into it, without a
 * change of their own; and the deletions, where tombstones are hidden from us.
 */
#include "ad.h"

#include <inttypes.h>
#include <string.h>
#include "base/log.h"

#define PAGE       1000 /* entries; Active Directory's own limit (MaxPageSize) */
#define COOKIE_MAX (1024 * 1024)

bool
ad_dirsync_try(struct ad *ad, int *code_r, struct err *e)
{
	static const char *const names[] = { "objectClass", NULL };
	struct berval none = { .bv_val = (char[]){ "" } };
	LDAPControl *dirsync = NULL, **answer = NULL;
	*code_r = LDAP_UNAVAILABLE_CRITICAL_EXTENSION;
	if (!ad->has_dirsync)
		return err_set(
			e, ERR_CONFIG, "no-dirsync", "%s does not offer DirSync", ad->d.server);
	if (ldap_create_dirsync_control(ad->d.ld, (int)LDAP_CONTROL_X_DIRSYNC_INCREMENTAL_VALUES,
		    ad->page, &none, &dirsync) != LDAP_SUCCESS)
		return err_set(e, ERR_SIDE, "ldap", "the DirSync control cannot be made");
	LDAPControl *controls[] = { dirsync, NULL };
	/* the naming context's own entry is enough to know */
	const struct dir_search q = { .base = ad->nc,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = "(objectClass=domainDNS)",
		.attributes = names,
		.controls = controls,
		.doing = "trying DirSync" };
	bool ok = dir_search(&ad->d, &q, dir_ignore, NULL, &answer, code_r, e);
	ldap_control_free(dirsync);
	ldap_controls_free(answer);
	return ok;
}

bool
ad_changes_choose(struct ad *ad, struct err *e)
{
	int code;
	if (ad->changes != AD_CHANGES_AUTO) {
		ad->by_usn = ad->changes == AD_CHANGES_USN;
		return true;
	}
	ad->by_usn = false;
	if (ad_dirsync_try(ad, &code, e))
		return true;
	if (!ad_dirsync_refused(code))
		return err_wrap(e, "%s", ad->d.server);
	err_clear(e);
	ad->by_usn = true;
	log_event(LOG_WARN, "no-dirsync-right", "text",
		"changes are followed by uSNChanged, which misses some until the next full read",
		NULL);
	return true;
}

struct usn_page {
	enum ad_mode mode;
	struct ad_todo todo;
	struct berval cookie; /* of libldap */
};

static bool
each_entry(void *ctx, struct dir *dir, LDAPMessage *entry, struct err *e)
{
	struct ad *ad = ad_of(dir);
	struct usn_page *p = ctx;
	return ad_entry_send(ad, entry, p->mode, &p->todo, e);
}

/* The response control, without which nothing proves that this was the last page. */
static bool
control_read(struct ad *ad, LDAPControl **controls, struct usn_page *p, struct err *e)
{
	LDAPControl *c = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
	ber_int_t estimate;
	ber_memfree(p->cookie.bv_val);
	p->cookie = (struct berval){ .bv_len = 0 };
	if (!c ||
		ldap_parse_pageresponse_control(ad->d.ld, c, &estimate, &p->cookie) !=
			LDAP_SUCCESS ||
		p->cookie.bv_len > COOKIE_MAX)
		return err_set(e, ERR_SIDE, "no-cookie",
			"the server ended a page without saying whether there is another: it does "
			"not prove to be complete");
	return true;
}

static bool
page_read(struct ad *ad, const char *filter, struct usn_page *p, struct err *e)
{
	LDAPControl *page = NULL, **answer = NULL;
	struct berval none = { .bv_val = (char[]){ "" } };
	if (ldap_create_page_control(ad->d.ld, PAGE, p->cookie.bv_len ? &p->cookie : &none, 1,
		    &page) != LDAP_SUCCESS)
		return err_set(e, ERR_SIDE, "ldap", "the paging control cannot be made");
	LDAPControl *controls[] = { page, ad_control_extended_dn(), ad_control_show_deleted(),
		NULL };
	const struct dir_search q = { .base = ad->nc,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = filter,
		.attributes = p->mode == AD_CHANGED ? ad->request_usn : ad->request,
		.controls = controls,
		.phase = "reading",
		.doing = "reading by pages" };
	bool ok = dir_search(&ad->d, &q, each_entry, p, &answer, NULL, e) &&
		  control_read(ad, answer, p, e) && ad_todo_do(ad, &p->todo, e);
	ldap_control_free(page);
	ldap_controls_free(answer);
	return ok;
}

bool
ad_usn_read(struct ad *ad, int64_t after, struct err *e)
{
	struct usn_page p = { .mode = after < 0 ? AD_FETCH : AD_CHANGED };
	CLEAN_BUF struct buf filter = { 0 };
	bool ok;
	if (after < 0)
		buf_adds(&filter, ad->filter);
	else
		buf_addf(&filter, "(&(uSNChanged>=%" PRId64 ")%s)", after + 1, ad->filter);
	do
		ok = page_read(ad, buf_cstr(&filter), &p, e);
	while (ok && p.cookie.bv_len);
	ber_memfree(p.cookie.bv_val);
	ad_todo_free(&p.todo);
	return ok;
}
