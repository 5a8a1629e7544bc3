/* Renames, and records that cannot be read. */
#include <ldap.h>
#include <string.h>
#include <strings.h>
#include "ldif_send.h"
#include "model/dn.h"

struct rename {
	const char *new_rdn, *new_superior;
	bool delete_old;
};

static const char *
rename_read(const struct ldif_send *x, const struct ldif_record *r, struct rename *n)
{
	const char *why = "newrdn is missing";
	bool said = false;

	*n = (struct rename){ 0 };
	for (size_t i = 0; i < r->count; i++) {
		const struct ldif_line *line = &r->lines[i];
		struct str v;

		if (!ldif_value(line, x->arena, &v, &why) || memchr(v.n ? v.p : "", 0, v.n) ||
			!utf8_valid(v.p, v.n))
			return arena_printf(
				x->arena, "line %zu: the value is not readable", line->line);
		if (ascii_ieq(line->name, "newrdn"))
			n->new_rdn = v.p;
		else if (ascii_ieq(line->name, "newsuperior"))
			n->new_superior = v.p;
		else if (ascii_ieq(line->name, "deleteoldrdn") &&
			 (str_eqc(v, "0") || str_eqc(v, "1")))
			said = true, n->delete_old = *v.p == '1';
		else
			return arena_printf(x->arena,
				"line %zu: newrdn:, deleteoldrdn: 0 or 1, or newsuperior: was "
				"expected",
				line->line);
	}
	if (!n->new_rdn || !said)
		return arena_printf(
			x->arena, "line %zu: newrdn or deleteoldrdn is missing", r->line);
	return NULL;
}

/* The values in an RDN are values of the entry: the new ones come, the old ones may go. */
static bool
rdn_values(struct ldif_send *x, const char *dn, const char *rdn, const char *other, bool add,
	struct err *e)
{
	LDAPRDN has = NULL, had = NULL;
	char *end;
	bool ok = true;

	if (ldap_str2rdn(rdn, &has, &end, LDAP_DN_FORMAT_LDAP) != LDAP_SUCCESS ||
		ldap_str2rdn(other, &had, &end, LDAP_DN_FORMAT_LDAP) != LDAP_SUCCESS)
		ok = err_set(e, ERR_SIDE, "bad-ldif", "%s: an RDN cannot be read twice", x->file);
	for (size_t i = 0; ok && has && has[i]; i++) {
		struct berval type = has[i]->la_attr, v = has[i]->la_value;
		struct attr at = { arena_strndup(x->arena, type.bv_val, type.bv_len), 1,
			&(struct str){ v.bv_val, v.bv_len } };
		bool both = false;

		for (size_t k = 0; had && had[k]; k++)
			both = both ||
			       (had[k]->la_attr.bv_len == type.bv_len &&
				       strncasecmp(had[k]->la_attr.bv_val, type.bv_val,
					       type.bv_len) == 0 &&
				       had[k]->la_value.bv_len == v.bv_len &&
				       memcmp(had[k]->la_value.bv_val, v.bv_val, v.bv_len) == 0);
		if (!both && ldif_send_known(x, at.name, type.bv_len)->asked)
			ok = serve_values(
				x->s, NULL, dn, at.name, add ? &at : NULL, add ? NULL : &at, e);
	}
	ldap_rdnfree(has);
	ldap_rdnfree(had);
	return ok;
}

bool
ldif_send_rename(
	struct ldif_send *x, const struct ldif_record *r, const struct dn *dn, struct err *e)
{
	struct rename n;
	struct dn rdn, superior;
	struct err why = { 0 };
	const char *wrong = rename_read(x, r, &n), *above, *to;

	if (wrong)
		return ldif_send_bad(x, NULL, r->dn, NULL, wrong, e);
	if (dn->count == 0 || !dn_parse(n.new_rdn, x->arena, &rdn, &why) || rdn.count != 1 ||
		(n.new_superior && !dn_parse(n.new_superior, x->arena, &superior, &why)))
		return ldif_send_bad(x, NULL, r->dn, NULL,
			arena_printf(
				x->arena, "line %zu: newrdn or newsuperior is no name", r->line),
			e);
	above = n.new_superior ? n.new_superior : dn_text(dn, 1, x->arena);
	to = *above ? arena_printf(x->arena, "%s,%s", rdn.rdn[0], above) : rdn.rdn[0];
	return serve_rename(x->s, NULL, r->dn, to, e) &&
	       (!n.delete_old || rdn_values(x, to, dn->rdn[0], rdn.rdn[0], false, e)) &&
	       rdn_values(x, to, rdn.rdn[0], dn->rdn[0], true, e);
}

/* Every entry that a damaged record may have been about counts as present; one whose name is not to
 * be read cannot be said to be, so the read is not whole. */
bool
ldif_send_malformed(struct ldif_send *x, const struct ldif_record *r, struct err *e)
{
	for (size_t i = 0; i < r->all_count; i++) {
		const struct ldif_line *line = &r->all[i];
		const char *why;
		struct str v;
		struct dn dn;

		if (line->form == LDIF_BROKEN
				? !str_ieq((struct str){ line->raw.p,
						   line->raw.n < 2 ? line->raw.n : 2 },
					  STR("dn"))
				: strcasecmp(line->name, "dn") != 0)
			continue;
		if (!ldif_value(line, x->arena, &v, &why) || !v.n || memchr(v.p, 0, v.n) ||
			!dn_parse(v.p, x->arena, &dn, NULL))
			return err_set(e, ERR_SIDE, "bad-ldif", "%s: %s", x->file, r->why);
		if (!ldif_send_bad(x, NULL, v.p, NULL, r->why, e))
			return false;
	}
	return true;
}
