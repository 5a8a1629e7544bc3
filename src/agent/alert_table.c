/* What alerts there are. lockstepd-alerts(7) says the same to people; a test holds both together. */
#include "alert_rules.h"

#include <string.h>

#define RETRIED 10 /* seconds: what is well at the second try needs nobody */

const struct alert_rule alert_rules[] = {
	{ "run-failed", ALERT_CRITICAL, RETRIED, 0, "a run failed",
		"look at the cause; `lockstep check` examines configuration, source and target",
		"lockstep check" },
	{ "source-incomplete", ALERT_CRITICAL, RETRIED, 0, "the directory could not be read",
		"see that a controller can be reached; nothing is removed meanwhile, and reading "
		"is tried again by itself",
		"lockstep check" },
	{ "absence-unconfirmed", ALERT_WARNING, 0, 0, "entries are missing, unconfirmed",
		"see whether the account still may read where they were; they are left as they "
		"are until a complete read confirms that they are gone",
		"lockstep status" },
	{ "guard-held", ALERT_CRITICAL, 0, 0, "the guard holds back a run",
		"look at what it would have done; if it is wanted, release it, else mend the "
		"directory or the scope",
		"lockstep history %s" },
	{ "object-errors", ALERT_WARNING, 0, 0, "objects fail",
		"mend each in the directory; it is tried again by itself", "lockstep status" },
	{ "target-unreachable", ALERT_CRITICAL, RETRIED, 0, "the target cannot be reached",
		"see that the service runs and can be reached from here; changes wait, and it is "
		"tried again by itself",
		"lockstep check" },
	{ "target-refusing", ALERT_CRITICAL, 0, 0, "the target refuses us",
		"put a valid token into token_file of the target, with the right to write users "
		"and groups",
		"lockstep check" },
	{ "freshness-broken", ALERT_CRITICAL, 0, 60, "the promise of freshness is broken",
		"see what the runs wait for; if the directory cannot tell of changes, let "
		"`every` of the schedule be shorter than `fresh`",
		"lockstep status" },
	{ "canary-missing", ALERT_WARNING, 0, 0, "the canary did not come through",
		"see that the job that changes the entry runs, and that the entry is in scope",
		"lockstep explain %s" },
	{ "account-expires", ALERT_WARNING, 0, 0, "our account in the directory expires",
		"set its expiry to never", "lockstep check" },
	{ "password-expires", ALERT_WARNING, 0, 0, "our account's password expires",
		"set a new one, put it into password_file, and let it never expire",
		"lockstep check" },
	{ "account-locked", ALERT_CRITICAL, 0, 0, "our account in the directory is locked",
		"correct the password in password_file, then unlock the account",
		"lockstep check" },
	{ "account-disabled", ALERT_CRITICAL, 0, 0, "our account in the directory is disabled",
		"enable it", "lockstep check" },
	{ "account-moved", ALERT_CRITICAL, 0, 0, "our account is not where it was",
		"correct `bind` of the source: user@domain stays right when the account is moved",
		"lockstep check" },
	{ "account-refused", ALERT_CRITICAL, 0, 0, "the directory refuses our account",
		"correct `bind` and the file named in password_file", "lockstep check" },
	{ "certificate-expires", ALERT_WARNING, 0, 0, "a certificate expires",
		"have it renewed on that server", "lockstep check" },
	{ "certificate-refused", ALERT_CRITICAL, RETRIED, 0, "a certificate is not accepted",
		"have it renewed on that server, or give the authority that vouches for it as "
		"ca_file",
		"lockstep check" },
	{ "clock-wrong", ALERT_WARNING, 0, 0, "clocks differ",
		"set both by the same time servers (chrony, w32tm)", "timedatectl" },
	{ "disk-nearly-full", ALERT_WARNING, 0, 0, "the disk is nearly full",
		"make room; `keep` of the configuration bounds what history takes", "df -h %s" },
	{ "state-damaged", ALERT_CRITICAL, 0, 0, "the state is damaged",
		"a mirror is rebuilt by `lockstep state rebuild SOURCE`; a target's file comes "
		"from a backup, see lockstep-state(5)",
		"lockstep state check" },
	{ "not-remembered", ALERT_WARNING, 0, 0, "the service cannot remember",
		"mend what the cause says: within a minute all is as before; the file may also be "
		"moved away, for nothing that is synced depends on it",
		"lockstep status" },
	{ "config-refused", ALERT_WARNING, 0, 0, "the configuration is refused",
		"correct the file; what was in force before stays in force", "lockstep check" },
	{ "cannot-listen", ALERT_WARNING, 0, 0, "the service cannot be reached where it should be",
		"see what else is there (`ss -lntpx`), or set another place: `console` or "
		"`control` of the configuration; it is tried again by itself",
		"lockstep status" },
	{ "watch-failed", ALERT_WARNING, 60, 0, "changes are not announced",
		"see that the directory can be reached; until then changes are found by the "
		"schedule alone",
		"lockstep check" },
	{ "notify-failed", ALERT_WARNING, 0, 0, "messages cannot be sent",
		"correct `alerts` of the configuration, then `lockstep alerts test`",
		"lockstep alerts test" },
	{ 0 },
};

const struct alert_rule *
alert_rule(const char *code)
{
	for (const struct alert_rule *r = alert_rules; r->code; r++)
		if (strcmp(r->code, code) == 0)
			return r;
	return NULL;
}
