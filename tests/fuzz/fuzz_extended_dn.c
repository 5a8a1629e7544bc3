/* DN values and attribute descriptions as a directory writes them. First byte: which of the two. */
#include <stdlib.h>
#include <string.h>
#include "ad_value.h"
#include "model/dn.h"

static void
one_dn(struct str text)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct ad_dn dn, again;
	struct err e = { 0 };
	char uuid[37];
	if (!ad_dn_parse(text, a, &dn, &e)) {
		if (e.kind != ERR_OBJECT || !*e.text)
			abort();
		return;
	}
	if (dn.guid[0] && (!uuid_canonical(dn.guid, uuid) || strcmp(uuid, dn.guid) != 0))
		abort();
	if (!dn.guid[0] && !dn.sid && !dn.dn)
		abort();
	/* written in the usual way, it means the same */
	const char *usual = arena_printf(a, "%s%s%s%s", dn.guid[0] ? "<GUID=" : "", dn.guid,
		dn.guid[0] ? ">;" : "", dn.dn ? dn.dn : "");
	if (dn.dn && strlen(usual) <= DN_LENGTH_MAX &&
		(!ad_dn_parse(str_c(usual), a, &again, NULL) || strcmp(again.guid, dn.guid) ||
			strcmp(again.dn, dn.dn)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ad_name name;
	if (n == 0)
		return 0;
	struct str text = { (const char *)data + 1, n - 1 };
	if (data[0] == 'n' || data[0] == 'i') {
		if (ad_name_parse(text, data[0] == 'i', &name) &&
			(name.name.n > text.n || name.from > name.to))
			abort();
	} else {
		one_dn(text);
	}
	return 0;
}
