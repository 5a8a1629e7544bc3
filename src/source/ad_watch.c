/*
 * `watch`: change notification (MS-ADTS 3.1.1.3.4.1.9) over each naming context, and over its deleted objects
 * where they are visible. A domain controller takes no filter but (objectClass=*), so what nobody wants to hear
 * of is passed over here.
 */
#include "ad.h"

#include <poll.h>
#include <stdlib.h>

#define NOTIFICATION    "1.2.840.113556.1.4.528"
#define DELETED_OBJECTS "18E2EA80684F11D2B9AA00C04F79F805" /* MS-ADTS 6.1.1.4 */
#define LOOK_MS         300000 /* how often the server is asked whether it is there */
#define CONTEXTS_MAX    16

struct watching { /* one naming context */
	struct ad *ad;
	int changes, deletions; /* message ids; deletions -1: not watched */
	int64_t before, last;   /* highest USN at the look before the last one, and then */
	bool news;              /* since it was told */
};

static bool
notify_ask(struct ad *ad, const char *base, int scope, LDAPControl *more, int *msgid_r)
{
	static char oid[] = NOTIFICATION, star[] = "objectClass", usn[] = "uSNChanged";
	static char *names[] = { star, usn, NULL };
	LDAPControl notify = { .ldctl_oid = oid, .ldctl_iscritical = 1 };
	LDAPControl *controls[] = { &notify, more, NULL };

	return ldap_search_ext(ad->d.ld, base, scope, "(objectClass=*)", names, 0, controls, NULL,
		       NULL, LDAP_NO_LIMIT, msgid_r) == LDAP_SUCCESS;
}

static bool
watch_begin(struct watching *w, struct ad *ad, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();

	*w = (struct watching){ .ad = ad, .deletions = -1, .before = ad->usn, .last = ad->usn };
	if (!notify_ask(ad, ad->nc, LDAP_SCOPE_SUBTREE, NULL, &w->changes))
		return dir_err_result(e, LDAP_SERVER_DOWN, NULL, "asking to be told of changes");
	if (ad->sees_deleted &&
		!notify_ask(ad, arena_printf(a, "<WKGUID=" DELETED_OBJECTS ",%s>", ad->nc),
			LDAP_SCOPE_ONELEVEL, ad_control_show_deleted(), &w->deletions))
		w->deletions = -1;
	return true;
}

/* Computers, names of the DNS, and what was not really changed: lastLogon and the like leave the USN as it is. */
static bool
is_news(const struct watching *w, LDAPMessage *entry)
{
	static const char *const others[] = { "computer", "dnsNode", "dnsZone" };
	CLEAN_ARENA struct arena *a = arena_new();
	const char *const *classes = dir_value_list(&w->ad->d, entry, "objectClass", a);
	struct str usn = dir_value_first(&w->ad->d, entry, "uSNChanged", a);

	for (size_t i = 0; classes[i]; i++)
		for (size_t j = 0; j < ARRAY_LEN(others); j++)
			if (ascii_ieq(classes[i], others[j]))
				return false;
	return !usn.n || strtoll(usn.p, NULL, 10) > w->before;
}

static bool
take(void *ctx, struct dir *d, LDAPMessage *res, struct err *e)
{
	struct watching *w = ctx;
	int type = ldap_msgtype(res);

	if (type == LDAP_RES_SEARCH_ENTRY)
		w->news |= is_news(w, res);
	if (type != LDAP_RES_SEARCH_RESULT)
		return true;
	if (ldap_msgid(res) != w->deletions)
		return dir_watch_ended(d, w->ad->nc, res, e);
	w->deletions = -1; /* hidden from us: deletions show at the next read */
	return true;
}

/* Is the server still there? Its word ends with the connection, and nothing else tells. */
static bool
look(struct watching *w, struct err *e)
{
	w->before = w->last;
	if (!ad_now_read(w->ad, e))
		return false;
	w->last = w->ad->usn;
	return true;
}

static bool
look_all(struct watching *list, size_t n, int64_t *next, struct err *e)
{
	const struct clock *c = list[0].ad->d.clock;
	int64_t now = c->mono_ms(c->ctx);

	if (now < *next)
		return true;
	*next = now + LOOK_MS;
	for (size_t i = 0; i < n; i++)
		if (!look(&list[i], e))
			return false;
	return true;
}

static bool
watch_all(struct serve *s, struct watching *list, size_t n, struct err *e)
{
	const struct clock *c = list[0].ad->d.clock;
	struct pollfd fds[CONTEXTS_MAX];
	int64_t next = c->mono_ms(c->ctx) + LOOK_MS;

	for (;;) {
		bool news = false;

		if (!look_all(list, n, &next, e))
			return false;
		for (size_t i = 0; i < n; i++) {
			if (!dir_watch_drain(&list[i].ad->d, LDAP_RES_ANY, take, &list[i], e))
				return err_wrap(e, "%s", list[i].ad->d.server);
			news |= list[i].news;
			list[i].news = false;
			fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
			ldap_get_option(list[i].ad->d.ld, LDAP_OPT_DESC, &fds[i].fd);
		}
		if (news)
			serve_changed(s);
		int64_t left = next - c->mono_ms(c->ctx);
		if (serve_wait(s, fds, n, left > 0 ? (int)left : 0) < 0)
			return true;
	}
}

bool
ad_watch(struct dir *d, struct err *e)
{
	struct ad *first = ad_of(d);
	struct watching list[CONTEXTS_MAX];
	struct serve *s = first->d.serve;
	bool *stop = first->d.stop;
	size_t n = 0;

	if (!ad_forest_open(first, e))
		return false;
	for (struct ad *p = first; p && n < CONTEXTS_MAX; p = p->next)
		if (!watch_begin(&list[n++], p, e))
			return err_wrap(e, "%s", p->d.server);
	if (!serve_watching(s, e))
		return false;
	*stop = watch_all(s, list, n, e);
	return *stop;
}
