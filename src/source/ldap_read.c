/*
 * `read`: a refresh (RFC 4533 3.3), from nothing or from the cookie that the last one ended with. What seals it is the
 * end of the refresh: result code 0 with the done control, and a cookie.
 *
 * Absence (I1). A server that still knows what was deleted since the cookie names it: that is seen. One that does not
 * (no session log, or one too short) names instead what is present, and leaves us to conclude. We do not: then
 * the cursor is too old, the engine reads everything, and what it does not find is confirmed as for any source.
 * Nor is it a delta where the server took our cookie for none: slapd does so with one that it cannot read, and shows it by
 * giving none back.
 */
#include "ldap_source.h"
#include "dir_cursor.h"
#include "ldap_value.h"

#include <stdio.h>
#include <string.h>
#include "base/log.h"

struct refresh {
	struct arena *a;
	bool delta;
	bool news; /* something was named */
	struct buf cookie;
};

static bool
too_old(struct err *e)
{
	return err_set(e, ERR_RETRY, "cursor-invalid",
		"the cursor is too old: the server does not know any more what was deleted since "
		"(a longer syncprov-sessionlog makes that rarer); a full read is needed");
}

static bool
not_read(struct err *e)
{
	return err_set(e, ERR_RETRY, "cursor-invalid",
		"the server cannot read the cursor: it tells of everything that is there, and of "
		"nothing that is gone; a full read is needed");
}

static void
cookie_take(struct refresh *r, struct str cookie)
{
	if (!cookie.n)
		return;
	buf_reset(&r->cookie);
	buf_add(&r->cookie, cookie.p, cookie.n);
}

static bool
gone_send(struct tree *t, struct refresh *r, const char *id, struct err *e)
{
	/* in a refresh from nothing there is nothing to be deleted */
	return !r->delta || serve_gone(t->d.serve, id, NULL, "delete", e);
}

static bool
each_entry(void *ctx, struct dir *d, LDAPMessage *entry, struct err *e)
{
	struct refresh *r = ctx;
	LDAPControl **controls = NULL, *c = NULL;
	struct sync_entry s = { 0 };
	if (ldap_get_entry_controls(d->ld, entry, &controls) == LDAP_SUCCESS && controls)
		c = ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL);
	bool ok = c ? sync_state_read(
			      (struct str){ c->ldctl_value.bv_val, c->ldctl_value.bv_len }, &s, e)
		    : err_set(e, ERR_SIDE, "bad-answer",
			      "the server sent an entry without its state (RFC 4533)");
	ldap_controls_free(controls);
	if (!ok)
		return false;
	r->news = true;
	if (s.state == SYNC_DELETE)
		return gone_send(tree_of(d), r, s.id, e);
	if (s.state == SYNC_PRESENT)
		return r->delta ? too_old(e)
				: err_set(e, ERR_SIDE, "bad-answer",
					  "the server names an entry as still present, though "
					  "nothing was known of it");
	return tree_entry_send(tree_of(d), entry, s.id, e);
}

static bool
info_take(struct tree *t, struct refresh *r, const struct sync_info *i, struct err *e)
{
	if (i->type == SYNC_REFRESH_PRESENT || (i->type == SYNC_ID_SET && !i->deletes))
		return !r->delta || too_old(e);
	r->news |= i->count > 0;
	for (size_t k = 0; k < i->count; k++)
		if (!gone_send(t, r, i->ids[k], e))
			return false;
	return true;
}

static bool
each_info(void *ctx, struct dir *d, LDAPMessage *res, struct err *e)
{
	struct refresh *r = ctx;
	char *oid = NULL;
	struct berval *data = NULL;
	struct sync_info i;
	bool ok = true;
	arena_reset(r->a);
	if (ldap_parse_intermediate(d->ld, res, &oid, &data, NULL, 0) != LDAP_SUCCESS)
		return err_set(
			e, ERR_RETRY, "bad-answer", "a message of the server cannot be read");
	if (oid && strcmp(oid, LDAP_SYNC_INFO) == 0)
		ok = data &&
		     sync_info_read((struct str){ data->bv_val, data->bv_len }, r->a, &i, e) &&
		     info_take(tree_of(d), r, &i, e);
	ldap_memfree(oid);
	ber_bvfree(data);
	return ok;
}

/* Without the control, and a cookie, nothing proves that the refresh came to its end. */
static bool
done_take(struct refresh *r, LDAPControl **controls, struct err *e)
{
	LDAPControl *c = ldap_control_find(LDAP_CONTROL_SYNC_DONE, controls, NULL);
	struct sync_done done;
	if (!c)
		return err_set(e, ERR_SIDE, "no-cookie",
			"the server ended its answer without saying that it is complete");
	if (!sync_done_read((struct str){ c->ldctl_value.bv_val, c->ldctl_value.bv_len }, &done, e))
		return false;
	cookie_take(r, done.cookie);
	/* nothing named at all, and yet all else is gone: as present phases go */
	if (r->delta && !done.deletes)
		return too_old(e);
	/* only when nothing has changed the old one stands */
	if (r->delta && r->news && !done.cookie.n)
		return not_read(e);
	return r->cookie.n || err_set(e, ERR_SIDE, "no-cookie",
				      "the server ended its answer without a cookie: it does not "
				      "prove to be complete");
}

/* What a result other than 0 means here. */
static bool
refused(struct tree *t, const struct refresh *r, int code, struct err *e)
{
	if (r->delta && (code == LDAP_SYNC_REFRESH_REQUIRED || code == LDAP_PROTOCOL_ERROR ||
				code == LDAP_UNWILLING_TO_PERFORM)) {
		e->kind = ERR_RETRY;
		snprintf(e->code, sizeof(e->code), "cursor-invalid");
		return err_wrap(e, "the server does not take the cursor; a full read is needed");
	}
	if (code == LDAP_SIZELIMIT_EXCEEDED || code == LDAP_TIMELIMIT_EXCEEDED ||
		code == LDAP_ADMINLIMIT_EXCEEDED)
		return err_wrap(e,
			"'%s' is not given the whole directory; lift its limits (size and time, "
			"`lockstep check --print-setup` shows how)",
			t->d.bound);
	if (code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION)
		return err_set(e, ERR_CONFIG, "no-sync",
			"%s does not offer content synchronization (RFC 4533) for %s; on OpenLDAP "
			"load the overlay syncprov there",
			t->d.server, t->nc);
	return false;
}

static bool
refresh(struct tree *t, struct refresh *r, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	LDAPControl sync, *controls[] = { &sync, NULL }, **answer = NULL;
	int code;
	if (!sync_request_make(SYNC_ONCE, buf_str(&r->cookie), a, &sync, e))
		return false;
	const struct dir_search q = { .base = t->nc,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = t->filter,
		.attributes = t->request,
		.controls = controls,
		.phase = "reading",
		.between = each_info,
		.doing = "reading" };
	bool ok = dir_search(&t->d, &q, each_entry, r, &answer, &code, e) ? done_take(r, answer, e)
									  : refused(t, r, code, e);
	ldap_controls_free(answer);
	return ok;
}

/* A connection that died between two requests shows at the first word: it is made anew. */
static bool
still_there(struct tree *t, struct err *e)
{
	const char *context = t->d.context;
	if (t->d.ld && tree_arrive(t, e))
		return true;
	dir_close(&t->d);
	if (!tree_open(t, e))
		return false;
	return strcmp(context, t->d.context) == 0 ||
	       err_set(e, ERR_RETRY, "directory-changed", "%s is now another directory", t->nc);
}

static bool
read_all(struct tree *t, const char *cursor, struct refresh *r, struct buf *out, struct err *e)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_cursor c;
	t->d.done = 0;
	if (!still_there(t, e))
		return false;
	/* a cookie is good for all servers of a directory: what is not known there is refused */
	struct dir_cursor here = {
		.context = t->d.context, .invocation = "", .request = t->d.digest
	};
	if (cursor) {
		if (!dir_cursor_read(cursor, a, &c, e) || !dir_cursor_fits(&c, &here, e))
			return false;
		buf_add(&r->cookie, c.cookie.p, c.cookie.n);
		if (!sync_cookie_usable(c.cookie))
			return not_read(e);
	}
	if (!refresh(t, r, e))
		return false;
	here.cookie = buf_str(&r->cookie);
	dir_cursor_write(&here, out);
	return true;
}

bool
tree_read(struct dir *d, const char *cursor, struct err *e)
{
	struct tree *t = tree_of(d);
	CLEAN_BUF struct buf out = { 0 };
	CLEAN_ARENA struct arena *a = arena_new();
	struct refresh r = { .a = a, .delta = cursor != NULL };
	struct err cause = { 0 };
	bool ok = read_all(t, cursor, &r, &out, &cause);
	buf_free(&r.cookie);
	if (ok)
		return serve_end(t->d.serve, buf_cstr(&out), true, NULL, NULL, e);
	log_err(LOG_ERROR, "read-failed", &cause);
	return serve_end(t->d.serve, NULL, false, cause.text, &cause, e);
}
