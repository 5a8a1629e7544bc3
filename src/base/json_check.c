/*
 * The grammar of RFC 8259 and our limits. cJSON alone would take more than that: raw control
 * characters, any byte up to 32 as white space, numbers like 01, NUL escapes, invalid UTF-8.
 */
#include <string.h>
#include "base/json.h"
#include "json_check.h"
#include "json_text.h"
#include "utf8_step.h"

#define NUMBER_MAX 62 /* characters; cJSON copies a number into 63 */

struct scan {
	const unsigned char *p, *end;
	const char *wrong;
	unsigned depth;
};

static bool
wrong(struct scan *s, const char *what)
{
	if (!s->wrong)
		s->wrong = what;
	return false;
}

static void
skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
}

static int
hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits at p, or -1. */
static int
hex4(const struct scan *s, const unsigned char *p)
{
	int v = 0, d;

	if (s->end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		d = hex_value(p[i]);
		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

/* At a backslash. */
static bool
scan_escape(struct scan *s)
{
	int v, low;

	if (s->end - s->p < 2)
		return wrong(s, "unfinished escape");
	if (s->p[1] != 'u') {
		if (!s->p[1] || !strchr("\"\\/bfnrt", s->p[1]))
			return wrong(s, "unknown escape");
		s->p += 2;
		return true;
	}
	v = hex4(s, s->p + 2);
	if (v < 0)
		return wrong(s, "\\u without four hexadecimal digits");
	if (v == 0)
		return wrong(s, "NUL escape");
	if (v >= 0xDC00 && v <= 0xDFFF)
		return wrong(s, "lone surrogate");
	if (v >= 0xD800 && v <= 0xDBFF) {
		low = s->end - s->p >= 12 && s->p[6] == '\\' && s->p[7] == 'u' ? hex4(s, s->p + 8)
									       : -1;
		if (low < 0xDC00 || low > 0xDFFF)
			return wrong(s, "lone surrogate");
		s->p += 6;
	}
	s->p += 6;
	return true;
}

/* At the opening quote. */
static bool
scan_string(struct scan *s)
{
	size_t len;

	for (s->p++;;) {
		unsigned char c;

		s->p += json_text_plain(s->p, (size_t)(s->end - s->p));
		if (s->p == s->end)
			return wrong(s, "unfinished string");
		c = *s->p;
		if (c == '"') {
			s->p++;
			return true;
		}
		if (c == '\\') {
			if (!scan_escape(s))
				return false;
		} else if (c < 0x20) {
			return wrong(s, "raw control character in a string");
		} else {
			len = utf8_step(s->p, (size_t)(s->end - s->p));
			if (!len)
				return wrong(s, "invalid UTF-8");
			s->p += len;
		}
	}
}

static bool
scan_digits(struct scan *s)
{
	const unsigned char *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > from || wrong(s, "digit expected");
}

static bool
scan_number(struct scan *s)
{
	const unsigned char *from = s->p;

	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (!scan_digits(s))
		return false;
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!scan_digits(s))
			return false;
	}
	if (s->p < s->end && (*s->p | 0x20) == 'e') {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (!scan_digits(s))
			return false;
	}
	if (s->p - from > NUMBER_MAX) {
		s->p = from;
		return wrong(s, "number with too many digits");
	}
	return true;
}

static bool
scan_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return wrong(s, "value expected");
	s->p += n;
	return true;
}

static bool scan_value(struct scan *s);

/* Name and colon. */
static bool
scan_name(struct scan *s)
{
	if (s->p == s->end || *s->p != '"')
		return wrong(s, "name in quotes expected");
	if (!scan_string(s))
		return false;
	skip_space(s);
	if (s->p == s->end || *s->p != ':')
		return wrong(s, "':' expected");
	s->p++;
	skip_space(s);
	return true;
}

/* Array or object, at its opening bracket. */
static bool
scan_nest(struct scan *s)
{
	bool object = *s->p == '{';
	unsigned char close = object ? '}' : ']';

	if (s->depth == JSON_DEPTH_MAX)
		return wrong(s, "nested too deep");
	s->depth++;
	s->p++;
	skip_space(s);
	if (s->p < s->end && *s->p == close)
		goto done;
	for (;;) {
		if ((object && !scan_name(s)) || !scan_value(s))
			return false;
		skip_space(s);
		if (s->p == s->end)
			return wrong(s, "unfinished document");
		if (*s->p == close)
			goto done;
		if (*s->p != ',')
			return wrong(s, object ? "',' or '}' expected" : "',' or ']' expected");
		s->p++;
		skip_space(s);
	}
done:
	s->p++;
	s->depth--;
	return true;
}

static bool
scan_value(struct scan *s)
{
	if (s->p == s->end)
		return wrong(s, "value expected");
	switch (*s->p) {
	case '{':
	case '[':
		return scan_nest(s);
	case '"':
		return scan_string(s);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		if (*s->p != '-' && (*s->p < '0' || *s->p > '9'))
			return wrong(s, "value expected");
		return scan_number(s);
	}
}

const char *
json_check(struct str text, size_t *at_r)
{
	const unsigned char *p = (const unsigned char *)text.p;
	struct scan s = { .p = p, .end = p + text.n };

	skip_space(&s);
	if (scan_value(&s)) {
		skip_space(&s);
		if (s.p < s.end)
			wrong(&s, "more text after the value");
	}
	*at_r = (size_t)(s.p - p);
	return s.wrong;
}
