#include "ad.h"

#include <string.h>

bool
ad_srv_find(const char *domain, const char *scheme, struct arena *a, const char ***urls_r,
	size_t *count_r, struct err *e)
{
	/* libldap asks for _ldap._tcp.NAME and orders by priority and weight; the controllers of a domain,
	 * and nothing else that speaks LDAP, stand under dc._msdcs (MS-ADTS 6.3.2.3) */
	CLEAN_FREE char *name = xasprintf("dc._msdcs.%s", domain);
	char *hosts = NULL;
	int rc = ldap_domain2hostlist(name, &hosts);
	if (rc != LDAP_SUCCESS || !hosts || !*hosts) {
		ldap_memfree(hosts);
		return err_set(e, ERR_RETRY, "no-srv",
			"DNS has no record _ldap._tcp.dc._msdcs.%s; name the controllers in "
			"`server`, or let this "
			"computer ask the domain's DNS server",
			domain);
	}
	const char **urls = arena_alloc(a, (strlen(hosts) / 2 + 2) * sizeof(*urls));
	size_t n = 0;
	for (size_t at = 0; hosts[at]; at += strspn(hosts + at, " ")) {
		size_t end =
			strcspn(hosts + at, ": "); /* the record's port is that of plain LDAP */
		if (end)
			urls[n++] = arena_printf(
				a, "%s://%s", scheme, arena_strndup(a, hosts + at, end));
		at += strcspn(hosts + at, " ");
	}
	ldap_memfree(hosts);
	*urls_r = urls;
	*count_r = n;
	return true;
}
