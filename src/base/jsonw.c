#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "json_text.h"
#include "utf8_step.h"

static void
put_escaped(struct buf *out, unsigned char c)
{
	static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: byte, letter */
	const char *pair;

	for (pair = names; *pair; pair += 2) {
		if ((unsigned char)*pair == c) {
			buf_addc(out, '\\');
			buf_addc(out, pair[1]);
			return;
		}
	}
	buf_addf(out, "\\u%04x", c);
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Not zero when a byte of w is zero; none of w may be above 0x7F. */
static inline uint64_t
zero_in(uint64_t w)
{
	return (w - EACH(1)) & EACH(0x80);
}

/* Eight bytes at a time: is any above 0x7F, below 0x20, a quote or a backslash? */
size_t
json_text_plain(const unsigned char *p, size_t n)
{
	size_t i = 0;
	uint64_t w;

	for (; i + 8 <= n; i += 8) {
		memcpy(&w, p + i, 8);
		if ((w & EACH(0x80)) || ((w - EACH(0x20)) & EACH(0x80)) || zero_in(w ^ EACH('"')) ||
			zero_in(w ^ EACH('\\')))
			break;
	}
	while (i < n && p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

void
json_text_string(struct buf *out, const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t from = 0, i = 0, len;

	buf_addc(out, '"');
	while ((i += json_text_plain(p + i, n - i)) < n) {
		len = utf8_step(p + i, n - i);
		if (len > 1) {
			i += len;
			continue;
		}
		buf_add(out, p + from, i - from);
		if (len && p[i])
			put_escaped(out, p[i]);
		else
			buf_adds(out, "\xEF\xBF\xBD");
		from = ++i;
	}
	if (n > from)
		buf_add(out, p + from, n - from);
	buf_addc(out, '"');
}

void
json_text_number(struct buf *out, double v)
{
	char text[40];

	if (!isfinite(v)) {
		buf_adds(out, "null");
		return;
	}
	if (v == trunc(v) && fabs(v) < 9007199254740992.0) {
		buf_addf(out, signbit(v) && v == 0 ? "-0" : "%lld", (long long)v);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_adds(out, text);
}

struct jsonw
jsonw(struct buf *out)
{
	return (struct jsonw){ .out = out };
}

/* Comma and name. A name at the top or in an array, or none in an object, is a mistake in the program. */
static void
put_name(struct jsonw *w, const char *name)
{
	bool in_object = w->depth && !w->arr[w->depth - 1];

	if (in_object != (name != NULL))
		abort();
	if (w->depth) {
		if (w->comma[w->depth - 1])
			buf_addc(w->out, ',');
		w->comma[w->depth - 1] = true;
	}
	if (name) {
		json_text_string(w->out, name, strlen(name));
		buf_addc(w->out, ':');
	}
}

static void
put_open(struct jsonw *w, const char *name, bool arr)
{
	put_name(w, name);
	if (w->depth == JSON_DEPTH_MAX)
		abort(); /* depth comes from the program, not from data */
	w->arr[w->depth] = arr;
	w->comma[w->depth] = false;
	w->depth++;
	buf_addc(w->out, arr ? '[' : '{');
}

void
jsonw_obj(struct jsonw *w, const char *name)
{
	put_open(w, name, false);
}

void
jsonw_arr(struct jsonw *w, const char *name)
{
	put_open(w, name, true);
}

void
jsonw_end(struct jsonw *w)
{
	if (!w->depth)
		abort();
	w->depth--;
	buf_addc(w->out, w->arr[w->depth] ? ']' : '}');
}

void
jsonw_str(struct jsonw *w, const char *name, const char *s)
{
	if (s)
		jsonw_strn(w, name, s, strlen(s));
	else
		jsonw_null(w, name);
}

void
jsonw_strn(struct jsonw *w, const char *name, const char *p, size_t n)
{
	put_name(w, name);
	json_text_string(w->out, p, n);
}

void
jsonw_int(struct jsonw *w, const char *name, int64_t v)
{
	put_name(w, name);
	buf_addf(w->out, "%lld", (long long)v);
}

void
jsonw_num(struct jsonw *w, const char *name, double v)
{
	put_name(w, name);
	json_text_number(w->out, v);
}

void
jsonw_bool(struct jsonw *w, const char *name, bool v)
{
	put_name(w, name);
	buf_adds(w->out, v ? "true" : "false");
}

void
jsonw_null(struct jsonw *w, const char *name)
{
	put_name(w, name);
	buf_adds(w->out, "null");
}

void
jsonw_raw(struct jsonw *w, const char *name, const char *json, size_t n)
{
	put_name(w, name);
	buf_add(w->out, json, n);
}

void
jsonw_json(struct jsonw *w, const char *name, const struct json *j)
{
	put_name(w, name);
	json_print(j, w->out);
}
