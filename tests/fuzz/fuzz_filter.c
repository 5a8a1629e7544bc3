/* RFC 4515 filters: parsed, bound, matched against an entry. */
#include <stdint.h>
#include <string.h>
#include "rules/filter.h"

static int64_t
find_dn(void *ctx, const char *dn)
{
	(void)ctx;
	return (int64_t)strlen(dn) % 3;
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
	return arena_printf(a, "CN=a\\, %lld,OU=b,DC=c", (long long)n);
}
static size_t
links(void *ctx, int64_t n, const char *attribute, bool reverse, struct arena *a, int64_t **ns_r)
{
	(void)ctx;
	(void)attribute;
	*ns_r = arena_alloc(a, 2 * sizeof **ns_r);
	(*ns_r)[0] = n % 7 + 1;
	(*ns_r)[1] = reverse ? 1 : 2;
	return 2;
}
static bool
lookup(void *ctx, const char *name, bool *multi_r, bool *link_r, bool *bytes_r)
{
	(void)ctx;
	*multi_r = name[0] == 'm';
	*link_r = name[1] == 'a';
	*bytes_r = name[1] == 'b';
	return name[0] != 'x';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rules_schema schema = { NULL, lookup };
	struct world w = { NULL, 0, find_dn, parent, in_group, dn, links };
	CLEAN_ARENA struct arena *a = arena_new();
	struct names names = { .arena = a };
	struct filter *f;
	struct err e;

	struct entry en = { .n = 1, .id = "x", .rdn = "CN=a", .attrs = attrs_new(a) };
	attrs_set_c(&en.attrs, "cn", "Ann  Lee");
	attrs_set_c(&en.attrs, "mail", "CN=a\\, 1,OU=b");
	attrs_set_c(&en.attrs, "userAccountControl", "514");
	attrs_set(&en.attrs, "ab", &(struct str){ "a\0\xff", 3 }, 1);
	char *text = arena_strndup(a, (const char *)data, size);
	if (!filter_parse(text, a, &f, &e)) {
		if (e.kind != ERR_CONFIG)
			__builtin_trap();
		return 0;
	}
	filter_match(f, &w, &en);
	filter_attributes(f, &names);
	if (filter_bind(f, &schema, false, &e)) {
		filter_resolve(f, &w);
		filter_match(f, &w, &en);
	}
	return 0;
}
