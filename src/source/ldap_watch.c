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
};

static bool
ended(struct watching *w, LDAPMessage *res, struct err *e)
{
	struct tree *t = w->t;
	int code = LDAP_OTHER;
	char *diagnostic = NULL;
	ldap_parse_result(t->d.ld, res, &code, NULL, &diagnostic, NULL, NULL, 0);
	if (code == LDAP_UNWILLING_TO_PERFORM || code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION ||
		code == LDAP_INSUFFICIENT_ACCESS || code == LDAP_ADMINLIMIT_EXCEEDED ||
		code == LDAP_SIZELIMIT_EXCEEDED)
		err_set(e, ERR_CONFIG, "cannot-watch", "%s does not tell of changes in %s: %s",
			t->d.server, t->nc,
			diagnostic && *diagnostic ? diagnostic : ldap_err2string(code));
	else
		dir_err_result(e, code ? code : LDAP_SERVER_DOWN, diagnostic,
			"waiting to be told of changes");
	ldap_memfree(diagnostic);
	return false;
}

/* A message between entries: the end of the refresh, a deletion, or a cookie alone. */
static bool
info_take(struct watching *w, LDAPMessage *res, bool *news_r, struct err *e)
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
			*news_r = true;
	} else if (!ok) {
		err_set(e, ERR_RETRY, "bad-answer", "a message of the server cannot be read");
	}
	ldap_memfree(oid);
	ber_bvfree(data);
	return ok;
}

/* All that has come. */
static bool
drain(struct watching *w, bool *news_r, struct err *e)
{
	struct timeval at_once = { 0 };
	LDAPMessage *res = NULL;
	int type;
	while ((type = ldap_result(w->t->d.ld, w->msgid, LDAP_MSG_ONE, &at_once, &res)) > 0) {
		bool ok = true;
		if (type == LDAP_RES_SEARCH_ENTRY)
			*news_r |= w->told;
		else if (type == LDAP_RES_INTERMEDIATE)
			ok = info_take(w, res, news_r, e);
		else if (type == LDAP_RES_SEARCH_RESULT)
			ok = ended(w, res, e);
		ldap_msgfree(res);
		res = NULL;
		if (!ok)
			return false;
	}
	return type == 0 ||
	       dir_err_result(e, LDAP_SERVER_DOWN, NULL, "waiting to be told of changes");
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
		bool news = false;
		if (!drain(w, &news, e))
			return err_wrap(e, "%s", w->t->d.server);
		if (w->told && !was && !serve_watching(s, e))
			return false;
		was = w->told;
		if (!was)
			serve_progress(s, 0, 0, "refreshing");
		if (news)
			serve_changed(s);
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
