/* Being connected, and where we then are. */
#include "ad.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include "base/log.h"
#include "model/dn.h"

#define DELETED_OBJECTS "18E2EA80684F11D2B9AA00C04F79F805" /* MS-ADTS 6.1.1.4 */

bool
ad_connect(struct ad *ad, const char *url, struct err *e)
{
	if (!dir_reach(&ad->d, url, e))
		return false;
	if (ad_bind(ad, e))
		return true;
	dir_close(&ad->d);
	return err_wrap(e, "%s", url);
}

/* --- where we are --- */

bool
ad_now_read(struct ad *ad, struct err *e)
{
	static const char *const names[] = { "currentTime", "highestCommittedUSN", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	if (!dir_read_one(&ad->d, "", names, NULL, "reading the server's rootDSE", a, &v, e))
		return false;
	struct str usn = attrs_first(&v.attrs, "highestCommittedUSN");
	if (!usn.n || !time_parse_generalized(attrs_first(&v.attrs, "currentTime"), &ad->now))
		return err_set(e, ERR_SIDE, "bad-answer",
			"the server's rootDSE lacks its time or its USN");
	ad->usn = strtoll(usn.p, NULL, 10);
	return true;
}

bool
ad_rootdse(struct ad *ad, struct err *e)
{
	static const char *const names[] = { "defaultNamingContext", "namingContexts",
		"configurationNamingContext", "schemaNamingContext", "subschemaSubentry",
		"dnsHostName", "dsServiceName", "supportedControl", "supportedCapabilities",
		"vendorName", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	if (!dir_read_one(&ad->d, "", names, NULL, "reading the server's rootDSE", a, &v, e))
		return false;
	if (!dir_has_value(&v, "supportedCapabilities", DIR_CAPABILITY_AD))
		return err_set(e, ERR_CONFIG, "not-ad",
			"this server is not an Active Directory domain controller; use a source of "
			"type \"ldap\"");
	ad->default_nc = dir_keep_first(&ad->d, &v, "defaultNamingContext");
	ad->config_nc = dir_keep_first(&ad->d, &v, "configurationNamingContext");
	ad->schema_nc = dir_keep_first(&ad->d, &v, "schemaNamingContext");
	ad->subschema = dir_keep_first(&ad->d, &v, "subschemaSubentry");
	ad->host = dir_keep_first(&ad->d, &v, "dnsHostName");
	ad->invocation =
		dir_keep_first(&ad->d, &v, "dsServiceName"); /* until its id is looked up */
	ad->is_samba = attrs_first(&v.attrs, "vendorName").n &&
		       strstr(dir_keep_first(&ad->d, &v, "vendorName"), "Samba");
	ad->has_dirsync = dir_has_value(&v, "supportedControl", LDAP_CONTROL_X_DIRSYNC);
	const struct attr *ncs = attrs_get(&v.attrs, "namingContexts");
	size_t n = ncs ? ncs->count : 0;
	const char **list = arena_alloc(ad->d.arena, (n + 1) * sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = arena_strndup(ad->d.arena, ncs->values[i].p, ncs->values[i].n);
	ad->ncs = list;
	if (!ad->default_nc || !ad->schema_nc || !ad->invocation)
		return err_set(
			e, ERR_SIDE, "bad-answer", "the server's rootDSE lacks naming contexts");
	return ad_now_read(ad, e);
}

/* Ids of the naming context and of this controller. */
static bool
identify(struct ad *ad, struct err *e)
{
	static const char *const nc_names[] = { "objectGUID", "objectSid", NULL };
	static const char *const dsa_names[] = { "invocationId", NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	char guid[37];
	if (!dir_read_one(&ad->d, ad->nc, nc_names, NULL, "reading the naming context", a, &v, e))
		return false;
	if (!guid_from_bytes(attrs_first(&v.attrs, "objectGUID"), guid))
		return err_set(e, ERR_CONFIG, "no-right",
			"the account cannot read %s; let it read the domain", ad->nc);
	ad->d.context = arena_printf(ad->d.arena, "%s %s", guid, ad->nc);
	struct str sid = attrs_first(&v.attrs, "objectSid");
	ad->domain_sid = sid.n ? sid_from_bytes(sid, ad->d.arena) : NULL;
	if (!dir_read_one(&ad->d, ad->invocation, dsa_names, NULL,
		    "reading this controller's settings", a, &v, e))
		return false;
	if (!guid_from_bytes(attrs_first(&v.attrs, "invocationId"), guid))
		return err_set(e, ERR_CONFIG, "no-right",
			"the account cannot read invocationId of %s; without it a restored "
			"controller cannot be told",
			ad->invocation);
	ad->invocation = arena_strdup(ad->d.arena, guid);
	return true;
}

/* The container's name is shown to everybody (Samba does); its attributes to those who may look inside. */
static void
deleted_look(struct ad *ad)
{
	static const char *const names[] = { "objectClass", NULL };
	LDAPControl *controls[] = { ad_control_show_deleted(), NULL };
	CLEAN_ARENA struct arena *a = arena_new();
	struct dir_values v;
	struct err e;
	const char *dn = arena_printf(a, "<WKGUID=" DELETED_OBJECTS ",%s>", ad->nc);
	ad->sees_deleted =
		dir_read_one(&ad->d, dn, names, controls, "reading Deleted Objects", a, &v, &e) &&
		attrs_get(&v.attrs, "objectClass");
}

bool
ad_arrive(struct ad *ad, struct err *e)
{
	if (!ad_rootdse(ad, e) || !ad_context_find(ad, e) || !identify(ad, e))
		return err_wrap(e, "%s", ad->d.server);
	deleted_look(ad);
	return true;
}

static bool
server_use(struct dir *dir, const char *url, struct err *e)
{
	struct ad *ad = ad_of(dir);
	return ad_connect(ad, url, e) && ad_arrive(ad, e) && ad_changes_choose(ad, e);
}

bool
ad_open(struct ad *ad, struct err *e)
{
	return dir_open(&ad->d, server_use, e);
}
