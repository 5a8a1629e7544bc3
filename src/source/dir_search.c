#include "dir.h"

#include <string.h>
#include <sys/time.h>

/* What the engine said meanwhile: `stop` or the end of its input ends the work at hand. */
static void
engine_listen(struct dir *d)
{
	const struct json *j;
	struct err e;
	if (serve_next(d->serve, 0, &j, &e) != 0)
		*d->stop = true;
}

static bool
err_of_handle(struct dir *d, int code, const char *doing, struct err *e)
{
	char *diagnostic = NULL;
	if (code == LDAP_SUCCESS || code == -1)
		ldap_get_option(d->ld, LDAP_OPT_RESULT_CODE, &code);
	ldap_get_option(d->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diagnostic);
	dir_err_result(e, code ? code : LDAP_SERVER_DOWN, diagnostic, doing);
	ldap_memfree(diagnostic);
	return false;
}

bool
dir_wait(struct dir *d, int msgid, const char *phase, const char *doing, LDAPMessage **res_r,
	struct err *e)
{
	int64_t start = d->clock->mono_ms(d->clock->ctx);
	for (;;) {
		struct timeval second = { .tv_sec = 1 };
		int type = ldap_result(d->ld, msgid, LDAP_MSG_ONE, &second, res_r);
		if (type > 0)
			return true;
		if (type < 0)
			return err_of_handle(d, -1, doing, e);
		engine_listen(d);
		if (*d->stop)
			return err_set(e, ERR_SIDE, "stopped", "%s: stopped by the engine", doing);
		if (d->clock->mono_ms(d->clock->ctx) - start > d->options.timeout * INT64_C(1000))
			return err_set(e, ERR_RETRY, "timeout",
				"%s: no answer for %d seconds (option `timeout`)", doing,
				d->options.timeout);
		if (phase)
			serve_progress(d->serve, d->done, 0, phase);
	}
}

/* The last word of a search; frees res. */
static bool
result_read(struct dir *d, LDAPMessage *res, const struct dir_search *q, LDAPControl ***controls_r,
	int *code_r, struct err *e)
{
	int code = LDAP_OTHER;
	char *diagnostic = NULL;
	LDAPControl **controls = NULL;
	int rc = ldap_parse_result(d->ld, res, &code, NULL, &diagnostic, NULL, &controls, 1);
	if (rc != LDAP_SUCCESS)
		code = rc;
	*code_r = code;
	bool ok = code == LDAP_SUCCESS || dir_err_result(e, code, diagnostic, q->doing);
	ldap_memfree(diagnostic);
	if (ok && controls_r)
		*controls_r = controls;
	else
		ldap_controls_free(controls);
	return ok;
}

bool
dir_ignore(void *ctx, struct dir *d, LDAPMessage *entry, struct err *e)
{
	(void)ctx, (void)d, (void)entry, (void)e;
	return true;
}

bool
dir_search(struct dir *d, const struct dir_search *q, dir_each each, void *ctx,
	LDAPControl ***controls_r, int *code_r, struct err *e)
{
	int msgid, unused;
	size_t got = 0;
	code_r = code_r ? code_r : &unused;
	*code_r = -1;
	if (!d->ld)
		return dir_err_result(e, LDAP_SERVER_DOWN, NULL, q->doing);
	int rc = ldap_search_ext(d->ld, q->base, q->scope, q->filter, (char **)q->attributes, 0,
		q->controls, NULL, NULL, LDAP_NO_LIMIT, &msgid);
	if (rc != LDAP_SUCCESS) {
		err_of_handle(d, rc, q->doing, e);
		dir_close(d);
		return false;
	}
	for (;;) {
		LDAPMessage *res = NULL;
		bool ok = true;
		if (!dir_wait(d, msgid, q->phase, q->doing, &res, e))
			break;
		int type = ldap_msgtype(res);
		if (type == LDAP_RES_SEARCH_RESULT)
			return result_read(d, res, q, controls_r, code_r, e);
		if (type == LDAP_RES_SEARCH_ENTRY)
			ok = each(ctx, d, res, e);
		else if (type == LDAP_RES_INTERMEDIATE && q->between)
			ok = q->between(ctx, d, res, e);
		ldap_msgfree(res); /* references among them: the objects of other domains */
		if (!ok)
			break;
		if (++got % 512 == 0) {
			engine_listen(d);
			if (q->phase)
				serve_progress(d->serve, d->done, 0, q->phase);
			if (*d->stop) {
				err_set(e, ERR_SIDE, "stopped", "%s: stopped by the engine",
					q->doing);
				break;
			}
		}
	}
	/* What is still to come would be taken for an answer to something else; and libldap would make a lost
	 * connection anew by itself, without binding. */
	dir_close(d);
	return false;
}
