#include <string.h>
#include "names.h"

/* For "did you mean": what administrators name most. A source may know many more. */
static const char *const well_known[] = { "accountExpires", "c", "cn", "co", "company",
	"department", "departmentNumber", "description", "displayName", "division", "employeeID",
	"employeeNumber", "employeeType", "extensionAttribute1", "facsimileTelephoneNumber",
	"gidNumber", "givenName", "groupType", "homePhone", "info", "initials", "l", "lockoutTime",
	"mail", "mailNickname", "manager", "member", "memberOf", "middleName", "mobile", "name",
	"objectCategory", "objectClass", "objectGUID", "objectSid", "o", "ou", "pager",
	"personalTitle", "physicalDeliveryOfficeName", "postalAddress", "postalCode",
	"postOfficeBox", "preferredLanguage", "proxyAddresses", "pwdLastSet", "roomNumber",
	"sAMAccountName", "secretary", "sn", "st", "street", "streetAddress", "targetAddress",
	"telephoneNumber", "title", "uid", "uidNumber", "uniqueMember", "userAccountControl",
	"userPrincipalName", "whenChanged", "whenCreated", "wWWHomePage",
	/* ours */
	"enabled", "locked", "dn", "id", "kind", "container", NULL };

const char *
names_nearest(const char *name, bool builtin)
{
	const char *names[ARRAY_LEN(well_known)];
	size_t n = ARRAY_LEN(well_known) - (builtin ? 1 : 7);

	memcpy(names, well_known, n * sizeof *names);
	names[n] = NULL;
	return text_nearest(name, names);
}

bool
expr_number_parse(struct str s, int64_t *n_r)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	int64_t n = 0;

	if (s.n == (size_t)minus)
		return false;
	for (size_t i = minus; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(n, 10, &n) ||
			(minus ? __builtin_sub_overflow(n, s.p[i] - '0', &n)
			       : __builtin_add_overflow(n, s.p[i] - '0', &n)))
			return false;
	}
	*n_r = n;
	return true;
}

void
names_add(struct names *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++)
		if (ascii_ieq(n->list[i], name))
			return;
	if (n->count == n->cap) {
		size_t cap = n->cap ? n->cap * 2 : 32;
		const char **more = arena_alloc(n->arena, cap * sizeof *more);
		if (n->count)
			memcpy(more, n->list, n->count * sizeof *more);
		n->list = more;
		n->cap = cap;
	}
	n->list[n->count++] = arena_strdup(n->arena, name);
}
