#include "ad.h"

#include <string.h>
#include <sys/time.h>

/* What the engine said meanwhile: `stop` or the end of its input ends the work at hand. */
static void
engine_listen(struct ad *ad)
{
	const struct json *j;
	struct err e;
	if (serve_next(ad->serve, 0, &j, &e) != 0)
		*ad->stop = true;
}

static bool
err_of_handle(struct ad *ad, int code, const char *doing, struct err *e)
{
	char *diagnostic = NULL;
	if (code == LDAP_SUCCESS || code == -1)
		ldap_get_option(ad->ld, LDAP_OPT_RESULT_CODE, &code);
	ldap_get_option(ad->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diagnostic);
	ad_err_result(e, code ? code : LDAP_SERVER_DOWN, diagnostic, doing);
	ldap_memfree(diagnostic);
	return false;
}

bool
ad_wait(struct ad *ad, int msgid, const char *phase, const char *doing, LDAPMessage **res_r,
	struct err *e)
{
	int64_t start = ad->clock->mono_ms(ad->clock->ctx);
	for (;;) {
		struct timeval second = { .tv_sec = 1 };
		int type = ldap_result(ad->ld, msgid, LDAP_MSG_ONE, &second, res_r);
		if (type > 0)
			return true;
		if (type < 0)
			return err_of_handle(ad, -1, doing, e);
		engine_listen(ad);
		if (*ad->stop)
			return err_set(e, ERR_SIDE, "stopped", "%s: stopped by the engine", doing);
		if (ad->clock->mono_ms(ad->clock->ctx) - start >
			ad->options.timeout * INT64_C(1000))
			return err_set(e, ERR_RETRY, "timeout",
				"%s: no answer for %d seconds (option `timeout`)", doing,
				ad->options.timeout);
		if (phase)
			serve_progress(ad->serve, ad->done, 0, phase);
	}
}

/* The last word of a search; frees res. */
static bool
result_read(struct ad *ad, LDAPMessage *res, const struct ad_search *q, LDAPControl ***controls_r,
	int *code_r, struct err *e)
{
	int code = LDAP_OTHER;
	char *diagnostic = NULL;
	LDAPControl **controls = NULL;
	int rc = ldap_parse_result(ad->ld, res, &code, NULL, &diagnostic, NULL, &controls, 1);
	if (rc != LDAP_SUCCESS)
		code = rc;
	*code_r = code;
	bool ok = code == LDAP_SUCCESS || ad_err_result(e, code, diagnostic, q->doing);
	ldap_memfree(diagnostic);
	if (ok && controls_r)
		*controls_r = controls;
	else
		ldap_controls_free(controls);
	return ok;
}

bool
ad_ignore(void *ctx, struct ad *ad, LDAPMessage *entry, struct err *e)
{
	(void)ctx, (void)ad, (void)entry, (void)e;
	return true;
}

bool
ad_search(struct ad *ad, const struct ad_search *q, ad_each each, void *ctx,
	LDAPControl ***controls_r, int *code_r, struct err *e)
{
	int msgid, unused;
	size_t got = 0;
	code_r = code_r ? code_r : &unused;
	*code_r = -1;
	if (!ad->ld)
		return ad_err_result(e, LDAP_SERVER_DOWN, NULL, q->doing);
	int rc = ldap_search_ext(ad->ld, q->base, q->scope, q->filter, (char **)q->attributes, 0,
		q->controls, NULL, NULL, LDAP_NO_LIMIT, &msgid);
	if (rc != LDAP_SUCCESS) {
		err_of_handle(ad, rc, q->doing, e);
		ad_close(ad);
		return false;
	}
	for (;;) {
		LDAPMessage *res = NULL;
		bool ok = true;
		if (!ad_wait(ad, msgid, q->phase, q->doing, &res, e))
			break;
		int type = ldap_msgtype(res);
		if (type == LDAP_RES_SEARCH_RESULT)
			return result_read(ad, res, q, controls_r, code_r, e);
		if (type == LDAP_RES_SEARCH_ENTRY)
			ok = each(ctx, ad, res, e);
		ldap_msgfree(res); /* references among them: the objects of other domains */
		if (!ok)
			break;
		if (++got % 512 == 0) {
			engine_listen(ad);
			if (q->phase)
				serve_progress(ad->serve, ad->done, 0, q->phase);
			if (*ad->stop) {
				err_set(e, ERR_SIDE, "stopped", "%s: stopped by the engine",
					q->doing);
				break;
			}
		}
	}
	/* What is still to come would be taken for an answer to something else; and libldap would make a lost
	 * connection anew by itself, without binding. */
	ad_close(ad);
	return false;
}

struct str
ad_value_first(struct ad *ad, LDAPMessage *entry, const char *name, struct arena *a)
{
	struct berval **values = ldap_get_values_len(ad->ld, entry, name);
	struct str v = { "", 0 };
	if (values && values[0])
		v = (struct str){ arena_strndup(a, values[0]->bv_val, values[0]->bv_len),
			values[0]->bv_len };
	ldap_value_free_len(values);
	return v;
}

const char *const *
ad_value_list(struct ad *ad, LDAPMessage *entry, const char *name, struct arena *a)
{
	struct berval **values = ldap_get_values_len(ad->ld, entry, name);
	size_t n = values ? (size_t)ldap_count_values_len(values) : 0;
	const char **list = arena_alloc(a, (n + 1) * sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = arena_strndup(a, values[i]->bv_val, values[i]->bv_len);
	ldap_value_free_len(values);
	return list;
}

static bool
one_keep(void *ctx, struct ad *ad, LDAPMessage *entry, struct err *e)
{
	struct ad_values *v = ctx;
	struct arena *a = v->attrs.arena;
	BerElement *ber = NULL;
	struct berval dn, name, *values = NULL;
	(void)e;
	v->found = true;
	int rc = ldap_get_dn_ber(ad->ld, entry, &ber, &dn);
	v->dn = rc == LDAP_SUCCESS ? arena_strndup(a, dn.bv_val, dn.bv_len) : NULL;
	while (rc == LDAP_SUCCESS &&
		(rc = ldap_get_attribute_ber(ad->ld, entry, ber, &name, &values)) == LDAP_SUCCESS &&
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
ad_read_one(struct ad *ad, const char *dn, const char *const *attributes, LDAPControl **controls,
	const char *doing, struct arena *a, struct ad_values *v_r, struct err *e)
{
	*v_r = (struct ad_values){ .attrs = attrs_new(a) };
	const struct ad_search q = { .base = dn,
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attributes = attributes,
		.controls = controls,
		.doing = doing };
	if (ad_search(ad, &q, one_keep, v_r, NULL, &v_r->code, e))
		return true;
	return v_r->code == LDAP_NO_SUCH_OBJECT;
}

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
