/* `lockstep check`: whether the account that reads will go on working (S3.4). Topics are stable: alerts are found by
 * them (lockstepd-alerts(7)). */
#include "ad.h"

#include <stdlib.h>
#include <string.h>

#define DAY           86400
#define ACCOUNT_SOON  (30 * (int64_t)DAY)
#define PASSWORD_SOON (14 * (int64_t)DAY)
#define UAC_LOCKOUT   0x10 /* MS-ADTS 2.2.16, in msDS-User-Account-Control-Computed */
#define UAC_EXPIRED   0x800000

const char *
ad_account_topic(const char *code)
{
	static const struct {
		const char *code, *topic;
	} topics[] = {
		{ "account-locked", "account-locked" },
		{ "account-disabled", "account-disabled" },
		{ "account-expired", "account-expires" },
		{ "account-moved", "account-moved" },
		{ "password-expired", "password-expires" },
	};
	for (size_t i = 0; i < ARRAY_LEN(topics); i++)
		if (strcmp(topics[i].code, code) == 0)
			return topics[i].topic;
	return "bind";
}

/* true: said that it ends soon, or has ended (which a standing connection may outlive). */
static bool
end_check(struct ad *ad, struct str value, int64_t soon, const char *topic, const char *what,
	const char *remedy)
{
	CLEAN_BUF struct buf left = { 0 };
	int64_t at;
	char when[24];
	if (!value.n || !time_parse_filetime(value, &at) || at == INT64_MAX || at - ad->now > soon)
		return false;
	time_format(at, when);
	if (at <= ad->now) {
		dir_finding(&ad->d, "fail", topic, remedy, "%s has expired, at %s", what, when);
		return true;
	}
	duration_format(at - ad->now, &left);
	dir_finding(&ad->d, "warn", topic, remedy, "%s expires in %s, at %s", what, buf_cstr(&left),
		when);
	return true;
}

void
ad_account_check(struct ad *ad, const char *self)
{
	static const char *const names[] = { "accountExpires",
		"msDS-UserPasswordExpiryTimeComputed", "msDS-User-Account-Control-Computed", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	struct err e;
	if (!dir_read_one(&ad->d, self, names, NULL, "reading our own account", a, &v, &e) ||
		!v.found)
		return;
	struct str computed = attrs_first(&v.attrs, names[2]);
	long uac = computed.n ? strtol(computed.p, NULL, 10) : 0;
	bool said = end_check(ad, attrs_first(&v.attrs, names[0]), ACCOUNT_SOON, "account-expires",
		"the account", "set its expiry to never");
	said |= end_check(ad, attrs_first(&v.attrs, names[1]), PASSWORD_SOON, "password-expires",
		"the account's password",
		"set a new one, put it where the configuration says, and let it never expire");
	if (uac & UAC_LOCKOUT) {
		dir_finding(&ad->d, "fail", "account-locked",
			"correct what tries wrong passwords, then unlock the account",
			"the account is locked out after wrong passwords");
		said = true;
	}
	if (!said)
		dir_finding(&ad->d, "ok", "account", NULL,
			uac & UAC_EXPIRED
				? "the account's password has expired, and Kerberos does not mind"
				: "neither the account nor its password expires soon");
}
