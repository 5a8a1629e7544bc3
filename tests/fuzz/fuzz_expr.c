/* Expressions: an administrator's text over an entry's hostile values (split at the first NUL). */
#include <stdint.h>
#include <string.h>
#include "rules/rules.h"

static int64_t
find_dn(void *ctx, const char *dn)
{
	(void)ctx;
	return dn[0];
}
static int64_t
parent(void *ctx, int64_t n)
{
	(void)ctx;
	return n - 1;
}
static bool
in_group(void *ctx, int64_t n, int64_t group)
{
	(void)ctx;
	return n > group;
}
static char *
dn(void *ctx, int64_t n, struct arena *a)
{
	(void)ctx;
	return arena_printf(a, "CN=%lld,DC=c", (long long)n);
}
static size_t
links(void *ctx, int64_t n, const char *attribute, bool reverse, struct arena *a, int64_t **ns_r)
{
	(void)ctx;
	(void)attribute;
	(void)reverse;
	*ns_r = arena_alloc(a, sizeof **ns_r);
	(*ns_r)[0] = n + 1;
	return 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { NULL, 1763740800, find_dn, parent, in_group, dn, links };
	CLEAN_ARENA struct arena *a = arena_new();
	struct names names = { .arena = a };
	const uint8_t *cut = memchr(data, 0, size);
	size_t n = cut ? (size_t)(cut - data) : size;
	struct str value = { (const char *)data + n + (cut != NULL), size - n - (cut != NULL) };
	struct conf_map maps[] = { { "userName", "mail", "f", 1, false },
		{ "aliases", arena_strndup(a, (const char *)data, n), "f", 2, false } };
	struct conf_sync s = { .name = "s" };
	struct rules *r = NULL;
	struct mapped m;
	struct err e;

	s.kind[KIND_USER] = (struct conf_kind){ true, LEAVE_DISABLE, 0, maps, 2 };
	struct entry en = { .n = 1, .id = "x", .rdn = "CN=a", .attrs = attrs_new(a) };
	attrs_set_c(&en.attrs, "mail", "a@x");
	attrs_set(&en.attrs, "v", &value, 1);
	attrs_set(&en.attrs, "accountExpires", &value, 1);
	if (!utf8_valid(maps[1].expr, n))
		return 0;
	if (!rules_attributes(&s, &names, &e) || !rules_compile(NULL, &s, NULL, &r, &e)) {
		if (e.kind != ERR_CONFIG)
			__builtin_trap();
		return 0;
	}
	rules_resolve(r, &w);
	if (rules_map(r, &w, &en, &kinds[KIND_USER], a, &m, &e)) {
		const struct attr *at = attrs_get(&m.wanted, "aliases");
		for (size_t i = 0; at && i < at->count; i++)
			if (!at->values[i].n || !utf8_valid(at->values[i].p, at->values[i].n))
				__builtin_trap();
	}
	rules_free(&r);
	return 0;
}
