#include "model/entry.h"

#include <string.h>

static const char *const leave_names[] = {
	[LEAVE_DISABLE] = "disable",
	[LEAVE_DELETE] = "delete",
	[LEAVE_GRACE] = "grace",
	[LEAVE_KEEP] = "keep",
};

const char *
leave_name(enum leave l)
{
	return leave_names[l];
}

bool
leave_parse(const char *s, enum leave *l_r)
{
	for (size_t i = 0; i < sizeof(leave_names) / sizeof(*leave_names); i++)
		if (strcmp(s, leave_names[i]) == 0) {
			*l_r = (enum leave)i;
			return true;
		}
	return false;
}

const struct kind kinds[KIND_COUNT] = {
	[KIND_USER] = {
		.name = "user",
		.plural = "users",
		.classes = (const char *const[]){"user", "inetOrgPerson", NULL},
		.not_classes = (const char *const[]){"computer", NULL}, /* in AD a computer is a user */
		.name_attribute = "userName",
		.active_attribute = "active",
		.leave = LEAVE_DISABLE,
		.refs = {{"manager", "manager", false}},
	},
	[KIND_GROUP] = {
		.name = "group",
		.plural = "groups",
		.classes = (const char *const[]){"group", "groupOfNames", "groupOfUniqueNames", "posixGroup", NULL},
		.not_classes = (const char *const[]){NULL},
		.name_attribute = "displayName",
		.leave = LEAVE_DELETE,
		.refs = {{"members", "member", true}},
	},
};

const struct kind *
kind_find(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static bool
class_of(const struct attr *classes, const char *const *list)
{
	for (; *list; list++)
		for (size_t i = 0; classes && i < classes->count; i++)
			if (str_ieqc(classes->values[i], *list))
				return true;
	return false;
}

const struct kind *
entry_kind(const struct entry *e)
{
	const struct attr *classes = attrs_get(&e->attrs, "objectClass");

	for (size_t i = 0; i < KIND_COUNT; i++)
		if (class_of(classes, kinds[i].classes) && !class_of(classes, kinds[i].not_classes))
			return &kinds[i];
	return NULL;
}
