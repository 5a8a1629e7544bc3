#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/str.h"
#include "table.h"

#define AT(type, member) offsetof(struct type, member)

static const struct conf_section no_sections[] = { { 0 } };

static const struct conf_option no_options[] = { { 0 } };

static const struct conf_section options_sections[] = {
	{ "options", false, FREE_OPTIONS, 0, no_options, no_sections },
	{ 0 },
};

static const struct conf_option source_options[] = {
	{ "type", CONF_TEXT, AT(conf_source, type), NULL, "kind of directory: ad, ldif, exec" },
	{ "command", CONF_TEXT, AT(conf_source, command), NULL,
		"program of a foreign connector; with type exec only" },
	{ "id", CONF_TEXT, AT(conf_source, id), NULL,
		"attribute that identifies entries for ever" },
	{ "missing_after", CONF_DURATION, AT(conf_source, missing_after), "1h",
		"how long an entry must be missing from full reads before it counts as gone" },
	{ "full_every", CONF_DURATION, AT(conf_source, full_every), "1d",
		"how often everything is read, where the source's deltas do not say all" },
	{ 0 },
};

static const struct conf_option target_options[] = {
	{ "type", CONF_TEXT, AT(conf_target, type), NULL, "kind of service: scim, exec" },
	{ "command", CONF_TEXT, AT(conf_target, command), NULL,
		"program of a foreign connector; with type exec only" },
	{ "adopt", CONF_YESNO, AT(conf_target, adopt), "no",
		"take over objects of the same address without approval" },
	{ "exclusive", CONF_YESNO, AT(conf_target, exclusive), "no",
		"the target is ours alone: objects that bear our identity are ours without a "
		"question" },
	{ 0 },
};

static const struct conf_option scope_options[] = {
	{ "base", CONF_TEXTS, AT(conf_scope, base), NULL, "under any of these DNs" },
	{ "not_base", CONF_TEXTS, AT(conf_scope, not_base), NULL, "under none of these DNs" },
	{ "group", CONF_TEXTS, AT(conf_scope, group), NULL,
		"member of any of these groups, nested too" },
	{ "filter", CONF_TEXTS, AT(conf_scope, filter), "(!(isCriticalSystemObject=TRUE))",
		"matches any of these LDAP filters" },
	{ "when", CONF_TEXTS, AT(conf_scope, when), NULL, "any of these expressions is true" },
	{ 0 },
};

static const struct conf_option kind_options[] = {
	{ "enabled", CONF_YESNO, AT(conf_kind, enabled), "yes", "synchronize this kind at all" },
	{ "leave", CONF_LEAVE, AT(conf_kind, leave), NULL, "what happens to those who leave" },
	{ "grace", CONF_DURATION, AT(conf_kind, grace), NULL, "delete this long after disabling" },
	{ 0 },
};

static const struct conf_section kind_sections[] = {
	{ "map", false, FREE_MAP, 0, no_options, no_sections },
	{ 0 },
};

#define LIMIT(c) (AT(conf_guard, limit) + (c) * sizeof(struct conf_limit))
static const struct conf_option guard_options[] = {
	{ "create", CONF_LIMIT, LIMIT(GUARD_CREATE), "-", "objects created, or created again" },
	{ "adopt", CONF_LIMIT, LIMIT(GUARD_ADOPT), "10%,100", "objects taken over" },
	{ "update", CONF_LIMIT, LIMIT(GUARD_UPDATE), "-", "objects changed" },
	{ "disable", CONF_LIMIT, LIMIT(GUARD_DISABLE), "10%,500", "objects disabled by leaving" },
	{ "delete", CONF_LIMIT, LIMIT(GUARD_DELETE), "10%,500", "objects deleted" },
	{ "member_removal", CONF_LIMIT, LIMIT(GUARD_MEMBER_REMOVAL), "20%,1000",
		"members removed" },
	{ "seen_disable", CONF_LIMIT, AT(conf_guard, seen_disable), "50%,2000",
		"objects disabled because the directory shows them disabled" },
	{ "member_per_group", CONF_LIMIT, AT(conf_guard, member_per_group), "50%",
		"members removed from one group" },
	{ "floor", CONF_COUNT, AT(conf_guard, floor), "5",
		"so many are allowed below any percentage" },
	{ "protect", CONF_TEXTS, AT(conf_guard, protect), NULL,
		"accounts never disabled or deleted without a release of their own" },
	{ "protect_group", CONF_TEXTS, AT(conf_guard, protect_group), NULL,
		"groups whose members are protected" },
	{ 0 },
};

static const struct conf_option schedule_options[] = {
	{ "on_change", CONF_YESNO, AT(conf_schedule, on_change), "yes",
		"run as soon as the directory says that something changed" },
	{ "every", CONF_DURATION, AT(conf_schedule, every), "5m", "run at least so often" },
	{ "full_at", CONF_TIME, AT(conf_schedule, full_at), NULL,
		"time of day at which everything is read and compared, the target too" },
	{ "full_on", CONF_DAYS, AT(conf_schedule, full_on), NULL,
		"days on which that happens; every day if none is named" },
	{ 0 },
};

#define KIND(k) (AT(conf_sync, kind) + (k) * sizeof(struct conf_kind))
static const struct conf_section sync_sections[] = {
	{ "scope", false, FREE_NONE, AT(conf_sync, scope), scope_options, no_sections },
	{ "user", false, FREE_NONE, KIND(KIND_USER), kind_options, kind_sections },
	{ "group", false, FREE_NONE, KIND(KIND_GROUP), kind_options, kind_sections },
	{ "guard", false, FREE_NONE, AT(conf_sync, guard), guard_options, no_sections },
	{ "schedule", false, FREE_NONE, AT(conf_sync, schedule), schedule_options, no_sections },
	{ 0 },
};

static const struct conf_option sync_options[] = {
	{ "from", CONF_TEXT, AT(conf_sync, from), NULL, "name of a source" },
	{ "to", CONF_TEXT, AT(conf_sync, to), NULL, "name of a target" },
	{ "members", CONF_EXACT, AT(conf_sync, members_exact), "ours",
		"exact: members that others added are removed as well" },
	{ "fresh", CONF_DURATION, AT(conf_sync, fresh), NULL,
		"promise: an alert when a change waits longer" },
	{ "canary", CONF_TEXT, AT(conf_sync, canary), NULL,
		"an entry that a job of yours changes, so that its way is timed" },
	{ "canary_every", CONF_DURATION, AT(conf_sync, canary_every), "1h",
		"how often that job changes it" },
	{ 0 },
};

static const struct conf_option console_options[] = {
	{ "enabled", CONF_YESNO, AT(conf_console, enabled), "yes", "serve the console at all" },
	{ "port", CONF_COUNT, AT(conf_console, port), "8080", "TCP port on this machine" },
	{ "session", CONF_DURATION, AT(conf_console, session), "12h", "a sign-in ends after this" },
	{ 0 },
};

static const struct conf_option alerts_options[] = {
	{ "mail_to", CONF_TEXTS, AT(conf_alerts, mail_to), NULL, "addresses that get alerts" },
	{ "mail_from", CONF_TEXT, AT(conf_alerts, mail_from), NULL, "their sender" },
	{ "smtp", CONF_TEXT, AT(conf_alerts, smtp), NULL,
		"mail server: smtps://HOST[:PORT], or smtp:// with STARTTLS required" },
	{ "smtp_user", CONF_TEXT, AT(conf_alerts, smtp_user), NULL, "name to sign on with there" },
	{ "smtp_password_file", CONF_TEXT, AT(conf_alerts, smtp_password_file), NULL,
		"file of its password" },
	{ "smtp_ca_file", CONF_TEXT, AT(conf_alerts, smtp_ca_file), NULL,
		"certificates that vouch for it; else the system's" },
	{ "webhook", CONF_TEXT, AT(conf_alerts, webhook), NULL, "URL that alerts are posted to" },
	{ "webhook_token_file", CONF_TEXT, AT(conf_alerts, webhook_token_file), NULL,
		"file of the bearer token for it" },
	{ "webhook_ca_file", CONF_TEXT, AT(conf_alerts, webhook_ca_file), NULL,
		"certificates that vouch for it; else the system's" },
	{ "pause", CONF_DURATION, AT(conf_alerts, pause), "5m",
		"messages come no closer together than this" },
	{ "daily", CONF_TIME, AT(conf_alerts, daily), NULL, "time of day of a summary" },
	{ 0 },
};

static const struct conf_option keep_options[] = {
	{ "history", CONF_DURATION, AT(conf_keep, history), "400d",
		"how long runs and their operations are remembered" },
	{ "size", CONF_COUNT, AT(conf_keep, size), "500",
		"megabytes of history for each target; 0 for no limit" },
	{ 0 },
};

static const struct conf_option root_options[] = {
	{ "state", CONF_TEXT, AT(conf, state), NULL, "folder of the agent's own data" },
	{ "control", CONF_TEXT, AT(conf, control), NULL,
		"socket of the service; else " CONF_CONTROL ", or in a state folder of your own" },
	{ "stop_timeout", CONF_DURATION, AT(conf, stop_timeout), "60s",
		"a job of the service that was asked to end and has not is killed after this" },
	{ 0 },
};

static const struct conf_section root_sections[] = {
	{ "source", true, FREE_OPTIONS, 0, source_options, options_sections },
	{ "target", true, FREE_OPTIONS, 0, target_options, options_sections },
	{ "sync", true, FREE_NONE, 0, sync_options, sync_sections },
	{ "console", false, FREE_NONE, AT(conf, console), console_options, no_sections },
	{ "alerts", false, FREE_NONE, AT(conf, alerts), alerts_options, no_sections },
	{ "keep", false, FREE_NONE, AT(conf, keep), keep_options, no_sections },
	{ 0 },
};

const struct conf_section conf_root = { "", false, FREE_NONE, 0, root_options, root_sections };

const char *const conf_source_types[] = { "ad", "ldap", "ldif", "exec", NULL };
const char *const conf_target_types[] = { "scim", "exec", NULL };

/* Number 1. Attributes that a source does not have are simply absent. */
static const struct conf_default user_maps_1[] = {
	{ "userName", "mail or userPrincipalName" },
	{ "displayName", "displayName or cn" },
	{ "name.givenName", "givenName" },
	{ "name.familyName", "sn" },
	{ "emails.work", "mail" },
	{ "title", "title" },
	{ "phoneNumbers.work", "telephoneNumber" },
	{ "phoneNumbers.mobile", "mobile" },
	{ "phoneNumbers.fax", "facsimileTelephoneNumber" },
	{ "addresses.work.streetAddress", "streetAddress or street" },
	{ "addresses.work.locality", "l" },
	{ "addresses.work.region", "st" },
	{ "addresses.work.postalCode", "postalCode" },
	{ "addresses.work.country", "c" },
	{ "department", "department" },
	{ "organization", "company or o" },
	{ "employeeNumber", "employeeNumber or employeeID" },
	{ "preferredLanguage", "preferredLanguage" },
	{ "aliases", "Aliases(proxyAddresses)" },
	{ "manager", "manager" },
	{ "active", "enabled" },
	{ 0 },
};
static const struct conf_default group_maps_1[] = {
	{ "displayName", "displayName or cn" },
	{ "mail", "mail" },
	{ "aliases", "Aliases(proxyAddresses)" },
	{ "members", "member" },
	{ 0 },
};
static const struct conf_default *const maps_1[KIND_COUNT] = {
	[KIND_USER] = user_maps_1,
	[KIND_GROUP] = group_maps_1,
};

const struct conf_default *
conf_default_maps(int number, enum kind_id kind)
{
	return number == 1 ? maps_1[kind] : NULL;
}

const struct conf_option *
conf_option_find(const struct conf_section *s, const char *name)
{
	for (const struct conf_option *o = s->options; o->name; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

const struct conf_section *
conf_section_find(const struct conf_section *s, const char *name)
{
	for (const struct conf_section *c = s->sections; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

const char *
conf_name_nearest(const struct conf_section *s, const char *name)
{
	const char *names[64];
	size_t n = 0;

	for (const struct conf_option *o = s->options; o->name && n + 1 < ARRAY_LEN(names); o++)
		names[n++] = o->name;
	for (const struct conf_section *c = s->sections; c->name && n + 1 < ARRAY_LEN(names); c++)
		names[n++] = c->name;
	names[n] = NULL;
	return text_nearest(name, names);
}

bool
conf_fail(struct err *e, const char *file, int line, const char *near, const char *fmt, ...)
{
	CLEAN_BUF struct buf msg = { 0 };
	CLEAN_BUF struct buf n = { 0 };
	char text[800];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	text_escape(text, strlen(text), 0, &msg);
	if (near) {
		buf_adds(&n, ", near '");
		text_escape(near, strlen(near), 60, &n);
		buf_adds(&n, "'");
	}
	return err_set(e, ERR_CONFIG, "bad-config", "%s:%d: %s%s", file, line, buf_cstr(&msg),
		buf_cstr(&n));
}
