/* Addresses and group names that two entries share: one of the two could not be made at a target. Memory is
 * bounded whatever the directory holds: a first pass marks hashes seen twice in a bitmap, a second keeps
 * the entries behind them, up to a limit. */
#include "ad.h"

#include <stdlib.h>
#include <string.h>
#include "base/map.h"

#define BITS     (UINT64_C(1) << 25) /* two bitmaps of 4 MiB */
#define SUSPECTS 5000
#define SHOWN    20
#define PAGE     500

struct same {
	struct arena *scratch, *kept;
	uint8_t *once, *twice;
	struct map *suspects; /* second pass: value -> struct holder */
	bool second, full;
	struct buf key;
};

struct holder {
	size_t count;
	const char *first, *second; /* DNs */
};

static bool
bit_test_set(uint8_t *bits, uint64_t at)
{
	uint8_t mask = (uint8_t)(1u << (at & 7));
	bool was = bits[at >> 3] & mask;
	bits[at >> 3] |= mask;
	return was;
}

static void
second_pass(struct same *s, uint64_t at, const char *dn)
{
	if (!(s->twice[at >> 3] & (1u << (at & 7))))
		return;
	struct holder *h = map_get(s->suspects, buf_str(&s->key));
	if (!h) {
		if (map_count(s->suspects) >= SUSPECTS) {
			s->full = true;
			return;
		}
		h = arena_alloc(s->kept, sizeof(*h));
		map_set(s->suspects, buf_str(&s->key), h);
	}
	/* bases may overlap: the same entry again is no second one */
	if ((h->first && strcmp(h->first, dn) == 0) || (h->second && strcmp(h->second, dn) == 0))
		return;
	if (h->count == 0)
		h->first = arena_strdup(s->kept, dn);
	else if (h->count == 1)
		h->second = arena_strdup(s->kept, dn);
	h->count++;
}

/* One value of an entry; `seen` are those it has already (mail is usually among proxyAddresses). */
static void
value_take(struct same *s, const char *space, struct str value, const char *dn, struct attrs *seen)
{
	buf_reset(&s->key);
	buf_adds(&s->key, space);
	utf8_fold(value.p, value.n, &s->key);
	if (attr_has(attrs_get(seen, "seen"), buf_str(&s->key)))
		return;
	attrs_add(seen, "seen", buf_str(&s->key));
	uint64_t at = hash_bytes(s->key.p, s->key.n) % BITS;
	if (s->second)
		second_pass(s, at, dn);
	else if (bit_test_set(s->once, at))
		bit_test_set(s->twice, at);
}

static void
addresses_take(
	struct same *s, struct ad *ad, LDAPMessage *entry, const char *dn, struct attrs *seen)
{
	static const char *const names[] = { "mail", "userPrincipalName", "proxyAddresses" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *const *list = dir_value_list(&ad->d, entry, names[i], s->scratch);
		for (; *list; list++) {
			struct str v = str_trim(str_c(*list));
			if (i == 2) {
				if (v.n < 5 || !str_ieq((struct str){ v.p, 5 }, STR("smtp:")))
					continue; /* X500, SIP and the like */
				v = (struct str){ v.p + 5, v.n - 5 };
			}
			if (v.n)
				value_take(s, "address ", v, dn, seen);
		}
	}
}

static bool
entry_take(void *ctx, struct dir *dir, LDAPMessage *entry, struct err *e)
{
	struct ad *ad = ad_of(dir);
	struct same *s = ctx;
	(void)e;
	arena_reset(s->scratch);
	struct attrs seen = attrs_new(s->scratch);
	char *dn = ldap_get_dn(ad->d.ld, entry);
	ad->d.done++;
	if (!dn)
		return true;
	addresses_take(s, ad, entry, dn, &seen);
	const char *const *classes = dir_value_list(&ad->d, entry, "objectClass", s->scratch);
	for (; *classes; classes++)
		if (ascii_ieq(*classes, "group")) {
			struct str name = dir_value_first(&ad->d, entry, "displayName", s->scratch);
			if (!name.n)
				name = dir_value_first(&ad->d, entry, "cn", s->scratch);
			if (name.n)
				value_take(s, "group name ", name, dn, &seen);
		}
	ldap_memfree(dn);
	return true;
}

/* What the next page is asked for with; NULL = that was the last. */
static struct berval *
page_cookie(struct ad *ad, LDAPControl **answer)
{
	LDAPControl *c = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, answer, NULL);
	struct berval got = { 0 }, *cookie = NULL;
	ber_int_t estimate;
	if (c && ldap_parse_pageresponse_control(ad->d.ld, c, &estimate, &got) == LDAP_SUCCESS &&
		got.bv_len)
		cookie = ber_dupbv(NULL, &got);
	ldap_memfree(got.bv_val);
	return cookie;
}

static bool
base_read(struct ad *ad, struct same *s, const char *base, struct err *e)
{
	static const char *const names[] = { "mail", "userPrincipalName", "proxyAddresses",
		"displayName", "cn", "objectClass", NULL };
	struct berval *cookie = NULL;
	bool ok = true;
	do {
		struct berval none = { .bv_val = (char[]){ "" } };
		LDAPControl *page = NULL, **answer = NULL;
		if (!ad->d.ld || ldap_create_page_control(ad->d.ld, PAGE, cookie ? cookie : &none,
					 1, &page) != LDAP_SUCCESS)
			ok = err_set(e, ERR_SIDE, "ldap", "the connection was lost");
		ber_bvfree(cookie);
		cookie = NULL;
		LDAPControl *controls[] = { page, NULL };
		const struct dir_search q = { .base = base,
			.scope = LDAP_SCOPE_SUBTREE,
			.filter = "(&(|(objectClass=user)(objectClass=group)(objectClass=contact))("
				  "!(objectClass=computer)))",
			.attributes = names,
			.controls = controls,
			.phase = "comparing",
			.doing = "comparing addresses" };
		ok = ok && dir_search(&ad->d, &q, entry_take, s, &answer, NULL, e);
		cookie = ok ? page_cookie(ad, answer) : NULL;
		ldap_controls_free(answer);
		ldap_control_free(page);
	} while (ok && cookie && !*ad->d.stop);
	ber_bvfree(cookie);
	return ok;
}

static void
report(struct ad *ad, const struct same *s)
{
	size_t it = 0, found = 0;
	struct str key;
	void *value;
	while (map_each(s->suspects, &it, &key, &value)) {
		const struct holder *h = value;
		if (h->count < 2 || ++found > SHOWN)
			continue;
		dir_finding(&ad->d, "warn", "duplicates",
			"leave it to one of them; the other cannot be made at a target that wants "
			"it unique",
			"%.*s: %s, and %s%s", (int)key.n, key.p, h->first, h->second,
			h->count > 2 ? ", and more" : "");
	}
	if (found > SHOWN)
		dir_finding(&ad->d, "warn", "duplicates", NULL, "and %zu more%s", found - SHOWN,
			s->full ? " at least" : "");
	if (!found)
		dir_finding(&ad->d, "ok", "duplicates", NULL,
			"no two entries share an address, no two groups a name");
}

void
ad_same_check(struct ad *ad, const char *const *bases)
{
	struct same s = { .scratch = arena_new(),
		.kept = arena_new(),
		.once = xcalloc(1, BITS / 8),
		.twice = xcalloc(1, BITS / 8),
		.suspects = map_new() };
	struct err e;
	bool ok = true;
	for (int pass = 0; ok && pass < 2; pass++) {
		s.second = pass == 1;
		ad->d.done = 0;
		for (size_t i = 0; ok && bases[i]; i++)
			ok = base_read(ad, &s, bases[i], &e);
	}
	if (ok)
		report(ad, &s);
	else
		dir_finding(&ad->d, "warn", "duplicates", NULL,
			"addresses could not be compared: %s", e.text);
	map_free(s.suspects, NULL);
	buf_free(&s.key);
	free(s.once);
	free(s.twice);
	arena_free(s.scratch);
	arena_free(s.kept);
}
