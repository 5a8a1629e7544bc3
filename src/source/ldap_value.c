#include "ldap_value.h"

#include <string.h>
#include "model/dn.h"

static bool
bad(struct err *e, const char *what)
{
	return err_set(e, ERR_RETRY, "bad-answer",
		"the server sent a %s of content synchronization (RFC 4533) that cannot be read",
		what);
}

/* 16 bytes in the order of their text. */
static bool
uuid_read(struct str v, char id[37])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;
	if (v.n != 16)
		return false;
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			id[n++] = '-';
		id[n++] = digits[(unsigned char)v.p[i] >> 4];
		id[n++] = digits[(unsigned char)v.p[i] & 15];
	}
	id[n] = '\0';
	return true;
}

/* --- BER, as far as these need it: read in place; definite lengths, as LDAP has them (RFC 4511 5.1) --- */

#define SEQUENCE   0x30
#define SET        0x31
#define OCTETS     0x04
#define BOOLEAN    0x01
#define ENUMERATED 0x0a
#define LENGTH_MAX 4 /* bytes of a length */

static bool
tag_is(struct str left, unsigned char tag)
{
	return left.n && (unsigned char)left.p[0] == tag;
}

/* Takes one element of that tag from the front. */
static bool
element(struct str *left, unsigned char tag, struct str *content_r)
{
	size_t at = 2, n;
	if (left->n < 2 || !tag_is(*left, tag))
		return false;
	n = (unsigned char)left->p[1];
	if (n >= 0x80) {
		size_t bytes = n - 0x80;
		if (!bytes || bytes > LENGTH_MAX || left->n - 2 < bytes)
			return false;
		n = 0;
		for (; at < 2 + bytes; at++)
			n = n << 8 | (unsigned char)left->p[at];
	}
	if (n > left->n - at)
		return false;
	*content_r = (struct str){ left->p + at, n };
	*left = (struct str){ left->p + at + n, left->n - at - n };
	return true;
}

/* An OCTET STRING that may be there. */
static bool
cookie_read(struct str *left, struct str *cookie_r)
{
	*cookie_r = (struct str){ "", 0 };
	return !tag_is(*left, OCTETS) ||
	       (element(left, OCTETS, cookie_r) && cookie_r->n <= SYNC_COOKIE_MAX);
}

/* A BOOLEAN that may be there. */
static bool
flag_read(struct str *left, bool otherwise, bool *flag_r)
{
	struct str v;
	*flag_r = otherwise;
	if (!tag_is(*left, BOOLEAN))
		return true;
	if (!element(left, BOOLEAN, &v) || v.n != 1)
		return false;
	*flag_r = v.p[0] != 0;
	return true;
}

/* --- the four --- */

bool
sync_request_make(
	enum sync_mode mode, struct str cookie, struct arena *a, LDAPControl *c_r, struct err *e)
{
	static char oid[] = LDAP_CONTROL_SYNC;
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct berval v = { 0 };
	bool ok = ber && ber_printf(ber, "{e", (ber_int_t)mode) >= 0 &&
		  (!cookie.n || ber_printf(ber, "o", cookie.p, (ber_len_t)cookie.n) >= 0) &&
		  ber_printf(ber, "N}") >= 0 && ber_flatten2(ber, &v, 0) == 0;
	if (ok)
		*c_r = (LDAPControl){ .ldctl_oid = oid,
			.ldctl_value = { .bv_len = v.bv_len,
				.bv_val = arena_strndup(a, v.bv_val, v.bv_len) },
			.ldctl_iscritical = 1 };
	ber_free(ber, 1);
	return ok || err_set(e, ERR_SIDE, "ldap", "the sync request control cannot be made");
}

bool
sync_state_read(struct str value, struct sync_entry *s_r, struct err *e)
{
	struct str in, state, uuid;
	if (!element(&value, SEQUENCE, &in) || !element(&in, ENUMERATED, &state) || state.n != 1 ||
		(unsigned char)state.p[0] > SYNC_DELETE || !element(&in, OCTETS, &uuid) ||
		!uuid_read(uuid, s_r->id) || !cookie_read(&in, &s_r->cookie))
		return bad(e, "state");
	s_r->state = (enum sync_state)state.p[0];
	return true;
}

bool
sync_done_read(struct str value, struct sync_done *d_r, struct err *e)
{
	struct str in;
	return (element(&value, SEQUENCE, &in) && cookie_read(&in, &d_r->cookie) &&
		       flag_read(&in, false, &d_r->deletes) && !in.n) ||
	       bad(e, "end");
}

static bool
ids_read(struct str in, struct arena *a, struct sync_info *i)
{
	struct str set, uuid;
	if (!element(&in, SET, &set) || in.n)
		return false;
	i->ids = arena_alloc(a, (set.n / 18 + 1) * sizeof(*i->ids)); /* 2 bytes before each */
	while (set.n)
		if (!element(&set, OCTETS, &uuid) || !uuid_read(uuid, i->ids[i->count++]))
			return false;
	return true;
}

bool
sync_info_read(struct str value, struct arena *a, struct sync_info *i_r, struct err *e)
{
	static const unsigned char tags[] = {
		[SYNC_NEW_COOKIE] = LDAP_TAG_SYNC_NEW_COOKIE,
		[SYNC_REFRESH_DELETE] = LDAP_TAG_SYNC_REFRESH_DELETE,
		[SYNC_REFRESH_PRESENT] = LDAP_TAG_SYNC_REFRESH_PRESENT,
		[SYNC_ID_SET] = LDAP_TAG_SYNC_ID_SET,
	};
	struct str in;
	size_t type = 0;
	while (type < ARRAY_LEN(tags) && !element(&value, tags[type], &in))
		type++;
	if (type == ARRAY_LEN(tags))
		return bad(e, "message");
	*i_r = (struct sync_info){ .type = (enum sync_info_type)type };
	bool ok;
	if (type == SYNC_NEW_COOKIE) {
		i_r->cookie = in;
		ok = in.n <= SYNC_COOKIE_MAX;
	} else if (type == SYNC_ID_SET) {
		ok = cookie_read(&in, &i_r->cookie) && flag_read(&in, false, &i_r->deletes) &&
		     ids_read(in, a, i_r);
	} else {
		ok = cookie_read(&in, &i_r->cookie) && flag_read(&in, true, &i_r->done) && !in.n;
	}
	return ok || bad(e, "message");
}

/* The time of a change sequence number, up to its '#'. */
static bool
csn_begins(struct str s)
{
	static const char form[] = "dddddddddddddd.ddddddZ#";
	if (s.n < sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != form[i])
			return false;
	return true;
}

bool
sync_cookie_usable(struct str cookie)
{
	if (!str_starts(cookie, "rid="))
		return true; /* of another make */
	for (size_t i = 0; i < cookie.n; i++) {
		struct str part = { cookie.p + i, cookie.n - i };
		if (str_starts(part, ",csn=") && csn_begins((struct str){ part.p + 5, part.n - 5 }))
			return true;
	}
	return false;
}

struct str
unique_name_dn(struct str value)
{
	size_t n = value.n;
	if (n < 4 || value.p[n - 1] != 'B' || value.p[n - 2] != '\'')
		return value;
	n -= 2;
	while (n && (value.p[n - 1] == '0' || value.p[n - 1] == '1'))
		n--;
	if (n < 2 || value.p[n - 1] != '\'' || value.p[n - 2] != '#')
		return value;
	return (struct str){ value.p, n - 2 };
}
