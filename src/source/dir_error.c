#include "dir.h"

#include <string.h>

/* Result codes of LDAP (RFC 4511 4.1.9 and libldap's own, below zero) that have a meaning of their own. */
static const struct result {
	int code;
	enum err_kind kind;
	const char *name, *remedy;
} results[] = {
	{ LDAP_SERVER_DOWN, ERR_RETRY, "unreachable", "the connection was lost" },
	{ LDAP_CONNECT_ERROR, ERR_RETRY, "unreachable", "the connection could not be made" },
	{ LDAP_TIMEOUT, ERR_RETRY, "timeout", "the server did not answer in time" },
	{ LDAP_DECODING_ERROR, ERR_RETRY, "bad-answer", "the server sent what is not LDAP" },
	{ LDAP_REFERRAL, ERR_SIDE, "referral",
		"the server sent us elsewhere; give the servers of the domain that holds the "
		"base" },
	{ LDAP_TIMELIMIT_EXCEEDED, ERR_RETRY, "time-limit",
		"the server's time limit cut the answer short" },
	{ LDAP_SIZELIMIT_EXCEEDED, ERR_SIDE, "size-limit",
		"the server's size limit cut the answer short" },
	{ LDAP_ADMINLIMIT_EXCEEDED, ERR_RETRY, "admin-limit",
		"a limit of the server cut the answer short" },
	{ LDAP_STRONG_AUTH_REQUIRED, ERR_CONFIG, "tls-required",
		"the server wants an encrypted connection; write the server as ldaps://" },
	{ LDAP_UNAVAILABLE_CRITICAL_EXTENSION, ERR_CONFIG, "no-control",
		"the server does not know a control that is needed" },
	{ LDAP_CONFIDENTIALITY_REQUIRED, ERR_CONFIG, "tls-required",
		"the server wants an encrypted connection; write the server as ldaps://" },
	{ LDAP_NO_SUCH_OBJECT, ERR_CONFIG, "no-such-object",
		"it does not exist, or the account may not see it" },
	{ LDAP_INVALID_CREDENTIALS, ERR_CONFIG, "bind-refused",
		"user name or password is not right" },
	{ LDAP_INAPPROPRIATE_AUTH, ERR_CONFIG, "bind-refused",
		"this account cannot be used with a password" },
	{ LDAP_INSUFFICIENT_ACCESS, ERR_CONFIG, "no-right", "the account lacks the right" },
	{ LDAP_BUSY, ERR_RETRY, "busy", "the server is busy" },
	{ LDAP_UNAVAILABLE, ERR_RETRY, "unavailable", "the server is starting or stopping" },
	{ LDAP_UNWILLING_TO_PERFORM, ERR_SIDE, "unwilling", "the server does not want to" },
	{ LDAP_OPERATIONS_ERROR, ERR_SIDE, "operations-error",
		"the server had an error, or the connection is not bound" },
};

/* MS-ADTS has them as Win32 error codes in hexadecimal, "data NNN" in the diagnostic message. */
static const struct reason {
	const char *data, *text, *code; /* code: NULL = "bind-refused" */
} bind_reasons[] = {
	{ "525",
		"there is no such user: it was moved, renamed or deleted; correct `bind` "
		"(user@domain stays "
		"right when it is moved)",
		"account-moved" },
	{ "52e", "the user name or the password is wrong; check `bind` and the file named in "
		 "`password_file`" },
	{ "52f", "an account restriction forbids this log-on" },
	{ "530", "the account may not log on at this hour; remove its log-on hours" },
	{ "531", "the account may not log on from this computer; clear its list of workstations" },
	{ "532",
		"the password has expired; set a new one, and let this account's password never "
		"expire",
		"password-expired" },
	{ "533", "the account is disabled; enable it", "account-disabled" },
	{ "568", "the account is in too many groups" },
	{ "701", "the account has expired; set its expiry to never", "account-expired" },
	{ "773", "the password must be changed at the next log-on; set it anew without that flag",
		"password-expired" },
	{ "775",
		"the account is locked out after wrong passwords; correct the password, then "
		"unlock the account",
		"account-locked" },
};

static const struct reason *
reason_of(const char *diagnostic)
{
	const char *data = diagnostic ? strstr(diagnostic, "data ") : NULL;
	if (!data)
		return NULL;
	data += strlen("data ");
	size_t n = strspn(data, "0123456789abcdefABCDEF");
	for (size_t i = 0; i < ARRAY_LEN(bind_reasons); i++)
		if (str_ieqc((struct str){ data, n }, bind_reasons[i].data))
			return &bind_reasons[i];
	return NULL;
}

bool
dir_err_result(struct err *e, int code, const char *diagnostic, const char *doing)
{
	const struct result *r = NULL;
	for (size_t i = 0; i < ARRAY_LEN(results) && !r; i++)
		if (results[i].code == code)
			r = &results[i];
	const struct reason *reason =
		code == LDAP_INVALID_CREDENTIALS ? reason_of(diagnostic) : NULL;
	CLEAN_BUF struct buf said = { 0 };
	if (diagnostic && *diagnostic) {
		buf_adds(&said, "; the server says: ");
		text_escape(diagnostic, strlen(diagnostic), 300, &said);
	}
	const char *name = reason && reason->code ? reason->code : r ? r->name : "ldap";
	return err_set(e, r ? r->kind : ERR_SIDE, name, "%s: %s (%s, %d)%s", doing,
		reason ? reason->text
		: r    ? r->remedy
		       : "an answer that was not expected",
		ldap_err2string(code), code, buf_cstr(&said));
}
