/* A DN that is taken can be written again, means the same, and stands under itself and the root. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "model/dn.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_ARENA struct arena *a = arena_new();
	char *text = arena_strndup(a, (const char *)data, size);
	struct dn one, two, root = { 0 };
	struct err e;
	char uuid[37], again[37];

	if (uuid_canonical(text, uuid) &&
		(!uuid_canonical(uuid, again) || strcmp(uuid, again) != 0))
		abort();
	sid_from_bytes((struct str){ (const char *)data, size }, a);
	sid_with_rid(text, "513", a);
	if (!dn_parse(text, a, &one, &e))
		return 0;
	if (!dn_parse(dn_text(&one, 0, a), a, &two, &e) || !dn_equal(&one, &two))
		abort();
	if (strcmp(dn_key(&one, a), dn_key(&two, a)) != 0 || !dn_under(&one, &root) ||
		!dn_under(&one, &two))
		abort();
	return 0;
}
