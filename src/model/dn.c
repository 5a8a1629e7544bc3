#include "model/dn.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>

/* The types that RFC 4514, section 3, names: whoever writes them as numbers means the same. */
static const struct {
	const char *oid, *name;
} types[] = {
	{ "2.5.4.3", "cn" },
	{ "2.5.4.7", "l" },
	{ "2.5.4.8", "st" },
	{ "2.5.4.10", "o" },
	{ "2.5.4.11", "ou" },
	{ "2.5.4.6", "c" },
	{ "2.5.4.9", "street" },
	{ "0.9.2342.19200300.100.1.25", "dc" },
	{ "0.9.2342.19200300.100.1.1", "uid" },
};

static void
key_type(struct berval type, struct buf *out)
{
	CLEAN_FREE char *name = xstrndup(type.bv_val, type.bv_len);
	const char *p = name;

	ascii_lower(name);
	if (strncmp(name, "oid.", 4) == 0)
		p += 4;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(p, types[i].oid) == 0)
			p = types[i].name;
	buf_adds(out, p);
	buf_addc(out, '=');
}

static void
key_escape(struct str v, struct buf *out)
{
	bool text = utf8_valid(v.p, v.n);

	for (size_t i = 0; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (c < 0x20 || c == 0x7f || (!text && c >= 0x80) || strchr(",+\"\\<>;=#", c))
			buf_addf(out, "\\%02x", c);
		else
			buf_addc(out, (char)c);
	}
}

/* Insignificant spaces (RFC 4518, 2.6.1): none at the ends, one inside. */
static struct str
fold_spaces(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] != ' ' || (n > 0 && b->p[n - 1] != ' '))
			b->p[n++] = b->p[i];
	if (n > 0 && b->p[n - 1] == ' ')
		n--;
	return (struct str){ b->p, n };
}

static void
key_value(const LDAPAVA *ava, struct buf *out)
{
	CLEAN_BUF struct buf folded = { 0 };

	if (ava->la_flags & LDAP_AVA_BINARY) {
		buf_addc(out, '#');
		hex_encode(ava->la_value.bv_val, ava->la_value.bv_len, out);
		return;
	}
	if (ava->la_value.bv_len == 0)
		return;
	utf8_fold(ava->la_value.bv_val, ava->la_value.bv_len, &folded);
	if (folded.n)
		key_escape(fold_spaces(&folded), out);
}

static int
text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* libldap takes "#" and a blank for the octets of nothing; RFC 4514 wants one pair of digits at least. */
static bool
rdn_legal(LDAPRDN rdn)
{
	for (size_t i = 0; rdn[i]; i++)
		if ((rdn[i]->la_flags & LDAP_AVA_BINARY) && rdn[i]->la_value.bv_len == 0)
			return false;
	return true;
}

/* The parts of a multi-valued RDN are a set (X.501): sorted. */
static char *
rdn_key(LDAPRDN rdn, struct arena *a)
{
	CLEAN_BUF struct buf all = { 0 };
	size_t count = 0;

	while (rdn[count])
		count++;
	char **parts = arena_alloc(a, count * sizeof(*parts));
	for (size_t i = 0; i < count; i++) {
		CLEAN_BUF struct buf one = { 0 };

		key_type(rdn[i]->la_attr, &one);
		key_value(rdn[i], &one);
		parts[i] = arena_strndup(a, buf_cstr(&one), one.n);
	}
	qsort(parts, count, sizeof(*parts), text_order);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_addc(&all, '+');
		buf_adds(&all, parts[i]);
	}
	return arena_strndup(a, buf_cstr(&all), all.n);
}

/* The RDN as written, without the blanks around it; an escaped blank at its end is part of it. */
static char *
rdn_text(const char *from, const char *to, struct arena *a)
{
	while (from < to && strchr(" \t\r\n", *from))
		from++;
	while (to > from && strchr(" \t\r\n", to[-1])) {
		const char *p = to - 1;

		while (p > from && p[-1] == '\\')
			p--;
		if ((to - 1 - p) % 2)
			break;
		to--;
	}
	return arena_strndup(a, from, (size_t)(to - from));
}

static bool
bad_dn(struct err *e, const char *text, const char *why)
{
	CLEAN_BUF struct buf shown = { 0 };

	text_escape(text, strlen(text), 200, &shown);
	return err_set(e, ERR_OBJECT, "bad-dn", "\"%s\" is not a distinguished name: %s",
		buf_cstr(&shown), why);
}

static void
dn_push(struct dn *dn, char *rdn, char *key, struct arena *a)
{
	if ((dn->count & (dn->count - 1)) == 0) { /* full at 0, 1, 2, 4, 8, ... */
		size_t cap = dn->count ? dn->count * 2 : 1;
		char **rdns = arena_alloc(a, cap * sizeof(*rdns));
		char **keys = arena_alloc(a, cap * sizeof(*keys));

		if (dn->count) {
			memcpy(rdns, dn->rdn, dn->count * sizeof(*rdns));
			memcpy(keys, dn->key, dn->count * sizeof(*keys));
		}
		dn->rdn = rdns;
		dn->key = keys;
	}
	dn->rdn[dn->count] = rdn;
	dn->key[dn->count++] = key;
}

static bool
rdn_read(const char *p, LDAPRDN *rdn_r, char **end_r)
{
	*rdn_r = NULL;
	if (ldap_str2rdn(p, rdn_r, end_r, LDAP_DN_FORMAT_LDAP) == LDAP_SUCCESS && *rdn_r &&
		rdn_legal(*rdn_r))
		return true;
	if (*rdn_r)
		ldap_rdnfree(*rdn_r);
	return false;
}

/* Takes one RDN from the front, up to the separator behind it. */
static bool
rdn_take(const char **p, struct dn *dn, struct arena *a)
{
	LDAPRDN rdn;
	char *end, *unused;

	if (!rdn_read(*p, &rdn, &end))
		return false;
	char *text = rdn_text(*p, end, a);
	size_t n = strlen(text);

	/* libldap takes a blank behind an escaped backslash for escaped; as we write it, it is not there */
	if (n && text[n - 1] == '\\' && end[-1] != '\\') {
		ldap_rdnfree(rdn);
		if (!rdn_read(text, &rdn, &unused))
			return false;
	}
	dn_push(dn, text, rdn_key(rdn, a), a);
	ldap_rdnfree(rdn);
	*p = end;
	return true;
}

bool
dn_parse(const char *text, struct arena *a, struct dn *dn_r, struct err *e)
{
	size_t n = strlen(text);
	const char *p = text;

	*dn_r = (struct dn){ 0 };
	if (n > DN_LENGTH_MAX)
		return bad_dn(e, text, "it is too long");
	if (!utf8_valid(text, n))
		return bad_dn(e, text, "it is not UTF-8");
	if (str_trim(str_c(text)).n == 0)
		return true; /* the root */
	/* One RDN at a time: ldap_str2dn is this same loop, but does not say where each one ends. */
	for (;;) {
		/* libldap takes an empty string for a bug of its caller. */
		if (str_trim(str_c(p)).n == 0)
			return bad_dn(e, text, "it ends in a separator");
		if (!rdn_take(&p, dn_r, a))
			return bad_dn(e, text, "see RFC 4514");
		if (*p++ == '\0')
			return true;
	}
}

bool
dn_under(const struct dn *dn, const struct dn *base)
{
	if (dn->count < base->count)
		return false;
	for (size_t i = 0; i < base->count; i++)
		if (strcmp(dn->key[dn->count - base->count + i], base->key[i]) != 0)
			return false;
	return true;
}

bool
dn_equal(const struct dn *a, const struct dn *b)
{
	return a->count == b->count && dn_under(a, b);
}

static char *
join(char *const *parts, size_t from, size_t count, struct arena *a)
{
	CLEAN_BUF struct buf b = { 0 };

	for (size_t i = from; i < count; i++) {
		if (i > from)
			buf_addc(&b, ',');
		buf_adds(&b, parts[i]);
	}
	return arena_strndup(a, buf_cstr(&b), b.n);
}

char *
dn_text(const struct dn *dn, size_t from, struct arena *a)
{
	return join(dn->rdn, from, dn->count, a);
}

char *
dn_key(const struct dn *dn, struct arena *a)
{
	return join(dn->key, 0, dn->count, a);
}
