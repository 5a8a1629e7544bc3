/* An entry of an answer, taken apart. */
#include "dir.h"

#define ATTRIBUTE_MAX (256 * 1024) /* base64 and a line hold it */

static bool
undecodable(struct err *e)
{
	return err_set(e, ERR_RETRY, "bad-answer", "an entry of the server cannot be decoded");
}

bool
dir_entry_dn(struct dir *d, LDAPMessage *entry, struct str *dn_r, struct err *e)
{
	BerElement *ber = NULL;
	struct berval dn;
	int rc = ldap_get_dn_ber(d->ld, entry, &ber, &dn);
	ber_free(ber, 0);
	if (rc != LDAP_SUCCESS)
		return undecodable(e);
	*dn_r = (struct str){ dn.bv_val, dn.bv_len };
	return true;
}

bool
dir_attributes_each(struct dir *d, LDAPMessage *entry, dir_attribute each, void *ctx, struct err *e)
{
	BerElement *ber = NULL;
	struct berval dn, desc, *values = NULL;
	bool ok = true;
	int rc = ldap_get_dn_ber(d->ld, entry, &ber, &dn);
	while (ok && rc == LDAP_SUCCESS) {
		rc = ldap_get_attribute_ber(d->ld, entry, ber, &desc, &values);
		if (rc != LDAP_SUCCESS || !desc.bv_val)
			break;
		size_t count = 0;
		while (values && values[count].bv_val)
			count++;
		ok = each(ctx, (struct str){ desc.bv_val, desc.bv_len }, values, count, e);
		ldap_memfree(values);
		values = NULL;
	}
	ber_free(ber, 0);
	return ok && rc != LDAP_SUCCESS ? undecodable(e) : ok;
}

static void
values_set(struct attrs *as, const char *name, const struct berval *values, size_t count)
{
	struct str *list = arena_alloc(as->arena, (count + 1) * sizeof(*list));
	for (size_t i = 0; i < count; i++)
		list[i] = (struct str){ values[i].bv_val, values[i].bv_len };
	attrs_set(as, name, list, count);
}

bool
dir_values_take(struct attrs *as, const char *name, const struct berval *values, size_t count)
{
	size_t bytes = 0;
	for (size_t i = 0; i < count; i++)
		bytes += values[i].bv_len + 16;
	if (bytes > ATTRIBUTE_MAX)
		return false;
	values_set(as, name, values, count);
	return true;
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
one_attribute(
	void *ctx, struct str description, const struct berval *values, size_t count, struct err *e)
{
	struct dir_values *v = ctx;
	(void)e;
	values_set(&v->attrs, arena_strndup(v->attrs.arena, description.p, description.n), values,
		count);
	return true;
}

static bool
one_keep(void *ctx, struct dir *d, LDAPMessage *entry, struct err *e)
{
	struct dir_values *v = ctx;
	struct str dn = { 0 };
	v->found = true;
	if (!dir_entry_dn(d, entry, &dn, e) || !dir_attributes_each(d, entry, one_attribute, v, e))
		return false;
	v->dn = arena_strndup(v->attrs.arena, dn.p, dn.n);
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

bool
dir_has_value(const struct dir_values *v, const char *name, const char *value)
{
	return attr_has(attrs_get(&v->attrs, name), str_c(value));
}

const char *
dir_keep_first(struct dir *d, const struct dir_values *v, const char *name)
{
	struct str s = attrs_first(&v->attrs, name);
	return s.n ? arena_strndup(d->arena, s.p, s.n) : NULL;
}
