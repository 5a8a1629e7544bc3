/*
 * `watch`: refresh and persist (RFC 4533 3.4) without attributes. What the refresh brings is passed over; from its end
 * on, whatever comes is news.
 */
#include "ldap_source.h"
#include "ldap_value.h"

#include <poll.h>
#include <string.h>

#define IDLE_MS 60000

struct watching {
	struct tree *t;
	int msgid;
	bool told; /* the refresh has ended */
	bool news; /* since it was told */
};

/* A message between entries: the end of the refresh, a deletion, or a cookie alone. */
static bool
info_take(struct watching *w, LDAPMessage *res, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	char *oid = NULL;
	struct berval *data = NULL;
	struct sync_info i;
	bool ok = ldap_parse_intermediate(w->t->d.ld, res, &oid, &data, NULL, 0) == LDAP_SUCCESS;
	if (ok && oid && data && strcmp(oid, LDAP_SYNC_INFO) == 0) {
		ok = sync_info_read((struct str){ data->bv_val, data->bv_len }, a, &i, e);
		if (ok && !w->told)
			w->told =
				(i.type == SYNC_REFRESH_DELETE || i.type == SYNC_REFRESH_PRESENT) &&
				i.done;
		else if (ok)
			w->news = true;
	} else if (!ok) {
		err_set(e, ERR_RETRY, "bad-answer", "a message of the server cannot be read");
	}
	ldap_memfree(oid);
	ber_bvfree(data);
	return ok;
}

static bool
take(void *ctx, struct dir *d, LDAPMessage *res, struct err *e)
{
	struct watching *w = ctx;
	int type = ldap_msgtype(res);
	if (type == LDAP_RES_SEARCH_ENTRY)
		w->news |= w->told;
	else if (type == LDAP_RES_INTERMEDIATE)
		return info_take(w, res, e);
	return type != LDAP_RES_SEARCH_RESULT || dir_watch_ended(d, w->t->nc, res, e);
}

static bool
watch_begin(struct watching *w, struct err *e)
{
	static char none[] = LDAP_NO_ATTRS;
	static char *names[] = { none, NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	LDAPControl sync, *controls[] = { &sync, NULL };
	return sync_request_make(SYNC_PERSIST, (struct str){ "", 0 }, a, &sync, e) &&
	       (ldap_search_ext(w->t->d.ld, w->t->nc, LDAP_SCOPE_SUBTREE, "(objectClass=*)", names,
			0, controls, NULL, NULL, LDAP_NO_LIMIT, &w->msgid) == LDAP_SUCCESS ||
		       dir_err_result(e, LDAP_SERVER_DOWN, NULL, "asking to be told of changes"));
}

static bool
watch_all(struct watching *w, struct err *e)
{
	struct serve *s = w->t->d.serve;
	struct pollfd fd = { .fd = -1, .events = POLLIN };
	bool was = false;
	ldap_get_option(w->t->d.ld, LDAP_OPT_DESC, &fd.fd);
	do {
		if (!dir_watch_drain(&w->t->d, w->msgid, take, w, e))
			return err_wrap(e, "%s", w->t->d.server);
		if (w->told && !was && !serve_watching(s, e))
			return false;
		was = w->told;
		if (!was)
			serve_progress(s, 0, 0, "refreshing");
		if (w->news)
			serve_changed(s);
		w->news = false;
	} while (serve_wait(s, &fd, 1, w->told ? IDLE_MS : 1000) >= 0);
	return true;
}

bool
tree_watch(struct dir *d, struct err *e)
{
	struct tree *t = tree_of(d);
	struct watching w = { .t = t };
	if (!tree_open(t, e) || !watch_begin(&w, e))
		return false;
	*t->d.stop = watch_all(&w, e);
	return *t->d.stop;
}
