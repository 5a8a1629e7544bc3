/* What a directory says of content synchronization. First byte: which of the readers. */
#include <stdlib.h>
#include <string.h>
#include "ldap_value.h"
#include "model/dn.h"

static void
id_check(const char *id)
{
	char uuid[37];
	if (!uuid_canonical(id, uuid) || strcmp(uuid, id) != 0)
		abort();
}

static void
within(struct str part, struct str whole)
{
	if (part.n && (part.n > whole.n || part.p < whole.p || part.p + part.n > whole.p + whole.n))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	CLEAN_ARENA struct arena *a = arena_new();
	struct sync_entry s;
	struct sync_done d;
	struct sync_info i;
	struct err e = { 0 };
	if (n == 0)
		return 0;
	struct str v = { (const char *)data + 1, n - 1 };
	sync_cookie_usable(v);
	if (data[0] == 's' && sync_state_read(v, &s, &e)) {
		id_check(s.id);
		within(s.cookie, v);
	} else if (data[0] == 'd' && sync_done_read(v, &d, &e)) {
		within(d.cookie, v);
	} else if (data[0] == 'i' && sync_info_read(v, a, &i, &e)) {
		within(i.cookie, v);
		for (size_t k = 0; k < i.count; k++)
			id_check(i.ids[k]);
	} else if (data[0] == 'u') {
		within(unique_name_dn(v), v);
	}
	return 0;
}
