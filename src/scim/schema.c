#include "scim/schema.h"
#include "base/mem.h"

#define SUBS(table) .kind = SCIM_COMPLEX, .subs = (table), .n_subs = ARRAY_LEN(table)
#define TEXT(n, h)                                                                                 \
	{                                                                                          \
		.name = (n), .kind = SCIM_STRING, .help = (h)                                      \
	}
#define READ_ONLY .mutability = SCIM_READ_ONLY

static const struct scim_attr name_subs[] = {
	TEXT("formatted", "The full name, formatted for display."),
	TEXT("familyName", "The family name."),
	TEXT("givenName", "The given name."),
	TEXT("middleName", "The middle names."),
	TEXT("honorificPrefix", "Titles before the name."),
	TEXT("honorificSuffix", "Suffixes behind the name."),
};

/* The usual sub-attributes of a multi-valued attribute (RFC 7643 2.4) with its own types and key.
 */
#define PLURAL(table, value_kind, value_key, types)                                                \
	static const struct scim_attr table[] = {                                                  \
		{ .name = "value",                                                                 \
			.kind = (value_kind),                                                      \
			.key = (value_key),                                                        \
			.help = "The value." },                                                    \
		{ .name = "display", .kind = SCIM_STRING, .help = "The value for display." },      \
		{ .name = "type",                                                                  \
			.kind = SCIM_STRING,                                                       \
			.canonical = (types),                                                      \
			.help = "What it is." },                                                   \
		{ .name = "primary",                                                               \
			.kind = SCIM_BOOLEAN,                                                      \
			.help = "True for the preferred one." },                                   \
	}
PLURAL(email_subs, SCIM_STRING, SCIM_KEY_EMAIL, "work|home|other");
PLURAL(phone_subs, SCIM_STRING, SCIM_KEY_NONE, "work|home|mobile|fax|pager|other");
PLURAL(im_subs, SCIM_STRING, SCIM_KEY_NONE, "aim|gtalk|icq|xmpp|msn|skype|qq|yahoo");
PLURAL(photo_subs, SCIM_REFERENCE, SCIM_KEY_NONE, "photo|thumbnail");
PLURAL(plain_subs, SCIM_STRING, SCIM_KEY_NONE, NULL);
PLURAL(certificate_subs, SCIM_BINARY, SCIM_KEY_NONE, NULL);

static const struct scim_attr address_subs[] = {
	TEXT("formatted", "The full mailing address."),
	TEXT("streetAddress", "Street, house number, and the like."),
	TEXT("locality", "City."),
	TEXT("region", "State or region."),
	TEXT("postalCode", "Postal code."),
	TEXT("country", "Country, ISO 3166-1 alpha-2."),
	{ .name = "type",
		.kind = SCIM_STRING,
		.canonical = "work|home|other",
		.help = "What it is." },
	{ .name = "primary", .kind = SCIM_BOOLEAN, .help = "True for the preferred one." },
};

static const struct scim_attr group_subs[] = {
	{ .name = "value",
		.kind = SCIM_STRING,
		.case_exact = true,
		READ_ONLY,
		.key = SCIM_KEY_GROUP,
		.help = "The group's id." },
	{ .name = "$ref",
		.kind = SCIM_REFERENCE,
		.case_exact = true,
		READ_ONLY,
		.canonical = "Group",
		.help = "The group's URI." },
	{ .name = "display", .kind = SCIM_STRING, READ_ONLY, .help = "The group's name." },
	{ .name = "type",
		.kind = SCIM_STRING,
		READ_ONLY,
		.canonical = "direct",
		.help = "How the membership came about." },
};

static const struct scim_attr user_attrs[] = {
	{ .name = "userName",
		.kind = SCIM_STRING,
		.required = true,
		.unique = true,
		.key = SCIM_KEY_NAME,
		.help = "The user's unique name at this service." },
	{ .name = "name", SUBS(name_subs), .help = "The parts of the user's name." },
	TEXT("displayName", "The name shown to people."),
	TEXT("nickName", "The casual name."),
	{ .name = "profileUrl",
		.kind = SCIM_REFERENCE,
		.canonical = "external",
		.help = "The user's page." },
	TEXT("title", "The user's title."),
	TEXT("userType", "The relation between organization and user."),
	TEXT("preferredLanguage", "Preferred languages, as in Accept-Language."),
	TEXT("locale", "Locale, for currency, dates and numbers."),
	TEXT("timezone", "Time zone, IANA name."),
	{ .name = "active", .kind = SCIM_BOOLEAN, .help = "False when the user is disabled." },
	{ .name = "password",
		.kind = SCIM_STRING,
		.case_exact = true,
		.mutability = SCIM_WRITE_ONLY,
		.returned = SCIM_NEVER,
		.help = "Accepted and not kept." },
	{ .name = "emails", .multi = true, SUBS(email_subs), .help = "Mail addresses." },
	{ .name = "phoneNumbers", .multi = true, SUBS(phone_subs), .help = "Telephone numbers." },
	{ .name = "ims", .multi = true, SUBS(im_subs), .help = "Instant messaging addresses." },
	{ .name = "photos", .multi = true, SUBS(photo_subs), .help = "URIs of photos." },
	{ .name = "addresses", .multi = true, SUBS(address_subs), .help = "Mailing addresses." },
	{ .name = "groups",
		.multi = true,
		.rows = true,
		READ_ONLY,
		SUBS(group_subs),
		.help = "The groups the user is a direct member of." },
	{ .name = "entitlements", .multi = true, SUBS(plain_subs), .help = "What the user has." },
	{ .name = "roles", .multi = true, SUBS(plain_subs), .help = "What the user is." },
	{ .name = "x509Certificates",
		.multi = true,
		SUBS(certificate_subs),
		.help = "Certificates." },
};

static const struct scim_attr member_subs[] = {
	{ .name = "value",
		.kind = SCIM_STRING,
		.case_exact = true,
		.mutability = SCIM_IMMUTABLE,
		.key = SCIM_KEY_MEMBER,
		.help = "The member's id." },
	{ .name = "$ref",
		.kind = SCIM_REFERENCE,
		.case_exact = true,
		.mutability = SCIM_IMMUTABLE,
		.canonical = "User|Group",
		.help = "The member's URI." },
	{ .name = "type",
		.kind = SCIM_STRING,
		.mutability = SCIM_IMMUTABLE,
		.canonical = "User|Group",
		.help = "What the member is." },
};

static const struct scim_attr group_attrs[] = {
	{ .name = "displayName",
		.kind = SCIM_STRING,
		.required = true,
		.unique = true,
		.key = SCIM_KEY_NAME,
		.help = "The group's unique name." },
	{ .name = "members",
		.multi = true,
		.rows = true,
		SUBS(member_subs),
		.help = "Users and groups in this group." },
};

static const struct scim_attr manager_subs[] = {
	{ .name = "value", .kind = SCIM_STRING, .case_exact = true, .help = "The manager's id." },
	{ .name = "$ref",
		.kind = SCIM_REFERENCE,
		.case_exact = true,
		.canonical = "User",
		.help = "The manager's URI." },
	{ .name = "displayName", .kind = SCIM_STRING, READ_ONLY, .help = "The manager's name." },
};

static const struct scim_attr enterprise_attrs[] = {
	TEXT("employeeNumber", "The number the organization gave."),
	TEXT("costCenter", "Cost center."),
	TEXT("organization", "Organization."),
	TEXT("division", "Division."),
	TEXT("department", "Department."),
	{ .name = "manager", SUBS(manager_subs), .help = "The user's manager." },
};

static const struct scim_attr lockstep_attrs[] = {
	{ .name = "aliases",
		.kind = SCIM_STRING,
		.multi = true,
		.unique = true,
		.key = SCIM_KEY_ALIAS,
		.help = "Further mail addresses of this mailbox; each has one owner." },
	TEXT("mailboxKind", "What the mailbox is: user, shared, room, and the like."),
	TEXT("routing", "Where mail for this user is delivered."),
};

static const struct scim_attr lockstep_group_attrs[] = {
	{ .name = "mail",
		.kind = SCIM_STRING,
		.unique = true,
		.key = SCIM_KEY_ALIAS,
		.help = "The mail address of the list; it has one owner." },
	{ .name = "aliases",
		.kind = SCIM_STRING,
		.multi = true,
		.unique = true,
		.key = SCIM_KEY_ALIAS,
		.help = "Further mail addresses of the list; each has one owner." },
};

static const struct scim_attr meta_subs[] = {
	{ .name = "resourceType",
		.kind = SCIM_STRING,
		.case_exact = true,
		READ_ONLY,
		.help = "Name of the resource's type." },
	{ .name = "created", .kind = SCIM_DATETIME, READ_ONLY, .help = "When it was made." },
	{ .name = "lastModified",
		.kind = SCIM_DATETIME,
		READ_ONLY,
		.help = "When it last changed." },
	{ .name = "location",
		.kind = SCIM_REFERENCE,
		.case_exact = true,
		READ_ONLY,
		.help = "Its URI." },
	{ .name = "version",
		.kind = SCIM_STRING,
		.case_exact = true,
		READ_ONLY,
		.help = "Its ETag." },
};

static const struct scim_attr common_attrs[] = {
	{ .name = "schemas",
		.kind = SCIM_REFERENCE,
		.multi = true,
		.case_exact = true,
		READ_ONLY,
		.returned = SCIM_ALWAYS,
		.help = "URNs of the schemas of this resource." },
	{ .name = "id",
		.kind = SCIM_STRING,
		.case_exact = true,
		.unique = true,
		READ_ONLY,
		.returned = SCIM_ALWAYS,
		.key = SCIM_KEY_ID,
		.help = "The service's identifier." },
	{ .name = "externalId",
		.kind = SCIM_STRING,
		.case_exact = true,
		.key = SCIM_KEY_EXTERNAL,
		.help = "The client's identifier." },
	{ .name = "meta", READ_ONLY, SUBS(meta_subs), .help = "About the resource." },
};

#define SCHEMA(u, n, h, table)                                                                     \
	{                                                                                          \
		.urn = (u), .name = (n), .help = (h), .attrs = (table),                            \
		.n_attrs = ARRAY_LEN(table)                                                        \
	}
const struct scim_schema scim_common = SCHEMA("", "Common", "Common attributes", common_attrs);
static const struct scim_schema user_schema =
	SCHEMA(SCIM_URN_USER, "User", "User Account", user_attrs);
static const struct scim_schema group_schema =
	SCHEMA(SCIM_URN_GROUP, "Group", "Group", group_attrs);
static const struct scim_schema enterprise_schema =
	SCHEMA(SCIM_URN_ENTERPRISE, "EnterpriseUser", "Enterprise user", enterprise_attrs);
static const struct scim_schema lockstep_schema =
	SCHEMA(SCIM_URN_LOCKSTEP, "LockstepUser", "Mail attributes of a user", lockstep_attrs);

static const struct scim_schema lockstep_group_schema = SCHEMA(SCIM_URN_LOCKSTEP_GROUP,
	"LockstepGroup", "Mail attributes of a group", lockstep_group_attrs);

_Static_assert(ARRAY_LEN(user_attrs) <= SCIM_ATTRS_MAX, "raise SCIM_ATTRS_MAX");

static const struct scim_schema *const user_exts[] = { &enterprise_schema, &lockstep_schema };
_Static_assert(ARRAY_LEN(user_exts) <= SCIM_EXTS_MAX, "raise SCIM_EXTS_MAX");

static const struct scim_schema *const group_exts[] = { &lockstep_group_schema };

const struct scim_type scim_types[SCIM_TYPES] = {
	[SCIM_USER] = { "User", "/Users", "User Account", &user_schema, user_exts,
		ARRAY_LEN(user_exts) },
	[SCIM_GROUP] = { "Group", "/Groups", "Group", &group_schema, group_exts,
		ARRAY_LEN(group_exts) },
};

/* Every attribute of every resource comes by here: most rows differ in their first letter. */
const struct scim_attr *
scim_attr_find(const struct scim_attr *attrs, size_t n, struct str name)
{
	int first = name.n ? name.p[0] | 0x20 : 0;

	for (size_t i = 0; i < n; i++) {
		if ((attrs[i].name[0] | 0x20) == first && str_ieqc(name, attrs[i].name))
			return &attrs[i];
	}
	return NULL;
}

const struct scim_attr *
scim_sub_find(const struct scim_attr *attr, struct str name)
{
	return scim_attr_find(attr->subs, attr->n_subs, name);
}

const struct scim_schema *
scim_schema_find(const struct scim_type *type, struct str urn)
{
	if (str_ieqc(urn, type->core->urn))
		return type->core;
	for (size_t i = 0; i < type->n_exts; i++) {
		if (str_ieqc(urn, type->exts[i]->urn))
			return type->exts[i];
	}
	return NULL;
}

bool
scim_schema_is_core(const struct scim_type *type, const struct scim_schema *schema)
{
	return schema == type->core || schema == &scim_common;
}
