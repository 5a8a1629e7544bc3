/* The vocabulary between rules and targets. A row here is all that a new attribute needs. */
#include <string.h>
#include "model/kind.h"

#define U (1u << KIND_USER)
#define G (1u << KIND_GROUP)

#define VOCAB(ROW)                                                                                 \
	/* RFC 7643, 4.1 */                                                                        \
	ROW("userName", STRING, false, U)                                                          \
	ROW("displayName", STRING, false, U | G)                                                   \
	ROW("name.givenName", STRING, false, U)                                                    \
	ROW("name.familyName", STRING, false, U)                                                   \
	ROW("name.middleName", STRING, false, U)                                                   \
	ROW("name.formatted", STRING, false, U)                                                    \
	ROW("nickName", STRING, false, U)                                                          \
	ROW("title", STRING, false, U)                                                             \
	ROW("userType", STRING, false, U)                                                          \
	ROW("preferredLanguage", STRING, false, U)                                                 \
	ROW("locale", STRING, false, U)                                                            \
	ROW("timezone", STRING, false, U)                                                          \
	ROW("profileUrl", STRING, false, U)                                                        \
	ROW("active", BOOL, false, U)                                                              \
	ROW("emails.work", STRING, false, U)                                                       \
	ROW("emails.home", STRING, false, U)                                                       \
	ROW("emails.other", STRING, false, U)                                                      \
	ROW("phoneNumbers.work", STRING, false, U)                                                 \
	ROW("phoneNumbers.mobile", STRING, false, U)                                               \
	ROW("phoneNumbers.home", STRING, false, U)                                                 \
	ROW("phoneNumbers.fax", STRING, false, U)                                                  \
	ROW("phoneNumbers.pager", STRING, false, U)                                                \
	ROW("phoneNumbers.other", STRING, false, U)                                                \
	ROW("addresses.work.streetAddress", STRING, false, U)                                      \
	ROW("addresses.work.locality", STRING, false, U)                                           \
	ROW("addresses.work.region", STRING, false, U)                                             \
	ROW("addresses.work.postalCode", STRING, false, U)                                         \
	ROW("addresses.work.country", STRING, false, U)                                            \
	ROW("addresses.work.formatted", STRING, false, U)                                          \
	/* 4.3, enterprise */                                                                      \
	ROW("employeeNumber", STRING, false, U)                                                    \
	ROW("costCenter", STRING, false, U)                                                        \
	ROW("organization", STRING, false, U)                                                      \
	ROW("division", STRING, false, U)                                                          \
	ROW("department", STRING, false, U)                                                        \
	ROW("manager", REF, false, U)                                                              \
	/* 4.2 */                                                                                  \
	ROW("members", REF, true, G)                                                               \
	/* ours */                                                                                 \
	ROW("aliases", STRING, true, U | G)                                                        \
	ROW("mailboxKind", STRING, false, U)                                                       \
	ROW("routing", STRING, false, U)                                                           \
	ROW("mail", STRING, false, G)

#define ROW_STRUCT(name, type, multi, kinds) { name, VOCAB_##type, multi, kinds },
#define ROW_NAME(name, type, multi, kinds)   name,

static const struct vocab rows[] = { VOCAB(ROW_STRUCT) };
static const char *const names[] = { VOCAB(ROW_NAME) NULL };

const struct vocab *
vocab_find(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const char *const *
vocab_names(void)
{
	return names;
}
