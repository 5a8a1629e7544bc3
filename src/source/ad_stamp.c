/*
 * When entries changed (N8). DirSync never brings whenChanged, which is not replicated; the attribute of this very
 * controller is what we want, and uSNChanged is indexed: one more search for the few entries of a delta.
 */
#include "ad.h"

#include <inttypes.h>
#include "base/log.h"
#include "model/dn.h"

#define STAMPS_MAX 500 /* entries of a delta: more at once is a load, not a change to be timed */

static bool
each_stamp(void *ctx, struct dir *dir, LDAPMessage *entry, struct err *e)
{
	struct ad *ad = ad_of(dir);
	bool *gone = ctx; /* the engine */
	CLEAN_ARENA struct arena *a = arena_new();
	char id[37];
	int64_t at;

	if (!guid_from_bytes(dir_value_first(&ad->d, entry, "objectGUID", a), id) ||
		!time_parse_generalized(dir_value_first(&ad->d, entry, "whenChanged", a), &at))
		return true;
	*gone = !serve_stamp(ad->d.serve, id, at, e);
	return !*gone;
}

bool
ad_stamps_send(struct ad *ad, int64_t after, struct err *e)
{
	static const char *const names[] = { "objectGUID", "whenChanged", NULL };
	LDAPControl *controls[] = { ad_control_show_deleted(), NULL };
	CLEAN_BUF struct buf filter = { 0 };
	struct err why = { 0 };
	bool gone = false;

	if (ad->d.done > STAMPS_MAX)
		return true;
	buf_addf(&filter, "(&(uSNChanged>=%" PRId64 ")%s)", after + 1, ad->filter);
	const struct dir_search q = { .base = ad->nc,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = buf_cstr(&filter),
		.attributes = names,
		.controls = controls,
		.doing = "reading when entries changed" };
	if (dir_search(&ad->d, &q, each_stamp, &gone, NULL, NULL, &why) ||
		(!gone && !*ad->d.stop)) {
		/* the read is complete without it */
		if (why.kind != ERR_NONE)
			log_err(LOG_WARN, "no-stamps", &why);
		return true;
	}
	*e = why;
	return false;
}
