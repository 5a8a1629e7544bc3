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

struct str
dir_value_first(struct dir *d, LDAPMessage *entry, const char *name, struct arena *a)
{
	struct berval **values = ldap_get_values_len(d->ld, entry, name);
	struct str v = { "", 0 };
	if (values && values[0])
		v = (struct str){ arena_strndup(a, values[0]->bv_val, values[0]->bv_len),
			values[0]->bv_len };
	ldap_value_free_len(values);
	return v;
}

const char *const *
dir_value_list(struct dir *d, LDAPMessage *entry, const char *name, struct arena *a)
{
	struct berval **values = ldap_get_values_len(d->ld, entry, name);
	size_t n = values ? (size_t)ldap_count_values_len(values) : 0;
	const char **list = arena_alloc(a, (n + 1) * sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = arena_strndup(a, values[i]->bv_val, values[i]->bv_len);
	ldap_value_free_len(values);
	return list;
}

static bool
one_keep(void *ctx, struct dir *d, LDAPMessage *entry, struct err *e)
{
	struct dir_values *v = ctx;
	struct arena *a = v->attrs.arena;
	BerElement *ber = NULL;
	struct berval dn, name, *values = NULL;
	(void)e;
	v->found = true;
	int rc = ldap_get_dn_ber(d->ld, entry, &ber, &dn);
	v->dn = rc == LDAP_SUCCESS ? arena_strndup(a, dn.bv_val, dn.bv_len) : NULL;
	while (rc == LDAP_SUCCESS &&
		(rc = ldap_get_attribute_ber(d->ld, entry, ber, &name, &values)) == LDAP_SUCCESS &&
		name.bv_val) {
		const char *key = arena_strndup(a, name.bv_val, name.bv_len);
		size_t n = 0;
		while (values && values[n].bv_val)
			n++;
		struct str *list = arena_alloc(a, (n + 1) * sizeof(*list));
		for (size_t i = 0; i < n; i++)
			list[i] = (struct str){ values[i].bv_val, values[i].bv_len };
		attrs_set(&v->attrs, key, list, n);
		ldap_memfree(values);
		values = NULL;
	}
	ber_free(ber, 0);
	return true;
}

bool
dir_read_one(struct dir *d, const char *dn, const char *const *attributes, LDAPControl **controls,
	const char *doing, struct arena *a, struct dir_values *v_r, struct err *e)
{
	*v_r = (struct dir_values){ .attrs = attrs_new(a) };
	const struct dir_search q = { .base = dn,
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attributes = attributes,
		.controls = controls,
		.doing = doing };
	if (dir_search(d, &q, one_keep, v_r, NULL, &v_r->code, e))
		return true;
	return v_r->code == LDAP_NO_SUCH_OBJECT;
}
