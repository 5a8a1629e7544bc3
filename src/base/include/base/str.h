/*
 * Text: `struct str` is a view (pointer and length, may hold NUL, owns nothing), `struct buf` a
 * growing buffer (owned by whoever declared it; buf_free, or CLEAN_BUF). A buf's p is always
 * NUL-terminated beyond n once anything was added; buf_cstr() is never NULL.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *p;
	size_t n;
};
#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
struct str str_c(const char *s); /* of a C string; NULL gives an empty one */
bool str_eq(struct str a, struct str b);
bool str_eqc(struct str a, const char *b);
bool str_ieq(struct str a, struct str b); /* ASCII case only */
bool str_ieqc(struct str a, const char *b);
int str_cmp(struct str a, struct str b); /* bytes, then length */
struct str str_trim(struct str s);       /* ASCII white space at both ends */
bool str_starts(struct str s, const char *prefix);
bool ascii_ieq(const char *a, const char *b);
void ascii_lower(char *s);

struct buf {
	char *p;
	size_t n, cap;
};
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_reset(struct buf *b);          /* n = 0, memory kept */
void buf_take(struct buf *b, size_t n); /* drops the first n bytes */
const char *buf_cstr(const struct buf *b);
struct str buf_str(const struct buf *b);
void buf_free(struct buf *b);
#define CLEAN_BUF __attribute__((cleanup(buf_free)))

/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing beyond U+10FFFF. */
bool utf8_valid(const char *p, size_t n);
/* Full case folding with NFKC_Casefold (libutf8proc), for comparing names and addresses without case.
 * Invalid UTF-8 is folded byte-wise by ASCII. Result appended to out. */
void utf8_fold(const char *p, size_t n, struct buf *out);
/* Text safe for a terminal or log line: control characters, those that turn the direction of writing, and
 * invalid bytes become \xNN, cut at max bytes (0 = no limit) with "...". Appended to out. */
void text_escape(const char *p, size_t n, size_t max, struct buf *out);

void base64_encode(const void *p, size_t n, struct buf *out);
/* strict RFC 4648 with padding; false = bad */
bool base64_decode(const char *p, size_t n, struct buf *out);
void hex_encode(const void *p, size_t n, struct buf *out); /* lower case */

/* Is a word among `names` (NULL-terminated), ASCII case aside? */
bool text_listed(const char *const *names, const char *word);
/* The nearest of `names` (NULL-terminated) to `word` by edit distance, or NULL when none is near:
 * for "did you mean". */
const char *text_nearest(const char *word, const char *const *names);

/* SHA-256 of p as 64 hexadecimal characters and NUL. */
void sha256_hex(const void *p, size_t n, char out[65]);
