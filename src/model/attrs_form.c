/*
 * The two forms of attributes outside memory: packed (state) and JSON (protocol).
 *
 * Packed: the byte 1, then for each attribute, names strictly ascending without case: length and
 * bytes of the name, number of values, for each value length and bytes, values strictly ascending.
 * Numbers are LEB128. Strictness is what makes equal sets equal bytes, and finds a damaged row.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "attrs_p.h"

#define PACK_VERSION 1
#define FEW          32 /* so many attributes, and values of one, are sorted without an allocation */

static void
pack_number(struct buf *out, size_t n)
{
	while (n >= 0x80) {
		buf_addc(out, (char)(0x80 | (n & 0x7f)));
		n >>= 7;
	}
	buf_addc(out, (char)n);
}

static void
pack_bytes(struct buf *out, struct str s)
{
	pack_number(out, s.n);
	if (s.n)
		buf_add(out, s.p, s.n);
}

/* ASCII case aside, so that either spelling has its place. */
static int
name_order(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? strncasecmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int
row_order(const void *a, const void *b)
{
	const struct attr *const *x = a, *const *y = b;

	return strcasecmp((*x)->name, (*y)->name);
}

/* The attributes of as into rows in the order of their names; the most values that one has. */
static size_t
rows_sorted(const struct attrs *as, const struct attr **rows)
{
	size_t most = 0;
	bool sorted = true;

	for (size_t i = 0; i < as->count; i++) {
		rows[i] = &as->list[i];
		if (rows[i]->count > most)
			most = rows[i]->count;
		sorted = sorted && (i == 0 || row_order(&rows[i - 1], &rows[i]) <= 0);
	}
	if (!sorted)
		qsort(rows, as->count, sizeof(*rows), row_order);
	return most;
}

static void
pack(const struct attrs *as, bool lower, struct buf *out)
{
	const struct attr *few_rows[FEW];
	struct str few_values[FEW];
	CLEAN_FREE const struct attr **more_rows = NULL;
	CLEAN_FREE struct str *more_values = NULL;
	const struct attr **rows = few_rows;
	struct str *values = few_values;

	if (as->count > FEW) {
		more_rows = xcalloc(as->count, sizeof(*rows));
		rows = more_rows;
	}
	size_t most = rows_sorted(as, rows);
	if (most > FEW) {
		more_values = xcalloc(most, sizeof(*values));
		values = more_values;
	}

	buf_addc(out, PACK_VERSION);
	for (size_t i = 0; i < as->count; i++) {
		size_t n = attr_sorted(rows[i], values), name;

		pack_bytes(out, str_c(rows[i]->name));
		name = out->n - strlen(rows[i]->name);
		for (size_t k = name; lower && k < out->n; k++)
			if (out->p[k] >= 'A' && out->p[k] <= 'Z')
				out->p[k] = (char)(out->p[k] - 'A' + 'a');
		pack_number(out, n);
		for (size_t k = 0; k < n; k++)
			pack_bytes(out, values[k]);
	}
}

void
attrs_pack(const struct attrs *as, struct buf *out)
{
	pack(as, true, out);
}

void
attrs_pack_spelled(const struct attrs *as, struct buf *out)
{
	pack(as, false, out);
}

static bool
unpack_number(struct str *in, size_t *n_r)
{
	size_t n = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		if (in->n == 0)
			return false;
		unsigned char c = (unsigned char)*in->p++;
		in->n--;
		n |= (size_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*n_r = n;
			return shift == 0 || c != 0; /* one writing per number */
		}
	}
	return false;
}

/*
 * Unpacking copies the whole once into the arena and points into it. Each name and value is ended
 * by a NUL in the place of the number that follows it, put there when that number has been read.
 */
struct unpacking {
	struct str in;
	char *end; /* of the last name or value: its NUL is due */
	struct str last;
	struct attrs *as;
};

static bool
take_number(struct unpacking *u, size_t *n_r)
{
	if (!unpack_number(&u->in, n_r))
		return false;
	if (u->end)
		*u->end = '\0';
	u->end = NULL;
	return true;
}

static bool
take_bytes(struct unpacking *u, struct str *s_r)
{
	size_t n;

	if (!take_number(u, &n) || n > u->in.n)
		return false;
	*s_r = (struct str){ u->in.p, n };
	u->in.p += n;
	u->in.n -= n;
	u->end = (char *)s_r->p + n;
	return true;
}

static bool
unpack_attr(struct unpacking *u)
{
	struct str name;
	struct attr *at;
	size_t count;

	if (!take_bytes(u, &name) || !name.n || memchr(name.p, 0, name.n) ||
		!take_number(u, &count))
		return false;
	/* Each value takes one byte at least: a count beyond what is left is damage, not an order
	 * to allocate. */
	if (count > u->in.n || (u->last.n && name_order(u->last, name) >= 0) ||
		u->as->count >= ATTRS_MAX)
		return false;
	at = attrs_put(u->as, name.p, count);
	for (size_t i = 0; i < count; i++)
		if (!take_bytes(u, &at->values[i]) ||
			(i > 0 && str_cmp(at->values[i - 1], at->values[i]) >= 0))
			return false;
	u->last = name;
	return true;
}

bool
attrs_unpack(struct str packed, struct arena *a, struct attrs *as_r, struct err *e)
{
	struct unpacking u = { .as = as_r };
	struct attrs none = attrs_new(a);

	*as_r = none;
	if (packed.n == 0 || *packed.p != PACK_VERSION)
		return err_set(e, ERR_SIDE, "bad-state",
			"packed attributes of an unknown version; rebuild the state "
			"(lockstep state rebuild)");
	u.in = (struct str){ arena_strndup(a, packed.p + 1, packed.n - 1), packed.n - 1 };
	while (u.in.n > 0)
		if (!unpack_attr(&u)) {
			*as_r = none;
			return err_set(e, ERR_SIDE, "bad-state",
				"packed attributes are damaged at byte %zu; rebuild the state "
				"(lockstep state rebuild)",
				packed.n - u.in.n);
		}
	return true;
}

void
value_write(struct jsonw *w, struct str v)
{
	if (v.n == 0 || (!memchr(v.p, 0, v.n) && utf8_valid(v.p, v.n))) {
		jsonw_strn(w, NULL, v.n ? v.p : "", v.n);
		return;
	}
	CLEAN_BUF struct buf b = { 0 };
	base64_encode(v.p, v.n, &b);
	jsonw_obj(w, NULL);
	jsonw_strn(w, "b64", buf_cstr(&b), b.n);
	jsonw_end(w);
}

void
attrs_write(const struct attrs *as, struct jsonw *w, const char *name)
{
	jsonw_obj(w, name);
	for (size_t i = 0; i < as->count; i++) {
		const struct attr *at = &as->list[i];

		attr_write(at, w, at->name);
	}
	jsonw_end(w);
}

void
attrs_write_elements(
	const struct attrs *as, const struct attrs *elements, struct jsonw *w, const char *name)
{
	jsonw_obj(w, name);
	for (size_t i = 0; i < as->count; i++) {
		const struct attr *at = &as->list[i];
		const struct attr *gone = elements ? attrs_get(elements, at->name) : NULL;

		if (!gone) {
			attr_write(at, w, at->name);
			continue;
		}
		jsonw_obj(w, at->name);
		attr_write(at, w, "add");
		attr_write(gone, w, "remove");
		jsonw_end(w);
	}
	jsonw_end(w);
}

void
attr_write(const struct attr *at, struct jsonw *w, const char *name)
{
	jsonw_arr(w, name);
	for (size_t i = 0; i < at->count; i++)
		value_write(w, at->values[i]);
	jsonw_end(w);
}

static bool
value_read(const struct json *j, struct arena *a, struct str *v_r)
{
	const char *text = json_string(j);

	if (text) {
		size_t n = strlen(text);

		*v_r = (struct str){ arena_strndup(a, text, n), n };
		return true;
	}
	text = json_get_string(j, "b64");
	if (!text)
		return false;
	CLEAN_BUF struct buf b = { 0 };
	if (!base64_decode(text, strlen(text), &b))
		return false;
	*v_r = (struct str){ arena_strndup(a, buf_cstr(&b), b.n), b.n };
	return true;
}

bool
attr_read(const struct json *j, const char *name, struct arena *a, struct attr *at_r, struct err *e)
{
	size_t n = 0, count = json_count(j), room = 1;

	if (json_type(j) != JSON_ARRAY)
		return err_set(e, ERR_OBJECT, "bad-attribute",
			"attribute \"%.100s\" is not a list of values", name);
	while (room < count)
		room *= 2; /* attrs_add's rule, see attrs.c */
	*at_r = (struct attr){ arena_strdup(a, name), 0,
		arena_alloc(a, room * sizeof(struct str)) };
	json_for_each(v, j)
		if (!value_read(v, a, &at_r->values[n++]))
			return err_set(e, ERR_OBJECT, "bad-attribute",
				"value %zu of attribute \"%.100s\" is neither a string nor "
				"{\"b64\": ...}",
				n, name);
	at_r->count = n;
	return true;
}

/* A list, or what is added to one and removed from it. */
static bool
list_read(const struct json *j, const char *name, struct attr *at_r, struct attrs *elements,
	struct arena *a, struct err *e)
{
	static const struct str none[1];
	struct attr gone;

	if (!elements || json_type(j) != JSON_OBJECT)
		return attr_read(j, name, a, at_r, e);
	*at_r = (struct attr){ arena_strdup(a, name), 0, arena_alloc(a, sizeof(struct str)) };
	if (json_get(j, "add") && !attr_read(json_get(j, "add"), name, a, at_r, e))
		return false;
	gone = (struct attr){ 0 };
	if (json_get(j, "remove") && !attr_read(json_get(j, "remove"), name, a, &gone, e))
		return false;
	attrs_set(elements, name, gone.count ? gone.values : none, gone.count);
	return true;
}

bool
attrs_read_elements(const struct json *j, struct arena *a, struct attrs *as_r,
	struct attrs *elements, struct err *e)
{
	size_t count = json_count(j);

	*as_r = attrs_new(a);
	if (elements)
		*elements = attrs_new(a);
	if (json_type(j) != JSON_OBJECT)
		return err_set(e, ERR_OBJECT, "bad-attribute", "attributes are not an object");
	if (count > ATTRS_MAX)
		return err_set(e, ERR_OBJECT, "bad-attribute",
			"%zu attributes in one entry; %d are the limit", count, ATTRS_MAX);
	as_r->list = arena_alloc(a, (count + 1) * sizeof(*as_r->list));
	as_r->cap = count + 1;
	json_for_each(m, j) {
		const char *name = json_key(m);

		if (!*name)
			return err_set(
				e, ERR_OBJECT, "bad-attribute", "an attribute without a name");
		if (attrs_get(as_r, name))
			return err_set(e, ERR_OBJECT, "bad-attribute",
				"attribute \"%.100s\" stands twice", name);
		if (!list_read(m, name, &as_r->list[as_r->count], elements, a, e))
			return false;
		as_r->count++;
	}
	return true;
}

bool
attrs_read(const struct json *j, struct arena *a, struct attrs *as_r, struct err *e)
{
	return attrs_read_elements(j, a, as_r, NULL, e);
}
