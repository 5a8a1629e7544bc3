/* `watch`, as far as it is the same whatever the server is asked for: a search that should never end. */
#include "dir.h"

static bool
is_refusal(int code)
{
	static const int codes[] = { LDAP_UNWILLING_TO_PERFORM, LDAP_UNAVAILABLE_CRITICAL_EXTENSION,
		LDAP_INSUFFICIENT_ACCESS, LDAP_ADMINLIMIT_EXCEEDED, LDAP_SIZELIMIT_EXCEEDED };
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (code == codes[i])
			return true;
	return false;
}

bool
dir_watch_ended(struct dir *d, const char *nc, LDAPMessage *result, struct err *e)
{
	int code = LDAP_OTHER;
	char *diagnostic = NULL;
	ldap_parse_result(d->ld, result, &code, NULL, &diagnostic, NULL, NULL, 0);
	if (is_refusal(code))
		err_set(e, ERR_CONFIG, "cannot-watch", "%s does not tell of changes in %s: %s",
			d->server, nc,
			diagnostic && *diagnostic ? diagnostic : ldap_err2string(code));
	else
		dir_err_result(e, code ? code : LDAP_SERVER_DOWN, diagnostic,
			"waiting to be told of changes");
	ldap_memfree(diagnostic);
	return false;
}

bool
dir_watch_drain(struct dir *d, int msgid, dir_each each, void *ctx, struct err *e)
{
	struct timeval at_once = { 0 };
	LDAPMessage *res = NULL;
	int type;
	while ((type = ldap_result(d->ld, msgid, LDAP_MSG_ONE, &at_once, &res)) > 0) {
		bool ok = each(ctx, d, res, e);
		ldap_msgfree(res);
		res = NULL;
		if (!ok)
			return false;
	}
	return type == 0 ||
	       dir_err_result(e, LDAP_SERVER_DOWN, NULL, "waiting to be told of changes");
}
