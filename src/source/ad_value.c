#include "ad_value.h"

#include <string.h>
#include "model/dn.h"

/* Hexadecimal text to bytes; false when it is none or longer than max. */
static bool
hex_decode(struct str hex, unsigned char *out, size_t max, size_t *n_r)
{
	if (hex.n % 2 || hex.n / 2 > max)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		const char *digits = "0123456789abcdef";
		char c = hex.p[i] >= 'A' && hex.p[i] <= 'F' ? (char)(hex.p[i] + 32) : hex.p[i];
		const char *d = c ? strchr(digits, c) : NULL;
		if (!d)
			return false;
		out[i / 2] = (unsigned char)(out[i / 2] << 4 | (d - digits));
	}
	*n_r = hex.n / 2;
	return true;
}

static bool
guid_read(struct str text, struct ad_dn *dn)
{
	unsigned char bytes[16] = { 0 };
	size_t n;
	if (text.n == 32 && hex_decode(text, bytes, sizeof(bytes), &n))
		return guid_from_bytes((struct str){ (char *)bytes, n }, dn->guid);
	char copy[37];
	if (text.n != 36)
		return false;
	memcpy(copy, text.p, 36);
	copy[36] = '\0';
	return uuid_canonical(copy, dn->guid);
}

static bool
sid_read(struct str text, struct arena *a, struct ad_dn *dn)
{
	unsigned char bytes[68] = { 0 }; /* MS-DTYP 2.4.2: at most 15 sub-authorities */
	size_t n;
	if (str_starts(text, "S-1-")) {
		if (text.n > 184 || strspn(text.p + 2, "0123456789-") < text.n - 2)
			return false;
		dn->sid = arena_strndup(a, text.p, text.n);
		return true;
	}
	if (!hex_decode(text, bytes, sizeof(bytes), &n))
		return false;
	dn->sid = sid_from_bytes((struct str){ (char *)bytes, n }, a);
	return dn->sid != NULL;
}

/* One "<NAME=value>" at the start of *v; false when it is malformed. */
static bool
part_read(struct str *v, struct arena *a, struct ad_dn *dn)
{
	const char *end = memchr(v->p, '>', v->n);
	const char *eq = end ? memchr(v->p, '=', (size_t)(end - v->p)) : NULL;
	if (!eq)
		return false;
	struct str name = { v->p + 1, (size_t)(eq - v->p - 1) };
	struct str text = { eq + 1, (size_t)(end - eq - 1) };
	if (str_ieqc(name, "GUID") && !guid_read(text, dn))
		return false;
	if (str_ieqc(name, "SID") && !sid_read(text, a, dn))
		return false;
	v->n -= (size_t)(end + 1 - v->p);
	v->p = end + 1;
	if (v->n && *v->p == ';') {
		v->p++;
		v->n--;
		return true;
	}
	return v->n == 0;
}

bool
ad_dn_parse(struct str value, struct arena *a, struct ad_dn *dn_r, struct err *e)
{
	*dn_r = (struct ad_dn){ .dn = NULL };
	if (value.n > DN_LENGTH_MAX)
		return err_set(e, ERR_OBJECT, "bad-dn", "a DN of %zu bytes", value.n);
	/* one copy: NUL-ended, so that the readers below may look ahead */
	struct str v = { arena_strndup(a, value.p, value.n), value.n };
	if (memchr(v.p, '\0', v.n) || !utf8_valid(v.p, v.n))
		return err_set(e, ERR_OBJECT, "bad-dn", "a DN that is not UTF-8 text");
	while (v.n && *v.p == '<')
		if (!part_read(&v, a, dn_r)) {
			CLEAN_BUF struct buf shown = { 0 };
			text_escape(value.p, value.n, 200, &shown);
			return err_set(e, ERR_OBJECT, "bad-dn",
				"an extended DN that cannot be read: %s", buf_cstr(&shown));
		}
	if (v.n)
		dn_r->dn = v.p;
	else if (!dn_r->guid[0] && !dn_r->sid)
		return err_set(e, ERR_OBJECT, "bad-dn", "an empty DN");
	return true;
}

/* A decimal number at the start of *s. */
static bool
number_read(struct str *s, size_t *n_r)
{
	size_t i = 0, n = 0;
	while (i < s->n && i < 10 && s->p[i] >= '0' && s->p[i] <= '9')
		n = n * 10 + (size_t)(s->p[i++] - '0');
	s->p += i;
	s->n -= i;
	*n_r = n;
	return i > 0;
}

static bool
range_read(struct str option, bool increments, struct ad_name *n)
{
	struct str s = { option.p + 6, option.n - 6 }; /* past "range=" */
	if (!number_read(&s, &n->from) || !s.n || *s.p != '-')
		return false;
	s.p++;
	s.n--;
	n->last = str_eqc(s, "*");
	n->to = SIZE_MAX;
	if (!n->last && (!number_read(&s, &n->to) || s.n || n->to < n->from))
		return false;
	n->range = AD_RANGE_PART;
	if (increments && n->from == n->to && n->from <= 1)
		n->range = n->from ? AD_RANGE_ADDED : AD_RANGE_REMOVED;
	return true;
}

bool
ad_name_parse(struct str d, bool increments, struct ad_name *n_r)
{
	const char *semi = d.n ? memchr(d.p, ';', d.n) : NULL;
	*n_r = (struct ad_name){ .name = { d.p, semi ? (size_t)(semi - d.p) : d.n } };
	while (semi) {
		struct str option = { semi + 1, (size_t)(d.p + d.n - semi - 1) };
		semi = option.n ? memchr(option.p, ';', option.n) : NULL;
		if (semi)
			option.n = (size_t)(semi - option.p);
		if (option.n >= 6 && str_ieq((struct str){ option.p, 6 }, STR("range=")) &&
			!range_read(option, increments, n_r))
			return false;
	}
	return n_r->name.n > 0;
}
