#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "base/str.h"

struct str
str_c(const char *s)
{
	return s ? (struct str){ s, strlen(s) } : (struct str){ "", 0 };
}

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
str_eqc(struct str a, const char *b)
{
	return str_eq(a, str_c(b));
}

/* Not tolower(): that one depends on the locale. */
static unsigned char
lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool
str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool
str_ieqc(struct str a, const char *b)
{
	return str_ieq(a, str_c(b));
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str
str_trim(struct str s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
str_starts(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

bool
ascii_ieq(const char *a, const char *b)
{
	return str_ieq(str_c(a), str_c(b));
}

void
ascii_lower(char *s)
{
	for (; *s; s++)
		*s = (char)lower(*s);
}

static void
buf_grow(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;

	if (n > SIZE_MAX / 4 || b->n > SIZE_MAX / 4)
		n = SIZE_MAX / 2; /* xrealloc will end the process */
	while (cap <= b->n + n)
		cap *= cap < 1024 ? 4 : 2; /* a message is seldom done with less */
	b->p = xrealloc(b->p, cap);
	b->cap = cap;
}

/* Room for n more bytes and the NUL. */
static inline void
buf_reserve(struct buf *b, size_t n)
{
	if (n >= b->cap || b->n >= b->cap - n)
		buf_grow(b, n);
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addc(struct buf *b, char c)
{
	buf_reserve(b, 1);
	b->p[b->n++] = c;
	b->p[b->n] = '\0';
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	buf_reserve(b, 32);
	va_start(ap, fmt);
	n = vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort(); /* only a wrong format string comes here */
	if ((size_t)n >= b->cap - b->n) {
		buf_reserve(b, (size_t)n);
		va_start(ap, fmt);
		vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
		va_end(ap);
	}
	b->n += (size_t)n;
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	if (b->p)
		b->p[0] = '\0';
}

void
buf_take(struct buf *b, size_t n)
{
	if (n >= b->n) {
		buf_reset(b);
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
	b->p[b->n] = '\0';
}

const char *
buf_cstr(const struct buf *b)
{
	if (!b->p)
		return "";
	b->p[b->n] = '\0';
	return b->p;
}

struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p ? b->p : "", b->n };
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

void
base64_encode(const void *p, size_t n, struct buf *out)
{
	size_t len = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL);

	buf_reserve(out, len);
	sodium_bin2base64(out->p + out->n, len, p, n, sodium_base64_VARIANT_ORIGINAL);
	out->n += len - 1; /* len counts the NUL */
}

bool
base64_decode(const char *p, size_t n, struct buf *out)
{
	size_t len;

	if (n % 4)
		return false;
	buf_reserve(out, n / 4 * 3);
	if (n && sodium_base642bin((unsigned char *)out->p + out->n, n / 4 * 3, p, n, NULL, &len,
			 NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
		out->p[out->n] = '\0';
		return false;
	}
	out->n += n ? len : 0;
	out->p[out->n] = '\0';
	return true;
}

void
hex_encode(const void *p, size_t n, struct buf *out)
{
	buf_reserve(out, n * 2);
	sodium_bin2hex(out->p + out->n, n * 2 + 1, p, n);
	out->n += n * 2;
}

#define WORD_MAX 64

/* Levenshtein's distance without ASCII case; words longer than WORD_MAX are never near. */
static size_t
edit_distance(struct str a, struct str b)
{
	size_t row[WORD_MAX + 1], diag, up, best;

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		diag = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			up = row[j];
			best = diag + (lower(a.p[i - 1]) != lower(b.p[j - 1]));
			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diag = up;
			row[j] = best;
		}
	}
	return row[b.n];
}

bool
text_listed(const char *const *names, const char *word)
{
	for (; *names; names++)
		if (ascii_ieq(*names, word))
			return true;
	return false;
}

const char *
text_nearest(const char *word, const char *const *names)
{
	struct str w = str_c(word);
	size_t near = w.n / 3 + 1, d; /* a third of the letters may be wrong */
	const char *found = NULL;

	for (; *names; names++) {
		d = edit_distance(w, str_c(*names));
		if (d <= near && d < w.n) {
			found = *names;
			if (d == 0)
				break;
			near = d - 1;
		}
	}
	return found;
}

void
sha256_hex(const void *p, size_t n, char out[65])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, p, n);
	sodium_bin2hex(out, 65, digest, sizeof(digest));
}
