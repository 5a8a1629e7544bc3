#include "ad.h"
#include "dir_cursor.h"

#include <string.h>
#include "base/log.h"
#include "model/dn.h"

#define FOREST_CURSOR_MAX (16u * 1024 * 1024)
#define PAGES_EMPTY_MAX                                                                            \
	100 /* answers that bring nothing and no new cookie, yet say there is more */

/* Controls with a constant value. */
LDAPControl *
ad_control_show_deleted(void)
{
	static char oid[] = "1.2.840.113556.1.4.417";
	static LDAPControl c = { .ldctl_oid = oid, .ldctl_iscritical = 1 };
	return &c;
}

LDAPControl *
ad_control_extended_dn(void)
{
	/* SEQUENCE { INTEGER 1 }: ids as text */
	static char oid[] = "1.2.840.113556.1.4.529", value[] = "\x30\x03\x02\x01\x01";
	static LDAPControl c = { .ldctl_oid = oid,
		.ldctl_value = { .bv_len = 5, .bv_val = value } };
	return &c;
}

struct page {
	enum ad_mode mode;
	struct ad_todo todo;
	struct buf cookie;
	bool more;
	size_t entries;
};

static bool
each_entry(void *ctx, struct dir *dir, LDAPMessage *entry, struct err *e)
{
	struct ad *ad = ad_of(dir);
	struct page *p = ctx;
	p->entries++;
	return ad_entry_send(ad, entry, p->mode, &p->todo, e);
}

/* The response control: without it, and without a cookie in it, nothing proves that we saw everything. */
static bool
control_read(struct ad *ad, LDAPControl **controls, struct page *p, struct err *e)
{
	LDAPControl *c = ldap_control_find(LDAP_CONTROL_X_DIRSYNC, controls, NULL);
	struct berval cookie = { 0 };
	int more = 0;
	if (!c || ldap_parse_dirsync_control(ad->d.ld, c, &more, &cookie) != LDAP_SUCCESS ||
		!cookie.bv_len || cookie.bv_len > DIR_COOKIE_MAX) {
		ldap_memfree(cookie.bv_val);
		return err_set(e, ERR_SIDE, "no-cookie",
			"the server ended its answer without a DirSync cookie: it does not prove "
			"to be complete");
	}
	p->more = more != 0;
	bool same = p->cookie.n == cookie.bv_len &&
		    memcmp(p->cookie.p, cookie.bv_val, cookie.bv_len) == 0;
	buf_reset(&p->cookie);
	buf_add(&p->cookie, cookie.bv_val, cookie.bv_len);
	ldap_memfree(cookie.bv_val);
	if (p->more && same && p->entries == 0)
		return err_set(e, ERR_SIDE, "no-progress",
			"the server says again and again that there is more, and sends nothing");
	return true;
}

bool
ad_dirsync_refused(int code)
{
	return code == LDAP_INSUFFICIENT_ACCESS || code == LDAP_UNWILLING_TO_PERFORM ||
	       code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION;
}

static bool
page_refused(struct ad *ad, int code, struct err *e)
{
	if (ad_dirsync_refused(code))
		return err_set(e, ERR_CONFIG, "no-dirsync-right",
			"'%s' may not use DirSync on %s: grant it \"Replicating Directory "
			"Changes\" (Get-Changes, not the "
			"one with All) there; `lockstep check --print-setup` prints the commands",
			ad->d.bound, ad->nc);
	if (code == LDAP_REFERRAL)
		return err_wrap(e, "%s does not hold %s", ad->d.server, ad->nc);
	return false;
}

static bool
page_read(struct ad *ad, struct page *p, struct err *e)
{
	struct berval cookie = { .bv_val = p->cookie.n ? p->cookie.p : (char[]){ "" },
		.bv_len = p->cookie.n };
	LDAPControl *dirsync = NULL, **answer = NULL;
	int code;
	p->entries = 0;
	if (ldap_create_dirsync_control(ad->d.ld, (int)LDAP_CONTROL_X_DIRSYNC_INCREMENTAL_VALUES,
		    ad->page, &cookie, &dirsync) != LDAP_SUCCESS)
		return err_set(e, ERR_SIDE, "ldap", "the DirSync control cannot be made");
	LDAPControl *controls[] = { dirsync, ad_control_extended_dn(), NULL };
	const struct dir_search q = { .base = ad->nc,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = ad->filter,
		.attributes = p->mode == AD_DELTA ? ad->request_delta : ad->request,
		.controls = controls,
		.phase = "reading",
		.doing = "reading by DirSync" };
	bool ok = dir_search(&ad->d, &q, each_entry, p, &answer, &code, e)
			  ? control_read(ad, answer, p, e)
			  : page_refused(ad, code, e);
	ldap_control_free(dirsync);
	ldap_controls_free(answer);
	return ok;
}

bool
ad_todo_do(struct ad *ad, struct ad_todo *t, struct err *e)
{
	bool ok = true;
	for (size_t i = 0; ok && i < t->part_count; i++)
		ok = ad_range_send(ad, t->parts[i].id, t->parts[i].attr, e);
	for (size_t i = 0; ok && i < t->restored_count; i++)
		ok = ad_restored_send(ad, t->restored[i], e);
	ad_todo_free(t);
	return ok;
}

static bool
pages_read(struct ad *ad, struct page *p, struct err *e)
{
	size_t empty = 0;
	do {
		if (!page_read(ad, p, e) || !ad_todo_do(ad, &p->todo, e))
			return false;
		empty = p->entries ? 0 : empty + 1;
		if (p->more && empty > PAGES_EMPTY_MAX)
			return err_set(e, ERR_SIDE, "no-progress",
				"the server says again and again that there is more, and sends "
				"nothing");
	} while (p->more);
	return true;
}

/* A connection that died between two requests is made anew, to the same controller alone. */
static bool
still_there(struct ad *ad, struct err *e)
{
	const char *invocation = ad->invocation, *context = ad->d.context, *url = ad->d.server;
	if (ad->d.ld && ad_now_read(ad, e))
		return true;
	if (!ad_connect(ad, url, e) || !ad_arrive(ad, e))
		return false;
	if (strcmp(invocation, ad->invocation) != 0 || strcmp(context, ad->d.context) != 0)
		return err_set(e, ERR_RETRY, "controller-changed",
			"%s is now another domain controller", url);
	return true;
}

/* Where we are, as a cursor without cookie. */
static struct dir_cursor
here(const struct ad *ad)
{
	return (struct dir_cursor){ .context = ad->d.context,
		.invocation = ad->invocation,
		.request = ad->d.digest,
		.usn = ad->usn };
}

static bool
read_all(struct ad *ad, const char *cursor, struct page *p, struct buf *cursor_out, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_cursor c;
	if (!still_there(ad, e))
		return false;
	struct dir_cursor now = here(ad);
	if (!ad->has_dirsync && !ad->by_usn)
		return err_set(
			e, ERR_CONFIG, "no-dirsync", "%s does not offer DirSync", ad->d.server);
	if (cursor && (!dir_cursor_read(cursor, a, &c, e) || !dir_cursor_fits(&c, &now, e)))
		return false;
	if (cursor && str_eqc(c.cookie, AD_COOKIE_USN) != ad->by_usn)
		return err_set(e, ERR_RETRY, "cursor-invalid",
			"the cursor cannot be used: changes are now followed by %s; a full read is "
			"needed",
			ad->by_usn ? "uSNChanged" : "DirSync");
	if (ad->by_usn) {
		buf_adds(&p->cookie, AD_COOKIE_USN);
		if (!ad_usn_read(ad, cursor ? c.usn : -1, e))
			return false;
	} else {
		if (cursor)
			buf_add(&p->cookie, c.cookie.p, c.cookie.n);
		if (!pages_read(ad, p, e))
			return false;
	}
	now.cookie = buf_str(&p->cookie);
	dir_cursor_write(&now, cursor_out);
	return !cursor || !ad->d.done || ad_stamps_send(ad, c.usn, e);
}

/* The cursor of one context among several; NULL = it is not in there. */
static const char *
cursor_of(const struct json *all, const struct ad *ad)
{
	return json_get_string(json_get(all, "contexts"), ad->d.context);
}

static bool
context_read(struct ad *ad, const char *cursor, struct buf *cursor_out, struct err *e)
{
	struct page p = { .mode = cursor ? AD_DELTA : AD_FULL };
	ad->d.done = 0;
	bool ok = read_all(ad, cursor, &p, cursor_out, e);
	ad_todo_free(&p.todo);
	buf_free(&p.cookie);
	return ok;
}

/* Several contexts: each has its cursor, and all are read, or none of it counts. */
static bool
forest_read(struct ad *first, const char *cursor, struct buf *cursor_out, struct err *e)
{
	CLEAN_JSON struct json *all = NULL;
	struct jsonw w = jsonw(cursor_out);
	if (cursor && !json_parse(str_c(cursor), FOREST_CURSOR_MAX, &all, NULL))
		return err_set(e, ERR_RETRY, "cursor-invalid", "the cursor cannot be read");
	jsonw_obj(&w, NULL);
	jsonw_obj(&w, "contexts");
	for (struct ad *p = first; p; p = p->next) {
		CLEAN_BUF struct buf one = { 0 };
		const char *from = cursor ? cursor_of(all, p) : NULL;
		if (cursor && !from)
			return err_set(e, ERR_RETRY, "cursor-invalid",
				"the cursor cannot be used: it knows nothing of %s; a full read is "
				"needed",
				p->nc);
		if (!context_read(p, from, &one, e))
			return err_wrap(e, "%s", p->nc);
		jsonw_str(&w, p->d.context, buf_cstr(&one));
	}
	jsonw_end(&w);
	jsonw_end(&w);
	return true;
}

bool
ad_read(struct dir *d, const char *cursor, struct err *e)
{
	struct ad *first = ad_of(d);
	CLEAN_BUF struct buf cursor_out = { 0 };
	struct err cause = { 0 };
	bool ok = first->next ? forest_read(first, cursor, &cursor_out, &cause)
			      : context_read(first, cursor, &cursor_out, &cause);
	if (ok)
		return serve_end(first->d.serve, buf_cstr(&cursor_out), true, NULL, NULL, e);
	log_err(LOG_ERROR, "read-failed", &cause);
	return serve_end(first->d.serve, NULL, false, cause.text, &cause, e);
}

/* --- single entries --- */

/* found_r: it was sent, or said to be gone. */
static bool
fetch_one(struct ad *ad, const char *id, struct page *p, bool *found_r, struct err *e)
{
	static const char *const gone_names[] = { "isDeleted", NULL };
	LDAPControl *plain[] = { ad_control_extended_dn(), NULL };
	LDAPControl *deleted[] = { ad_control_show_deleted(), NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	char uuid[37];
	int code;
	serve_progress(ad->d.serve, ad->d.done, 0, "fetching");
	if (!uuid_canonical(id, uuid))
		return err_set(
			e, ERR_SIDE, "bad-request", "'%.60s' is not an id of Active Directory", id);
	const char *base = arena_printf(a, "<GUID=%s>", uuid);
	const struct dir_search q = { .base = base,
		.scope = LDAP_SCOPE_BASE,
		.filter = ad->filter,
		.attributes = ad->request,
		.controls = plain,
		.phase = "fetching",
		.doing = "reading one entry" };
	p->entries = 0;
	if (!dir_search(&ad->d, &q, each_entry, p, NULL, &code, e) && code != LDAP_NO_SUCH_OBJECT)
		return false;
	*found_r = p->entries > 0;
	if (*found_r)
		return ad_todo_do(ad, &p->todo, e);
	/* not there for us: said to be gone only if its tombstone is seen */
	if (!dir_read_one(&ad->d, base, gone_names, deleted, "looking for a tombstone", a, &v, e))
		return false;
	*found_r = v.found && str_ieqc(attrs_first(&v.attrs, "isDeleted"), "TRUE");
	if (*found_r)
		return serve_gone(ad->d.serve, uuid, NULL, "tombstone", e);
	return true;
}

bool
ad_fetch(struct dir *d, const char *const *ids, size_t count, struct err *e)
{
	struct ad *first = ad_of(d);
	struct page page = { .mode = AD_FETCH };
	struct err cause = { 0 };
	struct ad *p = first;
	bool ok;
	do {
		p->d.done = 0;
		ok = still_there(p, &cause);
	} while (ok && (p = p->next));
	for (size_t i = 0; ok && i < count; i++) {
		bool found = false;
		for (p = first; ok && !found && p; p = p->next)
			ok = fetch_one(p, ids[i], &page, &found, &cause);
	}
	ad_todo_free(&page.todo);
	return ok ? serve_end(first->d.serve, NULL, true, NULL, NULL, e)
		  : serve_end(first->d.serve, NULL, false, cause.text, &cause, e);
}
