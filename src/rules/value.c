/* The values of names: attributes, links, and what is computed (SEMANTICS 4.5, 5.1, 5.2). */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "expr.h"
#include "names.h"

#define UAC_ACCOUNTDISABLE 2 /* MS-ADTS 2.2.16 */
/* The value that means "by the administrator, for ever" (draft-behera-ldap-password-policy, 5.3.3). */
#define LOCKED_FOR_EVER "000001010000Z"

bool
expr_time_parse(struct str s, int64_t *t_r)
{
	char text[64];

	s = str_trim(s);
	if (s.n == 0 || s.n >= sizeof text)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	if (strspn(text, "0123456789") == s.n)
		return time_parse_filetime(s, t_r);
	return time_parse_rfc3339(text, t_r) || time_parse_generalized(s, t_r);
}

bool
eval_before(struct eval *ev, int64_t t)
{
	if (ev->w->now >= t)
		return false;
	if (t < ev->wake)
		ev->wake = t;
	return true;
}

static bool
bad(struct err *e, const char *name, struct str v, const char *what)
{
	CLEAN_BUF struct buf b = { 0 };

	text_escape(v.p, v.n, 60, &b);
	return err_set(e, ERR_OBJECT, "bad-value", "%s is %s: '%s'", name, what, buf_cstr(&b));
}

static bool
number_of(struct eval *ev, const char *name, int64_t *n_r, struct err *e)
{
	struct str v = attrs_first(&ev->en->attrs, name);

	*n_r = 0;
	return v.n == 0 || expr_number_parse(v, n_r) || bad(e, name, v, "not a number");
}

/* 4.5: userAccountControl and accountExpires at this moment; lockout is no part of it. */
static bool
enabled(struct eval *ev, bool *b_r, struct err *e)
{
	const struct attrs *as = &ev->en->attrs;
	struct str expires = attrs_first(as, "accountExpires");
	int64_t uac, t = INT64_MAX;

	if (!number_of(ev, "userAccountControl", &uac, e))
		return false;
	if (expires.n && !expr_time_parse(expires, &t))
		return bad(e, "accountExpires", expires, "not a time");
	*b_r = !(uac & UAC_ACCOUNTDISABLE) && !str_ieqc(attrs_first(as, "nsAccountLock"), "true") &&
	       !str_eqc(attrs_first(as, "pwdAccountLockedTime"), LOCKED_FOR_EVER);
	*b_r = *b_r && (t == INT64_MAX || eval_before(ev, t));
	return true;
}

static bool
locked(struct eval *ev, bool *b_r, struct err *e)
{
	struct str other = attrs_first(&ev->en->attrs, "pwdAccountLockedTime");
	int64_t t;

	if (!number_of(ev, "lockoutTime", &t, e))
		return false;
	*b_r = t != 0 || (other.n && !str_eqc(other, LOCKED_FOR_EVER));
	return true;
}

static void
text_value(struct eval *ev, const char *text, struct value *v)
{
	if (!text || !text[0])
		return;
	v->texts = arena_alloc(ev->a, sizeof *v->texts);
	v->texts[0] = str_c(text);
	v->count = 1;
	v->type = VALUE_TEXTS;
}

static int
str_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Links are seen as DNs, in the order of their text, so that the same links give the same value. */
static void
links_value(struct eval *ev, const char *attribute, struct value *v)
{
	int64_t *ns;
	size_t n = ev->w->links(ev->w->ctx, ev->en->n, attribute, false, ev->a, &ns);

	if (n == 0)
		return;
	v->texts = arena_alloc(ev->a, n * sizeof *v->texts);
	for (size_t i = 0; i < n; i++) {
		char *dn = ev->w->dn(ev->w->ctx, ns[i], ev->a);
		if (dn && dn[0])
			v->texts[v->count++] = str_c(dn);
	}
	if (v->count)
		v->type = VALUE_TEXTS;
	qsort(v->texts, v->count, sizeof *v->texts, str_order);
}

static void
attribute_value(const struct name_ref *r, struct eval *ev, struct value *v)
{
	const struct attr *at = attrs_get(&ev->en->attrs, r->name);

	if (!at && r->link)
		links_value(ev, r->name, v);
	if (!at)
		return;
	v->texts = at->values;
	v->count = at->count;
	for (size_t i = 0; i < at->count; i++) {
		if (at->values[i].n)
			continue;
		/* Empty values count as absent. */
		struct str *some = arena_alloc(ev->a, at->count * sizeof *some);
		v->count = 0;
		for (size_t j = 0; j < at->count; j++)
			if (at->values[j].n)
				some[v->count++] = at->values[j];
		v->texts = some;
		break;
	}
	if (v->count)
		v->type = VALUE_TEXTS;
}

bool
expr_name_value(const struct name_ref *r, struct eval *ev, struct value *v_r, struct err *e)
{
	int64_t up;

	*v_r = (struct value){ .list = r->multi };
	switch (r->builtin) {
	case B_NONE:
		attribute_value(r, ev, v_r);
		return true;
	case B_ENABLED:
		v_r->type = VALUE_BOOL;
		return enabled(ev, &v_r->truth, e);
	case B_LOCKED:
		v_r->type = VALUE_BOOL;
		return locked(ev, &v_r->truth, e);
	case B_DN:
		text_value(ev, ev->w->dn(ev->w->ctx, ev->en->n, ev->a), v_r);
		return true;
	case B_ID:
		text_value(ev, ev->en->id, v_r);
		return true;
	case B_KIND:
		text_value(ev, ev->kind ? ev->kind->name : NULL, v_r);
		return true;
	case B_CONTAINER:
		up = ev->en->parent;
		text_value(ev, up ? ev->w->dn(ev->w->ctx, up, ev->a) : NULL, v_r);
		return true;
	case B_MEMBEROF:
		links_value(ev, "memberOf", v_r);
		return true;
	}
	return true;
}
